"""What is known of one material: every entry, every value with all that qualifies it, and how far the databases differ.

What belongs here: putting together what the tables say of one material. What an id names: `lookup.py`. The same for all
materials at once is the view `known`.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from lake.disagreement import ZERO
from lake.lookup import material_named
from lake.policies import DEFAULT
from lake.store import Lake
from lake.tables import COMPOSITIONS, ENTRIES, MATRIX_PROVENANCE, OBSERVATIONS, PREDICTIONS

OBSERVATION = ["entry_id", "property", "reading"]
QUALIFIED = ["origin", "level_of_theory", "correction", "temperature", "pressure", "flag"]
PREDICTED = "predicted"


@dataclass(frozen=True, eq=False)
class Known:
    """One material, or an entry that belongs to none.

    name: its id. facts: formula, space group and the like, by column name.
    entries: entry_id, source, kind, n_atoms, volume_per_atom, level_of_theory, licence; the representative first.
    values: property, value, unit, source, origin (measured, computed or predicted), level_of_theory, correction,
    temperature, pressure, flag, chosen (how the default policy took it for the matrix, null where it did not),
    difference (of the property, see `values_of`), spread (of predictions), entry_id, reading, licence.
    composition: what follows from the formula, empty where the lake does not know.
    """

    name: str
    facts: dict[str, Any]
    entries: pl.DataFrame
    values: pl.DataFrame
    composition: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain Python, for JSON."""
        return {
            "name": self.name,
            **self.facts,
            "entries": self.entries.to_dicts(),
            "values": self.values.to_dicts(),
            "composition": self.composition,
        }

    def _repr_html_(self) -> str:
        facts = " · ".join(escape(str(value)) for value in (self.name, *self.facts.values()) if value is not None)
        return f"<p>{facts}</p>{self.entries._repr_html_()}{self.values._repr_html_()}"


def known(lake: Lake, name: str) -> Known:
    """What is known of the material that an id names. Raises UnknownId, SeveralNamed."""
    entry_id, material = material_named(lake, name)
    members = material["members"] if material else [entry_id]
    entries = _entries(lake, members, material["representative"] if material else entry_id)
    wanted = ("reduced_formula", "space_group", "space_group_number", "kind", "representative", "sources")
    facts = {key: material[key] for key in wanted} if material else {"reduced_formula": entries["reduced_formula"][0]}
    return Known(
        material["material_id"] if material else entry_id,
        facts,
        entries.drop("reduced_formula"),
        values_of(lake, material["material_id"] if material else None, members),
        _composition(lake, facts["reduced_formula"]),
    )


def values_of(lake: Lake, material_id: str | None, members: list[str]) -> pl.DataFrame:
    """Observations and predictions of these entries: rows as in `Known.values`, predictions after what is known.

    difference: of the property, the largest relative difference of two values that are not flagged and that different
    databases tell, as in the view `disagreements`, 0 where both count as zero; null where one speaks alone.
    """
    observed = lake.scan(OBSERVATIONS).filter(pl.col("entry_id").is_in(members)).collect()
    cells = lake.scan(MATRIX_PROVENANCE).filter(
        (pl.col("policy") == DEFAULT) & (pl.col("material_id") == (material_id or ""))
    )  # fmt: skip
    chosen = cells.group_by(OBSERVATION).agg(pl.col("chosen").unique().sort().str.join(", ")).collect()
    predicted = lake.scan(PREDICTIONS).filter(pl.col("entry_id").is_in(members)).collect()
    told = observed.join(chosen, on=OBSERVATION, how="left").join(_differences(observed), on="property", how="left")
    rows = pl.concat(
        [
            told.with_columns(spread=pl.lit(None, pl.Float64)),
            predicted.select(
                "property", "value", "unit", "spread", "entry_id",
                origin=pl.lit(PREDICTED), reading="models:" + pl.col("study"),
            ),
        ],
        how="diagonal",
    )  # fmt: skip
    return rows.sort(
        pl.col("origin") == PREDICTED, "property", pl.col("flag").is_not_null(), pl.col("chosen").is_null(),
        "source", "entry_id", "reading",
    ).select(
        "property", "value", "unit", "source", *QUALIFIED, "chosen", "difference", "spread", "entry_id", "reading",
        "licence",
    )  # fmt: skip


def _differences(observed: pl.DataFrame) -> pl.DataFrame:
    """property, difference: of those that two databases tell."""
    sound = observed.filter(pl.col("flag").is_null()).select("property", "source", "value")
    pairs = sound.join(sound, on="property", suffix="_b").filter(pl.col("source") < pl.col("source_b"))
    size = (pl.col("value").abs() + pl.col("value_b").abs()) / 2
    zero = pl.col("property").replace_strict(ZERO, default=0.0, return_dtype=pl.Float64)
    some = pl.max_horizontal(pl.col("value").abs(), pl.col("value_b").abs()) > zero
    apart = pl.when(some).then((pl.col("value") - pl.col("value_b")).abs() / size).otherwise(0.0)
    return pairs.group_by("property").agg(difference=apart.max())


def _entries(lake: Lake, members: list[str], first: str) -> pl.DataFrame:
    told = lake.scan(ENTRIES).filter(pl.col("entry_id").is_in(members)).collect()
    return told.sort(pl.col("entry_id") != first, "source", pl.col("source_id").str.len_chars(), "source_id").select(
        "entry_id", "source", "reduced_formula", "kind", "n_atoms",
        (pl.col("volume") / pl.col("n_atoms")).alias("volume_per_atom"), "level_of_theory", "licence",
    )  # fmt: skip


def _composition(lake: Lake, formula: str) -> dict[str, Any]:
    found = lake.scan(COMPOSITIONS).filter(pl.col("reduced_formula") == formula).collect().drop("reduced_formula")
    return next(found.iter_rows(named=True), {})
