"""Look-up: what an id names today, and which materials a formula or elements name.

Entries are found by their ids, materials by any id they were ever given, or that a database gives one of their entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from lake.crystal import NUMBER
from lake.policies import DEFAULT
from lake.store import Lake
from lake.structures.bucket import bucket_of, crystal_to_compare
from lake.structures.compare import Candidate
from lake.structures.definition import RULE
from lake.structures.material_id import find_material
from lake.tables import ENTRIES, MATCHES, MATERIAL_IDS, MATERIALS, OBSERVATIONS, PROPERTY_MATRIX

SHOWN = ("band_gap", "energy_above_hull")  # columns of the matrix that `find` shows, where the lake has them


class UnknownId(LookupError):
    """An id that names nothing in the lake; the message says what ids look like, or what became of it."""


class SeveralNamed(LookupError):
    """An id that several databases give to different crystals; the message names them."""


class FormulaError(ValueError):
    """What is no chemical formula; the message says what one looks like."""


@dataclass(frozen=True)
class Named:
    """What an id names: an entry, ready to be compared, and the material that holds it.

    material: a row of MATERIALS, None for an entry that no clustering has seen: a slab, or a crawl that was not built.
    """

    candidate: Candidate
    material: dict[str, object] | None


def named(lake: Lake, name: str) -> Named:
    """The entry of that id, or the representative of the material that is, was or could be called so.

    A disordered entry is told by its stand-in, and its formula with its labels. Raises UnknownId.
    """
    material = _material(lake, pl.col("material_id") == name)
    if material is None and (entry := _entry(lake, name)):
        return Named(entry, _material(lake, pl.col("members").list.contains(name)))
    if material is None:
        material = _material(lake, pl.col("material_id") == _current(lake, name))
    if material is None:
        raise UnknownId(f"the lake's tables speak of {name}, but hold no such material: build it anew")
    entry = _entry(lake, material["representative"])
    if entry is None:
        raise UnknownId(f"{name} is represented by {material['representative']}, which no crawl tells any more: build")
    return Named(entry, material)


def material_named(lake: Lake, name: str) -> tuple[str, dict[str, object] | None]:
    """The entry or the representative, and the material, that an id names: of the lake's ids, or of a database's own.

    The material is a row of MATERIALS, None for an entry that no clustering has seen. An id without its database, as
    mp-149 or 9008565, is looked for in all of them. Raises UnknownId, and SeveralNamed where they mean different
    crystals by it.
    """
    there = lake.scan(ENTRIES).filter((pl.col("source_id") == name) | (pl.col("entry_id") == name))
    entries = there.select("entry_id", "reduced_formula").sort("entry_id").collect()
    if not len(entries):
        known = named(lake, name)
        return known.candidate.entry_id, known.material
    exact = entries.filter(entry_id=name)["entry_id"].to_list()
    materials = [_holding(lake, entry_id) for entry_id in exact or entries["entry_id"]]
    if len({material["material_id"] if material else None for material in materials}) > 1 or (
        len(materials) > 1 and None in materials
    ):
        told = ", ".join(f"{entry_id} ({formula})" for entry_id, formula in entries.iter_rows())
        raise SeveralNamed(f"{name} is an id of several crystals, {told}: ask for one of them")
    return (exact or entries["entry_id"].to_list())[0], materials[0]


def find(lake: Lake, text: str) -> pl.DataFrame:
    """Materials by formula, in any order of its elements (GaN, NGa), by chemical system (Ga-N), or by elements (Ga,N).

    A chemical system is these elements and no other; elements, with a comma, are these among others. Returns
    material_id, reduced_formula, space_group, kind, sources, entries, labels (values that are not flagged), and what
    the default policy chose of SHOWN; few elements first, then by formula and by energy above the hull.
    Raises FormulaError.
    """
    elements = pl.col("reduced_formula").str.extract_all("[A-Z][a-z]?").list.unique()
    found = lake.scan(MATERIALS).filter(_asked(text, elements)).with_columns(elements=elements.list.len()).collect()
    members = found.select("material_id", entry_id="members").explode("entry_id").lazy()
    sound = lake.scan(OBSERVATIONS).filter(pl.col("flag").is_null()).select("entry_id")
    labels = sound.join(members, on="entry_id").group_by("material_id").agg(labels=pl.len().cast(pl.Int64)).collect()
    matrix = lake.scan(PROPERTY_MATRIX).filter(pl.col("policy") == DEFAULT)
    shown = [name for name in SHOWN if name in matrix.collect_schema()]
    cells = matrix.select("material_id", *shown).join(members, on="material_id", how="semi").collect()
    told = found.join(labels, on="material_id", how="left").join(cells, on="material_id", how="left")
    return told.with_columns(
        pl.col("labels").fill_null(0),
        *(pl.lit(None, pl.Float64).alias(name) for name in SHOWN if name not in shown),
        entries=pl.col("members").list.len().cast(pl.Int64),
    ).sort("elements", "reduced_formula", "energy_above_hull", "material_id", nulls_last=True).select(
        "material_id", "reduced_formula", "space_group", "kind", "sources", "entries", "labels", *SHOWN
    )  # fmt: skip


def reduced(formula: str) -> str:
    """The reduced formula of a composition in any spelling: O2Si is SiO2. Raises FormulaError."""
    from pymatgen.core import Composition

    try:
        composition = Composition(formula)
    except ValueError:
        composition = Composition()
    if not composition or not {element.symbol for element in composition} <= NUMBER.keys():
        raise FormulaError(f"a formula is written like SiO2 or BaTiO3, found {formula}")
    return composition.reduced_formula


def recorded(lake: Lake, one: Candidate, other: Candidate) -> dict[str, object] | None:
    """The lake's own decision on two entries: a row of MATCHES, whichever of them it calls a.

    None where they were never compared, or as other structures, or by another version of the definition.
    """
    ids = [one.entry_id, other.entry_id]
    found = lake.scan(MATCHES).filter(
        pl.col("entry_a").is_in(ids), pl.col("entry_b").is_in(ids), pl.col("rule") == RULE
    )
    structures = {it.entry_id: it.crystal.structure_hash for it in (one, other)}
    for row in found.collect().iter_rows(named=True):
        if all(row[f"structure_{side}"] == structures[row[f"entry_{side}"]] for side in "ab"):
            return row
    return None


def _current(lake: Lake, name: str) -> str:
    """Id of the material that an id of old, or one that a member could give, finds today."""
    if name.startswith("m-") and (found := find_material(lake, name)):
        return found
    given = _row(lake.scan(MATERIAL_IDS).filter(pl.col("material_id") == name))
    if given is None:
        raise UnknownId(
            f"{name} is no id of this lake and no file: an entry is written mp:mp-149, a material m- and 16 digits; "
            "`find` looks for a formula"
        )
    raise UnknownId(f"{name} was a material of {given['entry_id']}, which no crawl tells any more")


def _asked(text: str, elements: pl.Expr) -> pl.Expr:
    """Which materials are asked for; `elements`: the list of those in a material."""
    words = [word.strip() for word in re.split("[,-]", text) if word.strip()]
    if not ("," in text or "-" in text):
        return pl.col("reduced_formula") == reduced(text.strip())
    if not words or not set(words) <= NUMBER.keys() or ("," in text and "-" in text):
        raise FormulaError(
            f"materials are found by a formula (GaN), a chemical system (Ga-N) or elements (Ga,N), found {text}; "
            "of an id, ask `show`"
        )
    among = pl.all_horizontal(elements.list.contains(word) for word in words)
    return among & (elements.list.len() == len(set(words))) if "-" in text else among


def _holding(lake: Lake, entry_id: str) -> dict[str, object] | None:
    return _material(lake, pl.col("members").list.contains(entry_id))


def _material(lake: Lake, where: pl.Expr) -> dict[str, object] | None:
    return _row(lake.scan(MATERIALS).filter(where))


def _entry(lake: Lake, entry_id: str) -> Candidate | None:
    row = _row(lake.scan(ENTRIES).filter(pl.col("entry_id") == entry_id))
    if row is None:
        return None
    return Candidate(entry_id, row["source"], bucket_of(row), crystal_to_compare(row))


def _row(found: pl.LazyFrame) -> dict[str, object] | None:
    return next(found.head(1).collect().iter_rows(named=True), None)
