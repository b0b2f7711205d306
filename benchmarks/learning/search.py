"""Architecture search beside the full grid and beside random search, and what to expect of it on made errors.

    OMP_NUM_THREADS=1 python -m benchmarks.learning.search /tmp/real_lake
    OMP_NUM_THREADS=1 python -m benchmarks.learning.search /tmp/real_lake --group
    python -m benchmarks.learning.search --simulate 100

The lake must have splits and graphs; finished runs stand in docs/results/search.csv, and a run of the grid's own ledger
is not trained again. `--dry-run` trains nothing and says what is left. The judgement needs the full grid of a property
(`crystal-lake grid`); before, the search says what it chose and no more.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from lake.store import Lake
from models.grid.full import FINALISTS, FRESH, How
from models.grid.sizes import BUDGETS, Size
from models.search.explore import Strategy, explore, together
from models.search.judge import Judged, random_search
from models.search.ladder import ladder
from models.search.purse import Ask, Purse
from models.search.space import Space, grid_space
from models.search.study import SHARE, STRATEGIES, Found, errors, group_point, judge, search, search_group
from models.search.tpe import tpe
from models.search.trainer import name_of
from models.study import BASELINES


def main() -> None:
    """Search, judge, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path, nargs="?")
    words.add_argument("--property", action="append", help="several times; the four of the grid by default")
    words.add_argument("--strategy", choices=STRATEGIES, default=STRATEGIES[0])
    words.add_argument("--share", type=float, default=SHARE, help="of the full grid's epochs")
    words.add_argument("--seed", type=int, default=0, help="of the search, not of its runs")
    words.add_argument("--wide", action="store_true", help="decoders of their own width, beyond the grid")
    words.add_argument("--group", action="store_true", help="then these properties together")
    words.add_argument("--budget", choices=list(BUDGETS), default="", help="by default as the lake is")
    words.add_argument("--processes", type=int, help="one per core by default")
    words.add_argument("--dry-run", action="store_true")
    words.add_argument("--simulate", type=int, metavar="WORLDS", help="made errors instead of a lake")
    asked = words.parse_args()
    names = asked.property or list(BASELINES)
    if asked.simulate:
        return print(simulated(asked.simulate))
    if asked.root is None:
        words.error("a lake is needed, or --simulate")
    lake, how = Lake(asked.root), How(asked.processes, say=lambda line: print(line, flush=True))
    same = {"budget": asked.budget, "how": how, "dry": asked.dry_run, "seed": asked.seed, "share": asked.share}
    found = search(lake, names, asked.strategy, wide=asked.wide, **same)
    print(spent(found))
    if found.left is None and not asked.wide:
        print(table(judge(lake, found, how=how, train=not asked.dry_run)))
    if asked.group:
        alone = {name: Size(*point[:3]) for name, point in found.choices.items()}
        first = [group_point(names, alone)] if alone else []
        grouped = search_group(lake, names, first=first, **same)
        print(spent(grouped))
        if alone and grouped.choices:
            print(beside(errors(lake, found), errors(lake, grouped)))
    return None


def spent(found: Found) -> str:
    """What was chosen and paid, a line for each space."""
    lines = []
    for name, space in found.spaces.items():
        chosen = name_of(space.recipe(found.choices[name])) if name in found.choices else "not through"
        lines.append(f"{name}: {chosen}; {found.epochs[name]} of {found.budget} epochs paid")
    if found.left is not None:
        lines.append(f"at most {found.left:.2f} core hours left")
    return "\n".join(lines)


def beside(alone: pl.DataFrame, joint: pl.DataFrame) -> str:
    """Errors of the group's network beside those of each property's own; one seed says nothing of either's merit."""
    lines = [
        "| property | unit | alone, validation | test | group, validation | test |",
        "| --- | --- " + "| ---: " * 4 + "|",
    ]
    for row in alone.join(joint, on="property", suffix="_joint").iter_rows(named=True):
        told = (row[name + suffix] for suffix in ("", "_joint") for name in ("mae_validation", "mae_test"))
        lines.append(f"| {row['property']} | {row['unit']} | {' | '.join(f'{error:.4g}' for error in told)} |")
    return "\n".join(lines)


