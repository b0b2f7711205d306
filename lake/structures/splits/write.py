"""The step that writes SPLITS: every material's part by every scheme."""

from __future__ import annotations

import polars as pl

from lake.entries import DISORDERED
from lake.store import Lake
from lake.structures.splits import SCHEMES
from lake.structures.splits.scheme import PARTS, Scheme
from lake.structures.splits.standing import gone, standing
from lake.tables import ENTRIES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, SPLITS

ROW = ["material_id", "reduced_formula", "split"]


def write_splits(lake: Lake) -> dict[str, int]:
    """Replace SPLITS in one commit; returns how many materials of today stand in each part: `time train` and so on."""
    marks = lake.read_from(MATERIALS)
    ordered = lake.read(MATERIALS).filter(pl.col("kind") != DISORDERED)  # nothing is learnt from the others
    materials = ordered.join(_years(lake), on="material_id", how="left", maintain_order="left")
    written = splits(materials, lake.read(SPLITS), lake.read(MATERIAL_IDS), lake.read(MATERIAL_CHANGES))
    lake.replace(SPLITS, written, marks=marks)
    today = written.join(materials, on="material_id", how="semi")
    found = {(scheme, part): count for scheme, part, count in today.group_by("scheme", "split").len().iter_rows()}
    return {f"{scheme} {part}": found.get((scheme, part), 0) for scheme in SCHEMES for part in PARTS}


def splits(
    materials: pl.DataFrame, before: pl.DataFrame, material_ids: pl.DataFrame, changes: pl.DataFrame
) -> pl.DataFrame:
    """A frame of SPLITS: for each scheme the materials in their order, then those that are gone and may come back.

    materials: rows of MATERIALS with `year`, see Scheme. before, material_ids, changes: rows of SPLITS, MATERIAL_IDS
    and MATERIAL_CHANGES as they stand.
    """
    whole = [SPLITS.empty()]
    for scheme in SCHEMES.values():
        rows = materials.select(ROW[:2]).with_columns(scheme.draw(materials).alias("split"))
        if scheme.remembers:
            rows = _as_it_stood(rows, _of(scheme, before), material_ids, changes)
        rows = rows.drop_nulls("split").with_columns(scheme=pl.lit(scheme.name), rule=pl.lit(scheme.rule))
        whole.append(rows.select(SPLITS.schema.names()))
    return pl.concat(whole)


def _as_it_stood(
    rows: pl.DataFrame, drawn: pl.DataFrame, material_ids: pl.DataFrame, changes: pl.DataFrame
) -> pl.DataFrame:
    """The rows with the parts that an earlier draw gave them, and that draw's rows of materials that are gone.

    Where neither that draw nor this one has a part for a material, it stands where this draw puts what it fell off: the
    next draw would find it there, and to draw again must change nothing.
    """
    today, left = rows["material_id"], gone(drawn, rows["material_id"], material_ids).select(ROW)
    stands = standing(drawn, today, material_ids, changes)
    rows = _filled(rows.rename({"split": "drawn"}).with_columns(split=pl.lit(None, pl.String)), stands)
    rows = rows.with_columns(split=pl.coalesce("split", "drawn")).select(ROW)
    while True:
        without = rows.filter(pl.col("split").is_null())["material_id"]
        stands = standing(pl.concat([rows.drop_nulls("split"), left]), without, material_ids, changes)
        if stands.is_empty():
            return pl.concat([rows, left])
        rows = _filled(rows, stands)


def _filled(rows: pl.DataFrame, stands: pl.DataFrame) -> pl.DataFrame:
    """The rows, in their order, with a part from `stands` where they have none."""
    rows = rows.join(stands.rename({"split": "stands"}), on="material_id", how="left", maintain_order="left")
    return rows.with_columns(split=pl.coalesce("split", "stands")).drop("stands")


def _of(scheme: Scheme, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of SPLITS that this scheme's present rule drew."""
    return rows.filter(pl.col("scheme") == scheme.name, pl.col("rule") == scheme.rule)


def _years(lake: Lake) -> pl.DataFrame:
    """material_id, year: the earliest that an entry of the material tells."""
    members = lake.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    years = lake.scan(ENTRIES).select("entry_id", "year").drop_nulls("year")
    return members.join(years, on="entry_id").group_by("material_id").agg(pl.col("year").min()).collect()
