"""What was drawn once stands: under which of today's materials the rows of an earlier draw belong.

A material is followed by its ids: through MATERIAL_IDS to the material that holds it today, and where part of it was
split off, through the latest row of MATERIAL_CHANGES to what it was split from.

Where drawn materials merge and disagree, train wins over validation and validation over test. Somebody may have learnt
on the part that stood in train, or chosen by the one in validation: in test it would flatter them. The other way round
nothing leaks, a test loses one of its crystals. So in the whole life of a lake materials move towards train alone, and
only by merging.
"""

from __future__ import annotations

import polars as pl

from lake.structures.splits.scheme import PARTS


def standing(
    drawn: pl.DataFrame, materials: pl.Series, material_ids: pl.DataFrame, changes: pl.DataFrame
) -> pl.DataFrame:
    """material_id, split: where an earlier draw puts materials of today, one row for each that it knows.

    drawn: rows of SPLITS of one scheme and rule. materials: the ids of today. material_ids, changes: rows of
    MATERIAL_IDS and MATERIAL_CHANGES, which may both be empty: then an id finds itself.
    """
    by_id = _least_leaking(_today(drawn, material_ids))
    by_id = by_id.join(materials.to_frame(), on="material_id", how="semi")
    new = materials.to_frame().join(by_id, on="material_id", how="anti")
    pieces = changes.select("at", old="old_ids", material_id="new_ids").explode("old").explode("material_id")
    pieces = _today(pieces.drop_nulls(), material_ids).join(new, on="material_id", how="semi")
    origins = pieces.join(drawn.select("split", old="material_id"), on="old")
    latest = origins.filter(pl.col("at") == pl.col("at").max().over("material_id"))
    return pl.concat([by_id, _least_leaking(latest)])


def gone(drawn: pl.DataFrame, materials: pl.Series, material_ids: pl.DataFrame) -> pl.DataFrame:
    """The rows of `drawn` whose material no crawl tells today: kept, so that it comes back where it stood."""
    today = _today(drawn, material_ids)["material_id"]
    return drawn.filter(~today.is_in(materials.implode()))


def _today(rows: pl.DataFrame, material_ids: pl.DataFrame) -> pl.DataFrame:
    """The rows with the id that their material has today, their own where no other is known."""
    known = rows.join(material_ids.select("material_id", "current"), "material_id", how="left", maintain_order="left")
    return known.with_columns(material_id=pl.coalesce("current", "material_id")).drop("current")


def _least_leaking(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per material: the first of its parts in the order of PARTS."""
    return rows.group_by("material_id").agg(pl.col("split").cast(pl.Enum(PARTS)).min().cast(pl.String))
