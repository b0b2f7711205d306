"""Map: one study from its first run to its tables. What is asked for next, what the finished runs say, what is claimed.

What belongs here: the course of a study, over the statistics of `statistics/`. Which runs a budget allows: plan.py.
The rows of the tables: table.py. Everything is worked out anew from the ledger, so a stopped study goes on where it
stopped.

Whether a pair is unclear, and so worth more seeds, is decided once, from the seeds that all pairs have. Looking once
more makes false claims a little likelier than the q-value says; the confirmation is what they are held to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Protocol

import numpy as np
import polars as pl

from lake.spoken import duration
from models.pool import cores
from models.transfer_map import surrogate
from models.transfer_map.asked import Asked
from models.transfer_map.families import BETWEEN, derived, kinds
from models.transfer_map.ledger import RUNS, RunLedger
from models.transfer_map.plan import FRESH, Budget, Pair, of_knowing, of_pairs, seeds_of_sets
from models.transfer_map.problem import Problem
from models.transfer_map.runs import forecast, missing, trained_runs
from models.transfer_map.statistics.confirmation import chosen, confirmed
from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.equivalence import HURTS, UNCLEAR, judged
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW, gains_of, subset_gains
from models.transfer_map.statistics.intervals import PAIR, estimated, matrix_of
from models.transfer_map.why import Explained, explained, features
from models.transfer_map.worlds.drawn import OVERLAP, Stock

PAIRS_OF_RUNS, SETS = "pairs", "sets"  # how a gain was estimated
UNTOLD = ("error", "freedom", "low", "high", "p")  # of a surrogate of one seed, which does not see the seed's own part


class MapWorld(Protocol):
    """What a map is drawn of: `LakeWorld`, `CsvWorld`."""

    names: tuple[str, ...]
    snapshot: str

    def problem(self, seed: int) -> Problem:
        """What runs of this seed learn from."""

    def confirmation(self) -> MapWorld:
        """The same world, measured on crystals that the map never saw."""

    def stock(self) -> Stock:
        """All labelled crystals."""

    def licences(self) -> dict[str, tuple[str, ...]]:
        """Of each task's labels and structures."""


@dataclass(frozen=True)
class How:
    """How runs are made and who hears of it.

    processes: None for one per core.  hours: after so many no piece is begun.  say: a line of progress.
    """

    processes: int | None = None
    hours: float = float("inf")
    say: Callable[[str], None] = lambda words: None


@dataclass(frozen=True)
class Wave:
    """Runs that are asked for together. at_most: whether which of them is known only when what comes before is done."""

    stage: str
    world: MapWorld
    asked: list[Asked]
    at_most: bool = False


