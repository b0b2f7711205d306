"""Tasks in pictures of transfer: their order (families side by side), names with level of theory, blocks of a family.

Which pairs count as claims stands here too, so that no two pictures differ in it.
"""

from __future__ import annotations

from itertools import groupby

import polars as pl

from lake.policies import default
from lake.policies.policy import ANY
from models.transfer_map.families import BETWEEN

HELPS, HURTS, NO_TRANSFER, UNCLEAR = "helps", "hurts", "no transfer", "unclear"  # verdicts of a summary of gains
COLOUR = {HELPS: "#12607f", HURTS: "#b84a00", NO_TRANSFER: "#66757e", UNCLEAR: "#a9b5bb"}
REFUTED = pl.col("confirmed").not_().fill_null(False)  # claimed, tried on fresh seeds, and not seen again
LONGEST = 38  # characters of a name; of longer ones the middle goes, since the end says what must not be confused
MANY = 4  # levels of theory: so many are counted, not named
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


def of_pairs(gains: pl.DataFrame) -> pl.DataFrame:
    """The rows that runs of the two tell; of others, which sets of tasks tell, nothing is claimed and n is no seeds."""
    return gains.filter(pl.col("estimator") == "pairs") if "estimator" in gains.columns else gains


def claims(gains: pl.DataFrame) -> pl.DataFrame:
    """The pairs between families that are claimed to help or hurt, less those that fresh seeds did not confirm."""
    claimed = of_pairs(between(gains)).filter(pl.col("verdict").is_in([HELPS, HURTS]))
    return claimed.filter(~REFUTED) if "confirmed" in gains.columns else claimed


def blocks(tasks: pl.DataFrame) -> list[tuple[int, int]]:
    """First and last place of every family of several tasks, in that order of tasks."""
    found, at = [], 0
    for _, members in groupby(tasks["family"]):
        count = len(list(members))
        if count > 1:
            found.append((at, at + count - 1))
        at += count
    return found


def level_of(name: str) -> str:
    """The levels of theory that may teach a task, as they stand behind a name: `PBE(+U)`; nothing for unknown ones."""
    column = default().by_name.get(name)
    if column is None:
        return ""
    told = dict.fromkeys(_level(one.level_of_theory, one.correction) for one in column.taught().admits)
    words = "/".join(told).replace("PBE/PBE+U", "PBE(+U)")
    return words if len(told) < MANY else f"{len(told)} levels"


def label_of(name: str) -> str:
    """A name for a page: the catalog's short label; of others the name itself."""
    column = default().by_name.get(name)
    return column.short_label if column else name.replace("_", " ")


def full_name(name: str) -> str:
    """The same with the level of theory."""
    return _with(label_of(name), level_of(name))


def leveled_name(name: str) -> str:
    """The short name with the level of theory, for a picture."""
    return _with(short_name(name), level_of(name))


def _with(words: str, level: str) -> str:
    return f"{words}\u00a0· {level}" if level else words


def _level(level: str, correction: str) -> str:
    """`GGA_GGA+U` with Materials Project's corrections as `GGA(+U), MP corr.`; what is not corrected as it is."""
    words = "any level" if level == ANY else level.replace("GGA_GGA+U", "GGA(+U)")
    return f"{words}, MP corr." if correction.startswith("MaterialsProject") else words


def short_name(name: str) -> str:
    """A name for a narrow place: the catalog's short label, shorter still; of others the name itself."""
    words = label_of(name)
    for long, short in SHORTER.items():
        words = words.replace(long, short)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 13].rstrip()} … {words[-10:].lstrip()}"
