"""Study: search all of these properties or one group, and judge the choices. Callable from Python and a command line.

found = search(lake, ["band_gap", "bulk_modulus"])        # the ladder, a tenth of the grid's epochs
judge(lake, found)                                         # beside the full grid and random search
search_group(lake, ["band_gap", "bulk_modulus"])           # one encoder, a decoder for each, by optuna
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lake.store import Lake
from models.grid.full import FRESH, How
from models.grid.sizes import SIZES, Size
from models.ledger import FOLDER, Ledger
from models.search.explore import Strategy, explore, together
from models.search.ground import Ground
from models.search.judge import Judged, finalists, judged
from models.search.ladder import ladder
from models.search.purse import Purse
from models.search.space import Point, SearchError, Space, grid_space, group_space, wide_space
from models.search.tpe import tpe
from models.search.trainer import Missing, Trainer, seconds

STRATEGIES = ("ladder", "tpe")
SHARE = 0.1  # of the full grid's epochs


@dataclass(frozen=True)
class Found:
    """What a search chose.

    choices: point by name of the space.  epochs: paid for each.  budget: that each might have spent.  left: None where
    the search is through; else, of a dry run, the core hours that it may take at most from where it stands.
    """

    spaces: Mapping[str, Space]
    choices: Mapping[str, Point]
    epochs: Mapping[str, int]
    budget: int
    left: float | None = None


def search(
    lake: Lake, names: Sequence[str], strategy: str = "ladder", seed: int = 0, share: float = SHARE, wide: bool = False,
    budget: str = "", snapshot: str = "", how: How = How(), dry: bool = False, ledgers: Sequence[Ledger] = (),  # noqa: B008
) -> Found:  # fmt: skip
    """Search each of these properties; what is in the ledger is not trained again.

    share: of the full grid's epochs, for each.  wide: beyond the grid's sizes, decoders of their own width.  budget: a
    name in `models/grid/sizes.py`, by default as the lake is.  dry: train nothing.  ledgers: in place of the committed
    ones; the first is written.  Raises TaskError before any training where a property cannot be learnt, SearchError
    where the budget does not reach for one whole run and a short one.
    """
    if strategy not in STRATEGIES:
        raise SearchError(f"strategy must be one of {', '.join(STRATEGIES)}, found {strategy!r}")
    if not names:
        raise SearchError("a search needs a property, found none")
    made = wide_space if wide else grid_space
    spaces = [made(name, budget or budget_of(lake)) for name in dict.fromkeys(names)]
    epochs = int(share * len(SIZES) * spaces[0].whole)
    if strategy == "ladder":
        walk = ladder(spaces, epochs, seed)
    else:
        walk = together([tpe(space, epochs, seed) for space in spaces])
    return _walk(lake, spaces, walk, epochs, snapshot, how, dry, ledgers)


def search_group(
    lake: Lake, names: Sequence[str], seed: int = 0, share: float = SHARE, first: Sequence[Point] = (),
    budget: str = "", snapshot: str = "", how: How = How(), dry: bool = False, ledgers: Sequence[Ledger] = (),  # noqa: B008
) -> Found:  # fmt: skip
    """Search a group under hard sharing: the encoder's depth and width, and each decoder's, by optuna.

    first: points to begin with, say `group_point` of what was found for each alone. The rest as in `search`; the budget
    is that of one property.
    """
    space = group_space(names, budget or budget_of(lake))
    epochs = int(share * len(SIZES) * space.whole)
    return _walk(lake, [space], tpe(space, epochs, seed, first), epochs, snapshot, how, dry, ledgers)


def group_point(names: Sequence[str], sizes: Mapping[str, Size], budget: str = "real") -> Point:
    """The point of a group whose decoders are those found alone, under the deepest and widest of their encoders."""
    space = group_space(names, budget)
    own = [value for task in space.tasks for value in (sizes[task].decoder_layers, sizes[task].width)]
    return (max(s.gnn_layers for s in sizes.values()), max(s.width for s in sizes.values()), *own)


def judge(
    lake: Lake, found: Found, snapshot: str = "", how: How = How(), train: bool = True,  # noqa: B008
    ledgers: Sequence[Ledger] = (),
) -> dict[str, Judged | None]:  # fmt: skip
    """The judgement of each choice of a size of the grid, None where the full grid is not finished.

    train: a choice that is none of the grid's finalists from the seeds that judge, which the search does not pay for,
    as the grid does not pay for its finalists. Raises SearchError for choices that are beyond the grid.
    """
    if beyond := [name for name, space in found.spaces.items() if space.axes != grid_space(name, space.budget).axes]:
        raise SearchError(f"a choice is judged by the grid, found one beyond it: {', '.join(beyond)}")
    trainer = _trainer(lake, list(found.spaces.values()), snapshot, how, not train, ledgers)
    told = {}
    for name, point in found.choices.items():
        ground, choice = trainer.grounds[name], Size(*point)
        theirs = finalists(trainer.all_lines(ground), ground.space.whole)
        if train and theirs and choice not in theirs:
            trainer.train([(ground, ground.space.recipe(point, seed=seed)) for seed in FRESH])
        lines = trainer.all_lines(ground)
        told[name] = judged(name, choice, found.epochs[name], lines, ground.space.whole, found.budget)
    return told


def errors(lake: Lake, found: Found, snapshot: str = "", ledgers: Sequence[Ledger] = ()) -> pl.DataFrame:
    """space, property, unit, mae_validation, mae_test of the whole runs that were chosen, from the first seed."""
    trainer = _trainer(lake, list(found.spaces.values()), snapshot, How(), True, ledgers)
    parts = []
    for name, point in found.choices.items():
        ground = trainer.grounds[name]
        lines = trainer.lines(ground, ground.space.recipe(point))
        parts.append(lines.select(pl.lit(name).alias("space"), "property", "unit", "mae_validation", "mae_test"))
    return pl.concat(parts)


def budget_of(lake: Lake) -> str:
    """A sample lake is searched by a sample's budget."""
    return "sample" if (lake.root / "SAMPLE").exists() else "real"


