"""Columns that are one quantity twice, and so no second witnesses: what the catalog declares, what the data suspect.

An index and its square, two vintages of one gap, one energy under two names: an analysis that counts both counts one
thing twice, and a model that is given one to learn the other learns nothing. The catalog names such properties a
family. Whether it forgot some is asked here of the values: two properties that put the same entries into the same
order are hardly two quantities.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import polars as pl
from scipy.stats import rankdata

from lake.properties import PROPERTIES
from lake.store import Lake
from lake.tables import OBSERVATIONS

SUSPECT = 0.999  # a rank correlation beyond it, of either sign
FEWEST = 30  # entries that both properties are told of
MOST = 20_000  # of them are asked, evenly drawn: more digits than the question has
SCHEMA = {
    "property_a": pl.String, "property_b": pl.String, "verdict": pl.String, "family": pl.String, "n": pl.Int64,
    "rank_correlation": pl.Float64, "words": pl.String,
}  # fmt: skip


def families(lake: Lake) -> pl.DataFrame:
    """property_a, property_b, verdict, family, n (entries with both), rank_correlation (null below FEWEST), words.

    verdict: `declared` by the catalog as one family, or `suspected`: not declared, and of one order. Suspected first.
    """
    known = dict(_values(lake))
    rows = [row for a, b in combinations(sorted(known), 2) if (row := _pair(a, b, known))]
    found = pl.DataFrame(rows, SCHEMA, orient="row")
    return found.sort("verdict", "property_a", "property_b", descending=[True, False, False])


def _values(lake: Lake) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Property -> numbers of its entries, sorted, and their values (the median of several readings), unflagged ones."""
    told = lake.scan(OBSERVATIONS).filter(pl.col("flag").is_null())
    entries = told.select("entry_id").unique().collect()["entry_id"].sort()
    numbers = pl.LazyFrame({"entry_id": entries}).with_row_index("number")
    for name in told.select(pl.col("property").unique().sort()).collect()["property"]:
        rows = told.filter(pl.col("property") == name).group_by("entry_id").agg(pl.col("value").median())
        frame = rows.join(numbers, on="entry_id").select("number", "value").sort("number").collect()
        yield name, (frame["number"].to_numpy(), frame["value"].to_numpy())


def _pair(a: str, b: str, known: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple | None:
    family = _family(a, b)
    (entries_a, values_a), (entries_b, values_b) = known[a], known[b]
    common, at_a, at_b = np.intersect1d(entries_a, entries_b, assume_unique=True, return_indices=True)
    some = slice(None, None, max(1, -(-len(common) // MOST)))
    measured = rank_correlation(values_a[at_a][some], values_b[at_b][some]) if len(common) >= FEWEST else None
    if family:
        return a, b, "declared", family, len(common), measured, _words(a, b)
    if measured is None or abs(measured) <= SUSPECT:
        return None
    return a, b, "suspected", None, len(common), measured, "not declared, and they order their entries alike"


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Spearman's, of shape (n,) each; None where one of them has no spread."""
    a, b = rankdata(a), rankdata(b)
    if not (np.ptp(a) and np.ptp(b)):
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _family(a: str, b: str) -> str | None:
    """The family that both are declared to be of, None where there is none. What a structure tells is no family."""
    if a not in PROPERTIES or b not in PROPERTIES:
        return None
    one, other = PROPERTIES[a].quantity, PROPERTIES[b].quantity
    return one if one == other else None


def _words(a: str, b: str) -> str:
    return "; ".join(f"{name}: {PROPERTIES[name].family_words}" for name in (a, b) if PROPERTIES[name].family_words)
