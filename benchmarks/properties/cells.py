"""Every number of the real files against the lake made of them: all observations, and all cells of the matrix.

    python -m benchmarks.properties.cells LAKE --data ../shared/data

LAKE is what `python -m benchmarks.real_lake` makes. The files are read here again, units are converted by factors of
our own that stand below, and numbers are compared entry by entry: equal to a relative 1e-9; volumes to 1e-7, since a
CIF rounds its cell. Volumes are those that the CIFs state (of AFLOW and OQMD too), and COD's densities those of its
own files, read by another reader than the lake's.

Told per column: numbers in the file, equal, differing, not in the lake; how many are flagged. Per property: values of
the lake that no file has. Of the matrix: cells that are a number of the files; cells that are not; and cells that stay
empty although a file has a number that is not flagged. The exit status is 1 where a number differs or is missing, a
value or a cell is no file's, or K_VRH of -665 GPa is not flagged.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import gemmi
import orjson
import polars as pl

from lake.sample.real import (
    AFLOW_COLUMNS,
    FILES,
    LABELLED,
    MP_COLUMNS,
    NO_PROPERTY,
    cod,
    made_auid,
    real_folder,
)
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX

TOLERANCE, OF_VOLUME = 1e-9, 1e-7
DENSITY = "_exptl_crystal_density_diffrn"
SPOKEN = {"aflow": "AFLOW's ", "oqmd": "OQMD's ", "cod": "COD's "}
SIZES = ("magnetization_per_atom",)  # the sign is a convention: sizes are kept


class Told(NamedTuple):
    """Where a column should be found: property, `mp`, `aflow` or the label's reading; and what it is multiplied by."""

    property: str
    witness: str
    factor: float | pl.Expr


# from the file's unit to the catalog's, written down here once more
PER_CELL, PER_FORMULA = 1 / pl.col("atoms"), 1 / pl.col("formula_atoms")
FEMTOSECOND, GIGAWATT = 1e15, 1e9  # 1/ohm/m/fs -> 1/ohm/m/s; GW -> W
FACTORS = {
    "bt_sigma_n": FEMTOSECOND, "bt_sigma_p": FEMTOSECOND, "bt_kappa_n": GIGAWATT, "bt_kappa_p": GIGAWATT,
    "bt_PF_n": GIGAWATT, "bt_PF_p": GIGAWATT, "total_magnetization": PER_CELL, "cell_volume": PER_CELL,
    "mag_norm": PER_FORMULA,
}  # fmt: skip
CRAWLED = MP_COLUMNS | {"magnetization_per_atom": "total_magnetization", "volume_per_atom": "cell_volume"}
COLUMNS = {
    **{column: Told(name, "mp", FACTORS.get(column, 1.0)) for name, column in CRAWLED.items()},
    **{
        label.column: Told(label.property, f"labels:{label.reference}", FACTORS.get(label.column, 1.0))
        for label in LABELLED
    },
}


def main() -> int:
    """Compare, print, and say by the exit status whether everything is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the real files")
    asked = parser.parse_args()
    data, lake = real_folder(asked.data), Lake(asked.lake)
    expected = pl.concat(
        [
            of_materials_project(data / FILES["mp"]),
            of_aflow(data / FILES["aflow"]),
            of_oqmd(data / FILES["oqmd"], data / FILES["cross"]),
            of_cod(lake, [*(data / FILES["cod"]).glob("*.cif"), data / FILES["cod one"]]),
        ]
    )
    faults = observations(lake, expected) + matrix(lake, expected)
    print("\neverything is as it should be" if not faults else f"\nfaults: {faults:,}")
    return int(faults > 0)


def of_materials_project(file: Path) -> pl.DataFrame:
    """entry_id, property, witness, column, expected: every number of the file in the catalog's unit."""
    frame = pl.read_parquet(file)
    numeric = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    if strange := set(numeric) - COLUMNS.keys() - NO_PROPERTY.keys():
        raise SystemExit(f"every numeric column must be some property, found {sorted(strange)}")
    print(
        f"{file.name}: {len(frame):,} materials, {len(numeric)} numeric columns, no property: {', '.join(NO_PROPERTY)}"
    )
    counts = [_counted(cif) for cif in frame["cif"]]
    frame = frame.with_columns(
        entry_id="mp:" + pl.col("mp_id"),
        atoms=pl.Series([atoms for atoms, _ in counts]),
        formula_atoms=pl.Series([atoms / units for atoms, units in counts]),
    )
    return pl.concat(_expected(frame, column, told) for column, told in COLUMNS.items())


