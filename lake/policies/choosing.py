"""Choosing: of the observations that may fill the cells of one column, which do. Arrays only, a column at a time.

Preferred is what the policy admits first; then what the catalog reads first; then the source that stands first; then
the smallest entry id; then the smallest reading. The order in which observations come decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from lake.policies.policy import MEDIAN, OWN, REFUSE, SOURCES, Column

ONLY, PREFERRED, REFUSED = "only", "preferred", "refused"
QUALIFIED = ("source", "level_of_theory", "correction", "reading")  # what decides where an observation stands


@dataclass(frozen=True, eq=False)
class Admitted:
    """The n observations that may fill the c cells of one column.

    told: the observations.  order: (n,) their places by row of the matrix, in each row best first.
    row, start, n: (c,) rows of the matrix that have any, ascending; where each begins in `order`; and how many it has.
    lowest, highest: (c,) of them.
    """

    told: pl.DataFrame
    order: np.ndarray
    row: np.ndarray
    start: np.ndarray
    n: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


@dataclass(frozen=True, eq=False)
class Cells:
    """The c cells of one column.

    observation: place of the one that fills it, or that would come first where it is refused.
    refused: whether the cell stays empty.  chosen: how, as MATRIX_PROVENANCE says it. All of shape (c,).
    """

    observation: np.ndarray
    refused: np.ndarray
    chosen: pl.Series


def preference(column: Column, told: pl.DataFrame) -> np.ndarray:
    """Where each observation stands, (n,) int64: 0 is best, -1 may not fill the column.

    told: rows of OBSERVATIONS of the column's property. What two observations have in common but for their entry, and
    two of a user's own readings of one entry, are told apart by `admitted`.
    """
    runs = told.select(*QUALIFIED, "origin", flagged=pl.col("flag").is_not_null()).with_columns(
        run=pl.struct(pl.all()).rle_id()
    )
    heads = runs.filter(pl.col("run").diff().fill_null(1) != 0)
    kinds = heads.drop("run").unique(maintain_order=True)
    order = {reading.name: place for place, reading in enumerate(column.known.readings)}
    own = next((n for n, reading in enumerate(column.known.readings) if reading.source == OWN), len(order))
    stands = []
    for source, level, correction, reading, origin, flagged in kinds.iter_rows():
        place = column.place(source, level, correction)
        if place is None or origin != column.known.origin or (flagged and not column.flagged):
            stands.append(None)
            continue
        read = order.get(reading, own if source == OWN else len(order))
        by_source = SOURCES.index(source) if source in SOURCES else len(SOURCES)
        stands.append((place, read, by_source))
    ranks = {stand: rank for rank, stand in enumerate(sorted({stand for stand in stands if stand is not None}))}
    ranked = kinds.with_columns(rank=pl.Series([ranks.get(stand, -1) for stand in stands], dtype=pl.Int64))
    of_run = heads.join(ranked, on=kinds.columns, how="left", maintain_order="left", nulls_equal=True)["rank"]
    return of_run.to_numpy()[runs["run"].to_numpy()] if len(told) else np.empty(0, np.int64)


def admitted(column: Column, told: pl.DataFrame) -> Admitted:
    """What may fill a column.

    told: observations of the column's property, and two more columns, `row` of the matrix and `entry`, the place of the
    entry's id among all that there are, sorted.
    """
    rank = preference(column, told)
    if (rank < 0).any():
        told, rank = told.filter(rank >= 0), rank[rank >= 0]
    row = told["row"].to_numpy()
    order = _sorted(row, rank, told["entry"].to_numpy(), told["reading"])
    start = np.flatnonzero(np.diff(row[order], prepend=-1))
    value = told["value"].to_numpy()[order]
    lowest, highest = (extreme.reduceat(value, start) if len(start) else value for extreme in (np.minimum, np.maximum))
    return Admitted(told, order, row[order[start]], start, np.diff(start, append=len(order)), lowest, highest)


def chosen(column: Column, of: Admitted) -> Cells:
    """Which observation fills each cell, by what the policy wants where there are several."""
    observation = _middle(of) if column.when_several == MEDIAN else of.order[of.start]
    refused = np.zeros(len(of.row), bool)
    if column.when_several == REFUSE:
        high, low = np.abs(of.highest), np.abs(of.lowest)
        differing = of.highest - of.lowest > column.tolerance * (high + low) / 2
        refused = differing & (np.maximum(high, low) > column.known.zero)  # two that count as zero do not differ
    kinds = pl.Series([ONLY, MEDIAN if column.when_several == MEDIAN else PREFERRED, REFUSED])
    return Cells(observation, refused, kinds.gather(np.where(refused, 2, np.minimum(of.n - 1, 1))))


def _sorted(row: np.ndarray, rank: np.ndarray, entry: np.ndarray, reading: pl.Series) -> np.ndarray:
    """The order by row, preference, entry, and last by reading, which one entry may have several of."""
    shape = [int(part.max(initial=0)) + 1 for part in (row, rank, entry)]
    if np.prod(shape, dtype=float) >= 2**63:
        return np.lexsort((_places(reading), entry, rank, row))
    key = (row.astype(np.int64) * shape[1] + rank) * shape[2] + entry  # one number sorts faster than three
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    if (ranked[1:] == ranked[:-1]).any():
        order = np.lexsort((_places(reading), key))
    return order


def _places(reading: pl.Series) -> np.ndarray:
    return reading.rank("dense").to_numpy()


def _middle(of: Admitted) -> np.ndarray:
    """The middle observation of each row by value; of an even number the one of the two that is preferred."""
    stands = np.arange(len(of.order))
    row, value = np.repeat(np.arange(len(of.row)), of.n), of.told["value"].to_numpy()[of.order]
    by_value = np.lexsort((stands, value, row))
    below, above = by_value[of.start + (of.n - 1) // 2], by_value[of.start + of.n // 2]
    return of.order[np.minimum(below, above)]
