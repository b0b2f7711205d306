"""Full: every size of the grid is trained to its end, and the best few again from other seeds.

A recipe that stands in the ledger, on these very rows and graphs, is never trained again: neither here nor on a
machine that has nothing but the ledger. The first seed chooses the finalists; what tells them apart is seeds that chose
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lake.spoken import duration
from models.grid.cost import cost, seconds_left
from models.grid.ground import Ground
from models.grid.sizes import SIZES, Size, size_of
from models.ledger import Ledger
from models.pool import cores, spread
from models.recipe import Recipe
from models.run import Run

FIRST, FRESH = 0, (1, 2, 3)  # the seed that chooses the finalists; the seeds that tell them apart
FINALISTS = 3
COMMAND = "crystal-lake grid"
CHECKPOINTS = "grid"  # below models/, apart from those that predict

Told = Callable[[Run, str], None]  # a finished run and its version of graphs, for the books
Said = Callable[[str], None]  # a line of progress


@dataclass(frozen=True)
class How:
    """How runs are made and who hears of it. processes: None for one per core. tell: hears every run. say: progress."""

    processes: int | None = None
    tell: Told = lambda run, graphs: None
    say: Said = lambda words: None


def train_full(grounds: Sequence[Ground], ledger: Ledger, how: How, sizes: Sequence[Size] = SIZES) -> None:
    """Train what the ledger lacks of these properties: all sizes first, then the finalists from the fresh seeds."""
    for stage in (first_runs, fresh_runs):
        _train([(g, r) for g in grounds for r in stage(g, ledger, sizes) if not finished(g, ledger, r)], ledger, how)


def first_runs(ground: Ground, ledger: Ledger, sizes: Sequence[Size] = SIZES) -> list[Recipe]:
    """Every size from the first seed."""
    return [ground.recipe(size, FIRST) for size in sizes]


def fresh_runs(ground: Ground, ledger: Ledger, sizes: Sequence[Size] = SIZES) -> list[Recipe]:
    """The finalists from every fresh seed; none before all sizes are finished."""
    lines = lines_of(ground, ledger)
    first = {recipe.digest: size_of(recipe) for recipe in first_runs(ground, ledger, sizes)}
    ran = lines.filter(pl.col("recipe").is_in(list(first))).drop_nulls("mae_validation")
    if len(ran) < len(first):
        return []
    best = [first[digest] for digest in ran.sort("mae_validation", "recipe").head(FINALISTS)["recipe"]]
    return [ground.recipe(size, seed) for size in best for seed in FRESH]


def lines_of(ground: Ground, ledger: Ledger) -> pl.DataFrame:
    """The ledger's lines of this property on these very rows and graphs, each recipe once."""
    same = (pl.col("property") == ground.name) & (pl.col("data") == ground.rows.digest)
    lines = ledger.rows().filter(same & (pl.col("graphs") == ground.graphs))
    return lines.unique("recipe", keep="first", maintain_order=True)


def finished(ground: Ground, ledger: Ledger, recipe: Recipe) -> bool:
    """Whether the ledger has it."""
    return bool(len(ledger.found(recipe, ground.rows.digest, ground.graphs)))


def run_of(ground: Ground, line: dict[str, object]) -> Run:
    """The run that a line of the ledger tells of, without its curves: for the books of a new machine."""
    told = ("n_train", "n_validation", "n_test", "mae_validation", "mae_test", "mae_mean_predictor")
    recipe = Recipe.from_json(line["fields"])
    scores = {ground.name: {name: line[name] for name in told}}
    kept = Path(ground.root) / "models" / CHECKPOINTS / f"{recipe.slug}.safetensors"
    return Run(recipe, scores, [], kept, line["seconds"], line["data"], ground.licences, line["snapshot"])


def train_one(ground: Ground, recipe: Recipe, licences: tuple[str, ...]) -> Run:
    """Train one recipe on its ground (the piece of work of a process)."""
    from lake.graphs.shards import GraphStore
    from models.fit import fit

    folder = Path(ground.root) / "models" / CHECKPOINTS
    return fit(recipe, ground.rows, GraphStore(ground.lake), folder, licences, ground.snapshot)


def _train(todo: list[tuple[Ground, Recipe]], ledger: Ledger, how: How) -> None:
    processes = how.processes or cores()
    rows = {ground: int(ground.rows.labels("train")[0]) for ground, _ in todo}
    costs = {recipe: cost(recipe, rows=rows[ground]) for ground, recipe in todo}
    left, took, thought = dict(costs), 0.0, 0.0
    grounds = {ground.name: ground for ground, _ in todo}

    def keep(run: Run) -> None:
        nonlocal took, thought
        ground = grounds[run.recipe.tasks[0]]
        ledger.add(run, ground.graphs, f"{COMMAND} --property {ground.name}")
        how.tell(run, ground.graphs)
        took, thought = took + run.seconds, thought + left.pop(run.recipe)
        time = duration(seconds_left(left.values(), took / thought, processes)) if left else "0 s"
        error = f"validation error {run.scores[ground.name]['mae_validation']:.4g} {ground.unit}".rstrip()
        done = f"{len(costs) - len(left)} of {len(costs)} runs"
        how.say(f"{ground.name} {size_of(run.recipe)}, seed {run.recipe.seed}: {error}; {done}, about {time} left")

    longest_first = sorted(todo, key=lambda piece: -costs[piece[1]])
    pieces = [(ground.bare(), recipe, ground.licences) for ground, recipe in longest_first]
    spread(train_one, pieces, "grid", processes, keep)