def of_aflow(file: Path) -> pl.DataFrame:
    """The same of AFLOW's file, whose entries are named by their content."""
    frame = pl.read_parquet(file)
    print(f"{file.name}: {len(frame):,} materials, {len(AFLOW_COLUMNS)} numeric columns")
    frame = frame.with_columns(entry_id=pl.Series([f"aflow:{made_auid(row)}" for row in frame.iter_rows(named=True)]))
    counts = [_counted(cif)[0] for cif in frame["cif"]]
    frame = frame.with_columns(atoms=pl.Series(counts), cif_volume=pl.Series(_volumes(frame["cif"])))
    columns = [*((column, Told(name, "aflow", 1.0)) for name, column in AFLOW_COLUMNS.items())]
    columns.append(("cif_volume", Told("volume_per_atom", "aflow", PER_CELL)))
    return pl.concat(_expected(frame, column, told) for column, told in columns)


def of_oqmd(pages: Path, samples: Path) -> pl.DataFrame:
    """Gaps and volumes of the recorded rows, and the CIFs' volumes of the cross-source file; the first of an id."""
    rows = [row for page in orjson.loads(pages.read_bytes()) for row in page["data"]]
    told = [(f"oqmd:{r['id']}", r["attributes"]) for r in rows]
    recorded = [(i, float(len(a["species_at_sites"])), a.get("_oqmd_volume"), a["_oqmd_band_gap"]) for i, a in told]
    others = pl.read_parquet(samples).filter(pl.col("source") == "oqmd")
    further = [
        (f"oqmd:{number.removeprefix('oqmd-')}", _counted(cif)[0], volume, None)
        for number, cif, volume in zip(others["id"], others["cif"], _volumes(others["cif"]), strict=True)
    ]
    frame = pl.DataFrame(
        [*recorded, *further],
        ["entry_id", "atoms", "_oqmd_volume", "_oqmd_band_gap"],
        orient="row",
        infer_schema_length=None,
    ).unique("entry_id", keep="first", maintain_order=True)
    print(f"{pages.name}, {samples.name}: {len(frame):,} materials of OQMD")
    volume, gap = Told("volume_per_atom", "oqmd", PER_CELL), Told("band_gap", "oqmd", 1.0)
    return pl.concat([_expected(frame, "_oqmd_volume", volume), _expected(frame, "_oqmd_band_gap", gap)])


def of_cod(lake: Lake, files: list[Path]) -> pl.DataFrame:
    """Densities that the CIFs state, of those files that the lake took as an entry."""
    ids = {telling.facts["file_name"]: f"cod:{telling.source_id}" for telling in cod(files)}
    entries = set(lake.scan(ENTRIES).filter(pl.col("source") == "cod").collect()["entry_id"])
    rows = []
    for file in files:
        found = re.search(rf"^{DENSITY}\s+'?([\d.]+)", file.read_text("utf-8", "replace"), re.MULTILINE)
        if found and ids[file.name] in entries:
            rows.append((ids[file.name], float(found[1])))
    frame = pl.DataFrame(rows, ["entry_id", DENSITY], orient="row")
    print(f"{len(files)} CIFs of COD: {len(entries)} entries, {len(frame)} with a density")
    return _expected(frame, DENSITY, Told("density_measured", "cod", 1.0))


def _volumes(cifs: pl.Series) -> list[float]:
    return [float(gemmi.cif.read_string(cif).sole_block().find_value("_cell_volume")) for cif in cifs]


def _counted(cif: str) -> tuple[float, float]:
    """Atoms of the cell, and formula units in it, as the CIF itself says them."""
    block = gemmi.cif.read_string(cif).sole_block()
    return float(len(block.find_values("_atom_site_fract_x"))), float(block.find_value("_cell_formula_units_Z"))


def _expected(frame: pl.DataFrame, column: str, told: Told) -> pl.DataFrame:
    value = pl.col(column) * told.factor
    return frame.drop_nulls(column).select(
        "entry_id",
        property=pl.lit(told.property),
        witness=pl.lit(told.witness),
        column=pl.lit(column),
        expected=value.abs() if told.property in SIZES else value,
    )


def _equal(property_: pl.Expr, found: pl.Expr, expected: pl.Expr) -> pl.Expr:
    tolerance = pl.when(property_ == "volume_per_atom").then(OF_VOLUME).otherwise(TOLERANCE)
    return (found - expected).abs() <= tolerance * pl.max_horizontal(found.abs(), expected.abs())


