"""Tasks in pictures of transfer: their order (families side by side), short names, and blocks of a family."""

from __future__ import annotations

from itertools import groupby

import polars as pl

from lake.policies import default
from models.transfer_map.families import BETWEEN

HELPS, HURTS, NO_TRANSFER, UNCLEAR = "helps", "hurts", "no transfer", "unclear"  # verdicts of a summary of gains
COLOUR = {HELPS: "#12607f", HURTS: "#b84a00", NO_TRANSFER: "#66757e", UNCLEAR: "#a9b5bb"}
LONGEST = 38  # characters of a name; of longer ones the middle goes, since the end says what must not be confused
SHORTER = {
    " per relaxation time": "/τ",
    "Electrical": "El.",
    "Electronic": "El.",
    "Conductivity effective": "Effective",
    "Seebeck coefficient": "Seebeck",
    "dielectric constant": "dielectric const.",
    " at 300 K": "",
    ", 300 K": "",
    " at constant": ", constant",
    "Minimum": "Min.",
    "Clarke's model": "Clarke",
    "Cahill's model": "Cahill",
    "(from ": "(",
    "Last peak of the phonon density of states": "Last phonon DOS peak",
}


def in_families(gains: pl.DataFrame) -> pl.DataFrame:
    """name, family, labels of every task of a summary: families of most labels first, in a family likewise."""
    sides = [
        gains.select(name=pl.col(side), family=pl.col(f"family_{side}"), labels=pl.col(f"labels_{side}"))
        for side in ("target", "source")
    ]
    tasks = pl.concat(sides).unique("name").with_columns(most=pl.col("labels").max().over("family"))
    return tasks.sort("most", "family", "labels", "name", descending=[True, False, True, False]).drop("most")


def between(gains: pl.DataFrame) -> pl.DataFrame:
    """The pairs that a claim can be of: of two families, and where there is a column `kind`, by that."""
    apart = gains.filter(pl.col("family_target") != pl.col("family_source"))
    return apart.filter(pl.col("kind") == BETWEEN) if "kind" in gains.columns else apart


def blocks(tasks: pl.DataFrame) -> list[tuple[int, int]]:
    """First and last place of every family of several tasks, in that order of tasks."""
    found, at = [], 0
    for _, members in groupby(tasks["family"]):
        count = len(list(members))
        if count > 1:
            found.append((at, at + count - 1))
        at += count
    return found


def short_name(name: str) -> str:
    """A name for a narrow place: the catalog's short label, shorter still; of others the name itself."""
    column = default().by_name.get(name)
    words = column.short_label if column else name.replace("_", " ")
    for long, short in SHORTER.items():
        words = words.replace(long, short)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 13].rstrip()} … {words[-10:].lstrip()}"
