"""Duplicates that databases state themselves, and experiment against computation, which anyone can look at.

What belongs here: pairs of the real files that need no matcher of ours to be known or to be judged by hand. The list
judged by hand, of COD's recorded entries, is docs/results/identity_cod_by_hand.csv.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.identity.real import DATA, Told
from lake.cif import cif_text, crystal_from_cif
from lake.crystal import CrystalError


class Pair(NamedTuple):
    """Two structures told under one id, or of one formula."""

    one: Told
    other: Told


def repeated_ids(told: Iterable[Told]) -> Iterator[Pair]:
    """Structures that one file tells twice under one id; the later ones are called `name#2` and so on."""
    by_name = {crystal.name: crystal for crystal in told}
    for name, crystal in by_name.items():
        first, mark, _ = name.partition("#")
        if mark:
            yield Pair(by_name[first], crystal)


def two_vintages(told: Iterable[Told]) -> Iterator[Pair]:
    """What the Materials Project tells under one id in 2018 and, in the cross-source file, years later.

    Mostly one crystal, relaxed again; an id was also given to another crystal now and then.
    """
    by_name = {crystal.name: crystal for crystal in told}
    for name, crystal in by_name.items():
        if name.startswith("cross-mp:") and (before := by_name.get(name.removeprefix("cross-"))):
            yield Pair(before, crystal)


def oqmd_duplicates() -> dict[int, int]:
    """OQMD's entry ids of those that it calls duplicates, and of the entries they repeat; by its recorded answers.

    An entry that repeats none states its own id, and some state nothing: both are left out.
    """
    answers = json.loads((DATA / "wire" / "oqmd" / "oqmdapi_formationenergy_200rows.json").read_bytes())["data"]
    return {
        row["entry_id"]: row["duplicate_entry_id"]
        for row in answers
        if row["duplicate_entry_id"] not in (None, row["entry_id"])
    }


def measured_entries() -> list[Told]:
    """COD's recorded entries that are ordered crystals, called by their file; refused ones are left out."""
    told = []
    for file in sorted((DATA / "wire" / "cod").glob("**/*.cif")):
        try:
            crystal = crystal_from_cif(cif_text(file.read_bytes())).checked()
        except CrystalError:
            continue
        told.append(Told(f"cod:{file.stem}", "cod", crystal.reduced_formula, crystal))
    return told


def measured_pairs(computed: Iterable[Told]) -> Iterator[Pair]:
    """COD's entries of one formula with each other, and each with every computed structure of its formula."""
    measured = measured_entries()
    buckets: dict[str, list[Told]] = defaultdict(list)
    for crystal in computed:
        buckets[crystal.formula].append(crystal)
    for one, other in itertools.combinations(measured, 2):
        if one.formula == other.formula:
            yield Pair(one, other)
    for one in measured:
        for other in buckets[one.formula]:
            yield Pair(one, other)