@dataclass(frozen=True)
class Study:
    """name: of the study, in tables.  families: name -> family of each task.  target: where named, only its pairs are
    trained; what the ledger knows of others is told all the same.
    """

    name: str
    world: MapWorld
    budget: Budget
    ledger: RunLedger
    families: Mapping[str, str]
    target: str = ""
    catalog: bool = True

    def __post_init__(self) -> None:
        if self.target and self.target not in self.world.names:
            raise KeyError(f"{self.target} is not in this map; it has {', '.join(self.world.names)}")

    @cached_property
    def kinds(self) -> pl.DataFrame:
        """target, source, family_target, family_source, kind of every ordered pair, without held crystals."""
        stock = self.world.stock()
        names = list(stock.names)
        gathered = pl.DataFrame({"name": names, "family": [self.families[name] for name in names]})
        return kinds(gathered, derived(names, stock.targets[~stock.held], self.catalog))

    @cached_property
    def pairs(self) -> list[Pair]:
        """The ordered pairs that are trained, those between families first, by name."""
        order = self.kinds.sort(pl.col("kind") != BETWEEN, *PAIR).select(*PAIR).rows()
        return [pair for pair in order if self.target in ("", pair[0])]

    @cached_property
    def between(self) -> list[Pair]:
        """Those of them between families."""
        found = set(self.kinds.filter(kind=BETWEEN).select(*PAIR).iter_rows())
        return [pair for pair in self.pairs if pair in found]

    def waves(self, guess: bool = False) -> Iterator[Wave]:
        """What is trained, in order. A later wave stands on what the waves before found.

        guess: for a forecast, take for unknown the most that there can be.
        """
        budget, rest = self.budget, [pair for pair in self.pairs if pair not in set(self.between)]
        seeds = range(budget.seeds)
        if not self.target and (sets := seeds_of_sets(self.world.names, budget)):
            yield Wave("sets of tasks", self.world, sets)
        for pairs, words in ((self.between, "pairs between families"), (rest, "other pairs")):
            for seed in seeds:
                yield Wave(words, self.world, of_pairs(pairs, [seed]))
        unknown = guess and bool(self.missing(of_pairs(self.pairs, seeds)))
        unclear = self.between if unknown else self._unclear()
        for seed in range(budget.seeds, budget.more):
            yield Wave("more seeds for unclear pairs", self.world, of_pairs(unclear, [seed]), unknown)
        claims = self.between[: budget.claims] if unknown else self.claims().select(*PAIR).rows()
        fresh = range(FRESH, FRESH + budget.fresh)
        yield Wave("claims on fresh seeds", self.world.confirmation(), of_pairs(claims, fresh), unknown)
        yield Wave("sources that know", self.world, of_knowing(self.between, range(budget.knowing)))

    def digests(self, asked: Sequence[Asked], world: MapWorld | None = None) -> dict[int, str]:
        """Seed -> digest of the problem."""
        seeds, world = {one.seed for one in asked}, world or self.world
        return {seed: world.problem(seed).digest for seed in seeds}

    def missing(self, asked: Sequence[Asked], world: MapWorld | None = None) -> list[Asked]:
        """Those asked that the ledger does not have."""
        return missing(asked, self.digests(asked, world), self.budget.size, self.ledger)

    def found(self, asked: Sequence[Asked], world: MapWorld | None = None) -> pl.DataFrame:
        """RUNS of those asked, as far as they are finished and have an error that a gain can be told of."""
        told = self.ledger.found(asked, self.digests(asked, world), self.budget.size)
        return told.filter(pl.col("error") > 0) if len(told) else pl.DataFrame(schema=RUNS)

    def gains(self, seeds: Sequence[int]) -> pl.DataFrame:
        """GAINS of all ordered pairs on these seeds, as far as they are known."""
        asked = of_pairs(list(permutations(self.world.names, 2)), seeds)
        return gains_of(self.found(asked).filter(target=""))

    def judged(self, seeds: Sequence[int]) -> pl.DataFrame:
        """Per pair of which anything is known: PAIRS over placebo, judged, with gain_raw, low_raw, high_raw, estimator.

        A target of which every pair has two seeds is told by its pairs, any other by the surrogate of sets; where there
        are no sets, by the pairs that there are.
        """
        gains = self.gains(seeds)
        whole = gains.drop_nulls().group_by(PAIR).len().filter(pl.col("len") > 1).group_by("target").len()
        whole = set(whole.filter(pl.col("len") == len(self.world.names) - 1)["target"])
        by_sets = self._by_sets()
        told = {of: estimated(gains, of, overlap=self._overlap(gains, of)) for of in (RAW, OVER_PLACEBO)}
        parts = []
        for of, pairs in told.items():
            sets = by_sets[of].filter(~pl.col("target").is_in(list(whole)))
            pairs = pairs.filter(~pl.col("target").is_in(list(set(sets["target"]))))
            both = [pairs.with_columns(estimator=pl.lit(PAIRS_OF_RUNS)), sets.with_columns(estimator=pl.lit(SETS))]
            parts.append(pl.concat(both, how="vertical_relaxed").sort(PAIR))
        raw = parts[0].select(*PAIR, gain_raw="gain", low_raw="low", high_raw="high")
        found = judged(discovered(parts[1])).join(raw, on=PAIR, how="left", maintain_order="left")
        if not self.budget.harm:
            found = found.with_columns(verdict=pl.col("verdict").replace({HURTS: UNCLEAR}))
        return found.join(self.kinds, on=PAIR, how="left", maintain_order="left")

    def latest(self) -> pl.DataFrame:
        """`judged` on all seeds of the map."""
        return self.judged(range(self.budget.more))

    def claims(self) -> pl.DataFrame:
        """The claims that are tried again: helps, and hurts where it is claimed, between families, the surest first."""
        rows = self.latest().filter(pl.col("kind") == BETWEEN, pl.col("target").is_in(self.targets))
        rows = rows.filter(pl.col("estimator") == PAIRS_OF_RUNS, pl.col("verdict").is_in(["helps", HURTS]))
        return chosen(rows, self.budget.claims, self.families)

    def confirmations(self) -> pl.DataFrame:
        """What became of the claims of which all fresh seeds are trained: columns of `confirmed`."""
        claims, fresh = self.claims(), range(FRESH, FRESH + self.budget.fresh)
        world = self.world.confirmation()
        gains = gains_of(self.found(of_pairs(claims.select(*PAIR).rows(), fresh), world).filter(target=""))
        tried = gains.drop_nulls(OVER_PLACEBO).group_by(PAIR).len().filter(pl.col("len") == self.budget.fresh)
        claims = claims.join(tried, on=PAIR, how="semi")
        gains = gains.join(tried, on=PAIR, how="semi")
        return confirmed(claims, gains, range(self.budget.more))

    def knowing(self) -> pl.DataFrame:
        """target, source, gain_knowing: the mean raw gain from sources that know the test crystals."""
        runs = self.found(of_knowing(list(permutations(self.world.names, 2)), range(self.budget.knowing)))
        alone = runs.filter(pl.col("target") == "").select(target="task", seed="seed", alone="error")
        both = runs.filter(pl.col("target") != "").with_columns(
            source=pl.col("tasks").list.set_difference(pl.concat_list("target")).list.first()
        )
        gain = (pl.col("alone") / pl.col("error")).log().mean().alias("gain_knowing")
        return both.join(alone, on=["target", "seed"]).group_by(PAIR).agg(gain).sort(PAIR)

    def why(self) -> Explained:
        """What goes with the gains of this map; of pairs between families."""
        rows = self.latest().filter(pl.col("kind") == BETWEEN)
        return explained(self.features(), rows.select(*PAIR, "verdict", gain_placebo="gain"))

    def features(self) -> pl.DataFrame:
        """What is known of every pair before training: `why.features`, of the first seed's training rows."""
        from pymatgen.core import Composition

        problem = self.world.problem(0)
        train = problem.split == "train"
        elements = [[element.symbol for element in Composition(formula)] for formula in problem.groups[train]]
        return features(problem.names, problem.targets[train], elements, self._hardness(problem), self.families)

    @property
    def targets(self) -> list[str]:
        """The tasks of which pairs are trained."""
        return [self.target] if self.target else list(self.world.names)

    def _unclear(self) -> list[Pair]:
        """Pairs between families that the seeds of all pairs left unclear, those with the largest gains first."""
        rows = self.judged(range(self.budget.seeds)).filter(
            pl.col("kind") == BETWEEN, pl.col("sign") == 0, pl.col("verdict") == UNCLEAR,
            pl.col("target").is_in(self.targets),
        )  # fmt: skip
        return rows.sort(pl.col("gain").abs(), *PAIR, descending=[True, False, False]).select(*PAIR).rows()

    def _overlap(self, gains: pl.DataFrame, of: str) -> np.ndarray:
        """What intervals allow for seeds that draw from the same crystals, for each pair: test rows over training rows
        where they draw all of them; of a property with many labels two seeds share few, so that share of it, and of
        target and source the larger one.
        """
        reuse = self.world.stock().reuse(self.budget.labels)
        pairs, _ = matrix_of(gains, of)
        return np.array([OVERLAP * max(reuse[target], reuse[source]) for target, source in pairs.iter_rows()])

    def _by_sets(self) -> dict[str, pl.DataFrame]:
        """PAIRS of both estimands from sets of tasks, without errors; empty where the sets are not all trained."""
        asked = seeds_of_sets(self.world.names, self.budget)
        empty = estimated(pl.DataFrame(schema=_GAINS))
        if not asked or self.missing(asked):
            return {RAW: empty, OVER_PLACEBO: empty}
        rows = subset_gains(self.found(asked))
        blank = [pl.lit(None, pl.Float64).alias(name) for name in UNTOLD]
        return {of: surrogate.estimated(rows, of).with_columns(blank) for of in (RAW, OVER_PLACEBO)}

    def _hardness(self, problem: Problem) -> dict[str, float]:
        """Error alone over the mean predictor's, first seed."""
        alone = self.found([Asked(0, (name,)) for name in problem.names])
        told = {}
        for name, error in alone.select("task", "error").iter_rows():
            labels = problem.column(name)
            mean = labels[problem.rows(name, "train")].mean()
            told[name] = error / float(np.abs(labels[problem.rows(name, "test")] - mean).mean())
        return told