def ledgers_of(lake: Lake) -> list[Ledger]:
    """The search's own, then the grid's; a sample lake has its own, since what it learns is nobody's result."""
    folder = lake.root / "models" / "ledgers" if (lake.root / "SAMPLE").exists() else FOLDER
    return [Ledger.of("search", folder), Ledger.of("grid", folder)]


def _trainer(
    lake: Lake, spaces: Sequence[Space], snapshot: str, how: How, dry: bool, ledgers: Sequence[Ledger]
) -> Trainer:
    grounds = {space.name: Ground(lake.root, space, snapshot) for space in spaces}
    for ground in grounds.values():
        ground.rows  # noqa: B018
    return Trainer(grounds, list(ledgers) or ledgers_of(lake), how, dry)


def _walk(
    lake: Lake, spaces: Sequence[Space], walk: Strategy, epochs: int, snapshot: str, how: How, dry: bool,
    ledgers: Sequence[Ledger],
) -> Found:  # fmt: skip
    trainer = _trainer(lake, spaces, snapshot, how, dry, ledgers)
    named, purse, left = {space.name: space for space in spaces}, Purse(epochs * len(spaces)), None
    try:
        choices = explore(walk, purse, trainer)
    except Missing as missing:
        choices, left = {}, _hours(purse, missing, trainer)
    spent = dict.fromkeys(named, 0)
    for ask in purse.paid:
        spent[ask.space] += ask.epochs
    return Found(named, choices, spent, epochs, left)


def _hours(purse: Purse, missing: Missing, trainer: Trainer) -> float:
    """Core hours: of the runs that are missing, and of what the purse holds beside them at their cost per epoch."""
    costs = [seconds(ground, recipe) for ground, recipe in missing.wanted]
    each = sum(costs) / sum(recipe.epochs for _, recipe in missing.wanted)
    return (sum(costs) + (purse.epochs - purse.spent) * each) * trainer.pace() / 3600