def observations(lake: Lake, expected: pl.DataFrame) -> int:
    """Compare every number of the files with its observation; returns how many differ or are missing."""
    own = pl.col("source") == "labels"
    found = lake.scan(OBSERVATIONS).select(
        "entry_id", "property", "reading", "value", "flag", "source",
        witness=pl.when(own).then("reading").otherwise("source"),
    ).collect()  # fmt: skip
    key = ["entry_id", "property", "witness"]
    both = expected.join(found, on=key, how="left").with_columns(
        equal=_equal(pl.col("property"), pl.col("value"), pl.col("expected"))
    )
    per_column = both.group_by("witness", "column", "property", maintain_order=True).agg(
        numbers=pl.struct(key).n_unique(),
        equal=pl.col("equal").sum(),
        differing=(~pl.col("equal")).sum(),
        missing=pl.col("value").null_count(),
        flagged=pl.col("flag").count(),
        lowest=pl.col("expected").min(),
        highest=pl.col("expected").max(),
    )
    print("\n| column | property | numbers | equal | differing | not in the lake | flagged | lowest | highest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in per_column.iter_rows(named=True):
        source = SPOKEN.get(row["witness"], "")
        counts = (row[name] for name in ("numbers", "equal", "differing", "missing", "flagged"))
        told = " | ".join(f"{count:,}" for count in counts)
        print(
            f"| {source}`{row['column']}` | `{row['property']}` | {told} | {row['lowest']:.4g} | {row['highest']:.4g} |"
        )
    totals = per_column.select(pl.col("numbers", "equal", "differing", "missing", "flagged").sum()).row(0, named=True)
    print("| all | | " + " | ".join(f"{count:,}" for count in totals.values()) + " | | |")
    derived = found.join(expected, on=key, how="anti").group_by("property", "source").len().sort("source", "property")
    words = ", ".join(f"{name} ({source}) {count:,}" for name, source, count in derived.iter_rows())
    print(f"\nin the lake, in none of the files: {words or 'nothing'}")
    least = both.filter(pl.col("column") == "K_VRH", pl.col("expected") == -665.0)
    unflagged = least["flag"].null_count()
    print(f"K_VRH of -665 GPa: {', '.join(least['entry_id'])}, flagged as {', '.join(least['flag'].drop_nulls())}")
    return totals["differing"] + totals["missing"] + derived["len"].sum() + unflagged + (len(least) == 0)


def matrix(lake: Lake, expected: pl.DataFrame) -> int:
    """Compare every cell of every policy with the number of the file that its provenance names."""
    faults = 0
    provenance, wide = lake.read(MATRIX_PROVENANCE), lake.read(PROPERTY_MATRIX)
    for policy in wide["policy"].unique().sort():
        told = provenance.filter(pl.col("policy") == policy)
        columns = [name for name in wide.columns if name not in PROPERTY_MATRIX.schema]
        cells = (
            wide.filter(pl.col("policy") == policy).select("material_id", *columns)
            .unpivot(columns, index="material_id", variable_name="matrix_column", value_name="cell").drop_nulls("cell")
        )  # fmt: skip
        named = cells.join(told.rename({"column": "matrix_column"}), on=["material_id", "matrix_column"], how="left")
        witness = pl.when(pl.col("source") == "labels").then("reading").otherwise("source")
        key = ["entry_id", "property", "witness"]
        judged = named.with_columns(witness=witness).join(expected, on=key, how="left").with_columns(
            equal=_equal(pl.col("property"), pl.col("cell"), pl.col("expected"))
        )  # fmt: skip
        of_file = judged["expected"].count()
        differing = judged.filter(~pl.col("equal"))
        nameless = judged["entry_id"].null_count()
        rows = len(wide.filter(pl.col("policy") == policy))
        print(
            f"\nmatrix, policy {policy}: {rows:,} materials, {len(cells):,} cells; "
            f"{of_file:,} are numbers of the files, {of_file - len(differing):,} equal, {len(differing):,} differing; "
            f"{len(cells) - of_file - nameless:,} are in none of the files; "
            f"{nameless:,} without provenance"
        )
        empty = _empty(lake, expected, told, cells)
        words = ", ".join(f"{name} {count:,}" for name, count in empty.iter_rows())
        print(f"empty although a file has a number that is not flagged: {words or 'none'}")
        faults += len(differing) + len(cells) - of_file
    return faults


def _empty(lake: Lake, expected: pl.DataFrame, told: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """property, count: materials with an unflagged number of the files, and no cell of that property."""
    fine = lake.scan(OBSERVATIONS).filter(pl.col("flag").is_null()).select("entry_id", "property").unique().collect()
    members = lake.scan(MATERIALS).filter(pl.col("kind") == "bulk").select("material_id", entry_id="members")
    wanted = (
        expected.select("entry_id", "property").unique().join(fine, on=["entry_id", "property"])
        .join(members.explode("entry_id").collect(), on="entry_id").select("material_id", "property").unique()
    )  # fmt: skip
    filled = told.join(
        cells.select("material_id", column="matrix_column"), on=["material_id", "column"], how="semi"
    ).select("material_id", "property")
    return wanted.join(filled, on=["material_id", "property"], how="anti").group_by("property").len().sort("property")


if __name__ == "__main__":
    sys.exit(main())
