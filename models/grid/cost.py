"""Cost: what a run takes, so that the longest begins first and a forecast can be made before the first has ended."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from models.grid.sizes import size_of
from models.recipe import Recipe

# Milliseconds per training crystal and epoch on one core, by width: at rest, per graph convolution, per decoder layer
# beyond the first. Fitted to short runs on crystals of 25 atoms, 10 of them different
# (`python -m benchmarks.learning.grid`); a machine's own speed and other crystals come in by the ledger's seconds.
AT_REST, CONVOLUTION = {64: 0.14, 128: 0.1}, {64: 0.2, 128: 0.37}
DECODER = {64: 0.01, 128: 0.02}
ROWS = 3000  # where nobody knows yet how many rows a run has


def cost(recipe: Recipe, epochs: int | None = None, rows: int | None = None) -> float:
    """Seconds that one run is thought to take; epochs, rows: where it ends earlier, and of how many crystals."""
    size = size_of(recipe)
    width = 64 if size.width <= 64 else 128
    each = AT_REST[width] + CONVOLUTION[width] * size.gnn_layers + DECODER[width] * (size.decoder_layers - 1)
    return each * (epochs or recipe.epochs) * min(rows or recipe.limit or ROWS, recipe.limit or ROWS) / 1000


def pace(lines: pl.DataFrame) -> float:
    """Seconds that these lines of a ledger took for each second that was thought of; 1 where there is none."""
    thought = sum(
        cost(Recipe.from_json(fields), epochs, rows)
        for fields, epochs, rows in lines.select("fields", "epochs", "n_train").iter_rows()
    )
    return lines["seconds"].sum() / thought if thought else 1.0


def seconds_left(costs: Iterable[float], pace: float, processes: int) -> float:
    """How long these runs take together, each process taking the longest that is left; no less than the longest."""
    ends = [0.0] * processes
    for took in sorted(costs, reverse=True):
        ends[ends.index(min(ends))] += took * pace
    return max(ends)