def table(told: dict[str, Judged | None]) -> str:
    """The table of the docs, and the bar below it."""
    lines = [
        "| property | search's choice | grid's best | test regret, seed deviations | seeds | epochs, % of the grid "
        "| random search: mean regret (90 % of draws) | draws no better |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, judged in told.items():
        if judged is None:
            lines.append(f"| {name} | the full grid is not finished | | | | | | |")
            continue
        r = judged.random
        lines.append(
            f"| {name} | {judged.choice} | {judged.best} | {judged.regret:.2f} | {judged.seeds} "
            f"| {100 * judged.share:.1f} | {r.mean:.2f} ({r.low:.2f} to {r.high:.2f}) | {100 * r.no_better:.0f} % |"
        )
    known = [judged for judged in told.values() if judged]
    if known:
        near = sum(judged.regret <= 1 for judged in known)
        mine, theirs = (np.mean([r.regret for r in known]), np.mean([r.random.mean for r in known]))
        mean = f"mean regret {mine:.2f}, random search's {theirs:.2f}"
        lines.append(f"\nWithin one seed deviation: {near} of {len(known)}; {mean}.")
    return "\n".join(lines).replace("-0.", "−0.").replace("| -", "| −")


# Made errors. Sizes differ by `signal` (standard deviation of the logarithm of true errors), half of it shared by the
# properties; `rough` is what every size has of its own rather than along the axes; a run of one seed differs by
# `noise`, one of a share e of a whole run's epochs by noise / e^growth; short runs favour sizes of their own by
# `haste`, at a fifteenth of a whole run. The signals are such as the first finished sizes of the grid showed.
WORLDS = (
    {"signal": 0.02, "rough": 0.2, "noise": 0.02, "haste": 0.03, "growth": 0.5},
    {"signal": 0.03, "rough": 0.2, "noise": 0.02, "haste": 0.03, "growth": 0.5},
    {"signal": 0.03, "rough": 0.5, "noise": 0.02, "haste": 0.03, "growth": 0.5},
    {"signal": 0.03, "rough": 0.2, "noise": 0.02, "haste": 0.05, "growth": 0.8},
)


class World:
    """Errors of 40 sizes of four properties, and the full grid's judgement of them."""

    def __init__(self, seed: int, signal: float, rough: float, noise: float, haste: float, growth: float) -> None:
        self.random, self.rough, self.noise, self.growth = np.random.default_rng(seed), rough, noise, growth
        self.spaces = [grid_space(name) for name in BASELINES]
        self.points = self.spaces[0].points()
        common, quick = self._function(), self._function()
        self.true = {n: signal * (common + self._function()) / 2**0.5 for n in BASELINES}
        self.haste = {n: haste * (0.7**0.5 * quick + 0.3**0.5 * self._function()) for n in BASELINES}
        self.first = {n: true + noise * self.random.normal(size=len(true)) for n, true in self.true.items()}

    def answer(self, asks: Sequence[Ask]) -> list[float]:
        """Validation errors of the first seed; none is asked for twice."""
        return [float(np.exp(self._error(ask))) for ask in asks]

    def regrets(self, name: str, choice: tuple[int, ...]) -> tuple[float, float]:
        """Of the choice and of random search in the mean, in units of a seed's deviation, judged as a grid judges."""
        order, seeds = np.argsort(self.first[name]), self.random.normal(size=(2, len(self.points), len(FRESH)))
        validation, test = self.true[name] + self.noise * seeds.mean(axis=2)
        best = min(order[:FINALISTS], key=lambda at: validation[at])
        regrets = (test - test[best]) / self.noise
        mine = regrets[self.points.index(choice)]
        return mine, random_search(regrets[order], int(SHARE * len(order)), mine).mean

    def _function(self) -> np.ndarray:
        """(40,): a walk along each axis, and some of every size's own; of standard deviation one or nearly so."""
        walks = self.random.normal(size=(3, 5)).cumsum(axis=1)
        axes = [[choices.index(point[at]) for point in self.points] for at, (_, choices) in enumerate(self._axes)]
        along = sum(walk[axis] for walk, axis in zip(walks, axes, strict=True))
        along = (along - along.mean()) / along.std()
        return (1 - self.rough**2) ** 0.5 * along + self.rough * self.random.normal(size=len(along))

    @property
    def _axes(self) -> tuple:
        return self.spaces[0].axes

    def _error(self, ask: Ask) -> float:
        at, whole = self.points.index(ask.point), self.spaces[0].whole
        if ask.epochs == whole:
            return self.first[ask.space][at]
        shorter = whole / ask.epochs
        noise = self.noise * shorter**self.growth * self.random.normal()
        return self.true[ask.space][at] + self.haste[ask.space][at] * (shorter - 1) / 14 + noise


def simulated(worlds: int) -> str:
    """A line for each strategy and kind of world."""
    lines = [
        "| signal, rough, noise, haste, growth | strategy | mean regret | random search's | within one deviation "
        "| 3 of 4 within | mean no worse than random's |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in WORLDS:
        for strategy in STRATEGIES:
            mine, theirs = np.array([_one(strategy, World(seed, **kind), seed) for seed in range(worlds)]).T
            near = mine <= 1
            lines.append(
                f"| {', '.join(f'{value:g}' for value in kind.values())} | {strategy} | {mine.mean():.2f} "
                f"| {theirs.mean():.2f} | {100 * near.mean():.0f} % | {100 * (near.sum(axis=0) >= 3).mean():.0f} % "
                f"| {100 * (mine.mean(axis=0) <= theirs.mean(axis=0)).mean():.0f} % |"
            )
    return "\n".join(lines)


def _one(strategy: str, world: World, seed: int) -> list[tuple[float, float]]:
    budget = int(SHARE * len(world.points) * world.spaces[0].whole)
    choices = explore(_walk(strategy, world.spaces, budget, seed), Purse(4 * budget), world.answer)
    return [world.regrets(name, choices[name]) for name in BASELINES]


def _walk(strategy: str, spaces: Sequence[Space], budget: int, seed: int) -> Strategy:
    if strategy == "ladder":
        return ladder(spaces, budget, seed)
    return together([tpe(space, budget, seed) for space in spaces])


if __name__ == "__main__":
    main()