_GAINS = {"target": pl.String, "source": pl.String, "seed": pl.Int64, RAW: pl.Float64, OVER_PLACEBO: pl.Float64}


def train(study: Study, how: How = How()) -> bool:
    """Train what the ledger lacks, wave by wave; False where the hours were over before all was done."""
    until = time.monotonic() + 3600 * how.hours
    for wave in study.waves():
        left = study.missing(wave.asked, wave.world)
        if not left:
            continue
        how.say(f"{wave.stage}: {len(left):,} runs")
        trained_runs(wave.world, left, study.budget.size, study.ledger, how.processes, until - time.monotonic())
        if time.monotonic() >= until and study.missing(wave.asked, wave.world):
            return False
    return True


def left(study: Study, processes: int | None = None) -> pl.DataFrame:
    """What `train` would train: a row per stage and one for all, with core hours and time, from two runs made now.

    at_most: the stage's runs hang on what is found before it.
    """
    processes, stages = processes or cores(), {}
    seen: set[tuple[MapWorld, Asked]] = set()
    for wave in study.waves(guess=True):
        done, todo, at_most = stages.setdefault(wave.stage, ([], [], []))
        new = [one for one in wave.asked if (wave.world, one) not in seen]
        seen |= {(wave.world, one) for one in new}
        missed = study.missing(new, wave.world)
        todo += missed
        done += set(new) - set(missed)
        at_most.append(wave.at_most)
    every = [one for _, todo, _ in stages.values() for one in todo]
    tasks = sum(len(one.tasks) for one in every)
    unit = forecast(study.world, every, study.budget.size, 1) / tasks if every else 0.0
    rows = [
        {"stage": stage, "done": len(done), "left": len(todo), "at_most": any(at_most),
         "seconds": unit * sum(len(one.tasks) for one in todo)}
        for stage, (done, todo, at_most) in stages.items()
    ]  # fmt: skip
    total = {"stage": "all", "at_most": any(row["at_most"] for row in rows)}
    total |= {key: sum(row[key] for row in rows) for key in ("done", "left", "seconds")}
    return pl.DataFrame([*rows, total], infer_schema_length=None).select(
        "stage", "done", "left", "at_most", core_hours=(pl.col("seconds") / 3600).round(3), processes=pl.lit(processes),
        time=(pl.col("seconds") / processes).map_elements(duration, return_dtype=pl.String),
    )  # fmt: skip
