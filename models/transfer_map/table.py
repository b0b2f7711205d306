"""Table: rows of TRANSFER_MAP and GROUPS from a study; one function trains what is missing, then writes them.

Groups are sought on gains over placebo, each drawn towards nought by as much as it is noise (empirical Bayes, as for
normal means): the largest of many estimates are too large, and would gather every task about them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl

from lake.store import Lake
from lake.tables import GROUPS, TRANSFER_MAP
from models.dataset import TaskError
from models.recipe import Recipe
from models.study import budget_of
from models.transfer_map.families import columns, families, readings_of
from models.transfer_map.groups import Groups, NoOptimum, exact, greedy, matrix_of, partners, recommended
from models.transfer_map.ledger import FOLDER, RunLedger
from models.transfer_map.map import How, Study, train
from models.transfer_map.plan import SAMPLE, STUDIES, Budget
from models.transfer_map.statistics.intervals import PAIR
from models.transfer_map.worlds.lake import LakeWorld
from models.transfer_map.worlds.own_table import CsvWorld

LARGEST = 6  # tasks of a group: what sums of pairs say of larger sets nobody has seen
CONFIRMED = {"n": "confirmed_n", "gain": "confirmed_gain", "low": "confirmed_low", "high": "confirmed_high"}


def lake_study(
    lake: Lake, name: str = "lake", target: str = "", snapshot: str = "", budget: Budget | None = None
) -> Study:
    """The study of that name of a lake's own columns. TaskError where fewer than two have labels enough.

    Its ledger is a committed one; a sample lake has its own, since what it learns is nobody's result.
    """
    if name not in STUDIES:
        raise KeyError(f"studies are {', '.join(STUDIES)}; found {name!r}")
    sample = (lake.root / "SAMPLE").exists()
    budget = budget or (SAMPLE if sample else STUDIES[name])
    told = columns(lake, budget.fewest)
    if len(told) < 2:
        found = ", ".join(told["name"]) or "none"
        raise TaskError(f"a map needs two columns with {budget.fewest} training labels or more, this lake has {found}")
    world = LakeWorld(lake.root, tuple(told["name"]), budget.labels, budget.largest_cell, snapshot)
    gathered = dict(told.select("name", "family").iter_rows())
    ledger = RunLedger.of("transfer_lake", lake.root / "models" / "ledgers" if sample else FOLDER)
    return Study(name, world, budget, ledger, gathered, target)


def csv_study(root: Path, name: str, world: CsvWorld, target: str = "", budget: Budget = STUDIES["lake"]) -> Study:
    """The study of a user's own table; its ledger lies in the lake's folder."""
    world = replace(world, labels=budget.labels, largest_cell=budget.largest_cell)
    stock = world.stock()
    free = ~stock.held
    readings = {word: values[free] for word, values in readings_of(world.crystals()).items()}
    told = families(world.names, stock.targets[free], readings, catalog=False)
    ledger = RunLedger.of(f"transfer_{name}", root / "models" / "ledgers")
    return Study(name, world, budget, ledger, dict(told.select("name", "family").iter_rows()), target, catalog=False)


def write_map(lake: Lake, study: Study, how: How | None = None, code: str = "") -> bool:
    """Train what the ledger lacks and write the study's rows; False where the hours were over before all was done.

    code: address of the code that does it, told with every gain.
    """
    ended = train(study, how or How())
    pairs = study.latest()
    lake.replace(TRANSFER_MAP, map_rows(study, pairs, code), study.name)
    lake.replace(GROUPS, group_rows(lake, study, pairs), study.name)
    return ended


def map_rows(study: Study, pairs: pl.DataFrame, code: str = "") -> pl.DataFrame:
    """TRANSFER_MAP from the pairs of `Study.latest`."""
    known = study.features().select(*PAIR, "shared")
    problem = study.world.problem(0)
    labels = {name: int(np.isfinite(problem.column(name)).sum()) for name in problem.names}
    tried = study.confirmations().rename(CONFIRMED).select(*PAIR, *CONFIRMED.values(), "confirmed")
    rows = pairs.rename({"gain": "gain_placebo", "low": "low_placebo", "high": "high_placebo"})
    rows = rows.rename({"gain_raw": "gain", "low_raw": "low", "high_raw": "high", "p_bh": "q", "p_by": "q_by"})
    for part in (known, study.knowing(), tried):
        rows = rows.join(part, on=PAIR, how="left", maintain_order="left")
    size, licences = study.budget.size, study.world.licences()
    rows = rows.with_columns(
        study=pl.lit(study.name),
        labels_target=pl.col("target").replace_strict(labels, return_dtype=pl.Int64),
        labels_source=pl.col("source").replace_strict(labels, return_dtype=pl.Int64),
        shared_labels=pl.col("shared"),
        claimed_n=pl.when(pl.col("confirmed").is_not_null()).then("n"),
        width=pl.lit(size.width, pl.Int64),
        steps=pl.lit(size.steps, pl.Int64),
        licences=pl.Series(
            [sorted({*licences[a], *licences[b]}) for a, b in rows.select(*PAIR).iter_rows()], dtype=pl.List(pl.String)
        ),
        code=pl.lit(code),
        **_versions(study),
    )
    rows = rows.with_columns(pl.col(name).cast(dtype) for name, dtype in TRANSFER_MAP.schema.items())
    return TRANSFER_MAP.checked(rows.select(TRANSFER_MAP.schema.names()))


def group_rows(lake: Lake, study: Study, pairs: pl.DataFrame) -> pl.DataFrame:
    """GROUPS: for all targets by both methods, and for each target its partners; no row where no gain is known."""
    if not len(pairs):
        return GROUPS.empty()
    pairs = drawn_in(pairs)
    names, gains = matrix_of(pairs)
    chosen: list[tuple[str, str, Groups]] = [("greedy", "", greedy(names, gains, LARGEST))]
    with suppress(NoOptimum):  # then the rows of `greedy` stand alone
        chosen.append(("exact", "", exact(names, gains, LARGEST)))
    for target in names:
        chosen.append(("greedy", target, ((target, *partners(names, gains, target, LARGEST - 1)),)))
    licences, rows = study.world.licences(), []
    for method, target, groups in chosen:
        told = dict(recommended(pairs, groups).select("target", "gain").iter_rows())
        for number, group in enumerate(groups):
            every = sorted({licence for name in group for licence in licences[name]})
            rows += [
                {"study": study.name, "method": method, "target": target, "group": number, "task": task,
                 "gain": told[task], "recipe": recipe_of(lake, study, group), "licences": every, **_told(study)}
                for task in group
            ]  # fmt: skip
    return GROUPS.frame(rows)


def drawn_in(pairs: pl.DataFrame) -> pl.DataFrame:
    """PAIRS with gains and errors drawn towards nought by the share of the gains' spread that is noise.

    Where errors are not known, all of it is taken from the spread of the gains as it is.
    """
    noise = pairs["error"].fill_null(0.0).to_numpy() ** 2
    gains = pairs["gain"].fill_null(0.0).to_numpy()
    true = max(float((gains**2).mean() - noise.mean()), 0.0)
    share = np.divide(true, true + noise, out=np.zeros_like(noise), where=true + noise > 0)
    return pairs.with_columns(gain=pl.col("gain") * pl.Series(share), error=pl.col("error") * pl.Series(share) ** 0.5)


def recipe_of(lake: Lake, study: Study, group: tuple[str, ...]) -> str:
    """Of a lake's columns a Recipe that can be run at once, in the size of the lake's own models.

    Of a user's own table, which recipes know nothing of, the tasks and the fields of `small.Size`.
    """
    if study.catalog:
        return Recipe(group, sharing="hard" if len(group) > 1 else "single", **budget_of(lake)).to_json()
    return json.dumps({"tasks": sorted(group), "size": asdict(study.budget.size)}, sort_keys=True)


def _told(study: Study) -> Mapping[str, str]:
    problem = study.world.problem(0)
    return {"data": problem.digest, "snapshot": study.world.snapshot}


def _versions(study: Study) -> Mapping[str, pl.Expr]:
    told = {**_told(study), "graphs": study.world.problem(0).graphs.version}
    return {name: pl.lit(version) for name, version in told.items()}
