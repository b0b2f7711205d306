"""A small lake made by hand in which something is known: every table that people ask has rows, all written here."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.graphs.shards import write_graphs
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import (
    COMPOSITIONS,
    CRAWLS,
    DIFFERENCES,
    ENTRIES,
    MATERIALS,
    MATRIX_PROVENANCE,
    OBSERVATIONS,
    PREDICTIONS,
    PROPERTY_MATRIX,
    RECORDS,
    SNAPSHOTS,
)
from tests.lake.small_lake import NOW, entries, entry, record, rock_salt, wurtzite, zincblende
from tests.observed import observation

MIXED = DisorderedCrystal(
    rock_salt("Mg", "O", 4.22).lattice, rock_salt("Mg", "O", 4.22).positions, ("Mg0.8Fe0.2",) * 4 + ("O",) * 4
)
CRYSTALS: dict[str, Crystal | DisorderedCrystal] = {
    "mp:mp-804": wurtzite("Ga", "N", 3.22), "aflow:aflow:0001": wurtzite("Ga", "N", 3.22),
    "oqmd:100": wurtzite("Ga", "N", 3.22), "mp:mp-66": zincblende("C", "C", 3.57),
    "oqmd:200": zincblende("C", "C", 3.57), "cod:100": zincblende("C", "C", 3.567),
    "mp:mp-1265": rock_salt("Mg", "O", 4.25), "cod:9000046": rock_salt("Mg", "O", 4.212),
    "mp:mp-22862": rock_salt("Na", "Cl", 5.65), "oqmd:300": rock_salt("Na", "Cl", 5.65), "cod:9000050": MIXED,
}  # fmt: skip
ARTICLE = {
    "file": "9000046", "authors": "Hazen, R. M.", "title": "Effects of temperature & pressure on periclase",
    "journal": "American Mineralogist", "volume": "61", "year": "1976", "firstpage": "266", "lastpage": "271",
}  # fmt: skip
# entry, property, value, what else is told
VALUES = (
    ("mp:mp-804", "band_gap", 1.73, {}), ("oqmd:100", "band_gap", 1.90, {}), ("aflow:aflow:0001", "band_gap", 1.80, {}),
    ("mp:mp-66", "band_gap", 4.1, {}), ("oqmd:200", "band_gap", 4.2, {}), ("mp:mp-1265", "band_gap", 4.5, {}),
    ("mp:mp-22862", "band_gap", 5.0, {}), ("oqmd:300", "band_gap", 5.1, {}),
    ("mp:mp-804", "band_gap_measured", 3.4, {"origin": "measured", "level_of_theory": "experiment", "source": "labels",
                                             "reading": "labels:handbook", "temperature": 300.0}),
    ("mp:mp-66", "thermal_conductivity_agl", 420.0, {"unit": "W/m/K"}),
    ("mp:mp-1265", "thermal_conductivity_agl", 52.0, {"unit": "W/m/K"}),
    ("mp:mp-804", "bulk_modulus", 172.0, {"unit": "GPa"}),
    ("mp:mp-804", "bulk_modulus", 170.0, {"unit": "GPa", "reading": "mp:k_reuss"}),
    ("mp:mp-66", "bulk_modulus", 434.0, {"unit": "GPa"}), ("mp:mp-1265", "bulk_modulus", 151.0, {"unit": "GPa"}),
    ("mp:mp-22862", "bulk_modulus", -665.0, {"unit": "GPa", "flag": "out_of_range"}),
    ("oqmd:300", "bulk_modulus", 24.0, {"unit": "GPa"}),
    ("mp:mp-804", "shear_modulus", 105.0, {"unit": "GPa"}), ("mp:mp-66", "shear_modulus", 520.0, {"unit": "GPa"}),
    ("mp:mp-1265", "shear_modulus", 119.0, {"unit": "GPa"}), ("oqmd:300", "shear_modulus", 12.0, {"unit": "GPa"}),
    ("mp:mp-804", "energy_above_hull", 0.0, {"unit": "eV/atom", "correction": "MP2020"}),
    ("mp:mp-66", "energy_above_hull", 0.13, {"unit": "eV/atom", "correction": "MP2020"}),
    ("mp:mp-22862", "energy_above_hull", 0.0, {"unit": "eV/atom", "correction": "MP2020"}),
)  # fmt: skip
PLACES = ("mp", "oqmd", "aflow")  # whom the policies of this lake hear first


def known_lake(root: Path) -> Lake:
    """The lake at `root`: entries clustered, graphs built, a matrix under two policies, crawls, a snapshot, prices."""
    lake = Lake(root)
    payloads = dict.fromkeys(CRYSTALS, "{}") | {
        "cod:9000046": json.dumps({"row": ARTICLE, "cif": "data_9000046\n_cell_length_a 4.212\n"}),
        "cod:9000050": json.dumps({"row": {"file": "9000050"}, "cif": "data_9000050\n_cell_length_a 4.22\n"}),
        "cod:100": json.dumps({"row": {"file": "100"}, "cif": "data_100\n_cell_length_a 3.567\n"}),
    }
    rows = [
        entry(entry_id, told, payload=payloads[entry_id], level="experiment" if entry_id.startswith("cod") else "PBE")
        for entry_id, told in CRYSTALS.items()
    ]
    for source in {row["source"] for row in rows}:
        lake.replace(ENTRIES, entries(*(row for row in rows if row["source"] == source)), source)
    lake.append(RECORDS, RECORDS.frame([record(entry_id, payload) for entry_id, payload in payloads.items()]))
    write_materials(lake)
    write_graphs(lake)
    lake.replace(OBSERVATIONS, OBSERVATIONS.frame([observation(*told[:3], **told[3]) for told in VALUES]))
    _write_matrix(lake)
    _write_what_follows(lake)
    return lake


def _write_matrix(lake: Lake) -> None:
    """Two policies that hear the databases in PLACES, `default` from the first and `oqmd_first` from the second."""
    materials = lake.read(MATERIALS).filter(kind="bulk")
    members = materials.select("material_id", entry_id="members").explode("entry_id")
    sound = lake.read(OBSERVATIONS).filter(pl.col("flag").is_null()).join(members, on="entry_id")
    wide, cells = [], []
    for policy, order in (("default", PLACES), ("oqmd_first", (*PLACES[1:], PLACES[0]))):
        place = pl.col("source").replace_strict({source: n for n, source in enumerate(order)}, default=9)
        chosen = (
            sound.sort(place, "entry_id", "reading", descending=[False, False, True])
            .group_by("material_id", "property", maintain_order=True)
            .agg(
                pl.all().first(), n_observations=pl.len().cast(pl.Int64),
                lowest=pl.col("value").min(), highest=pl.col("value").max(),
            )
            .with_columns(
                policy=pl.lit(policy), column="property",
                chosen=pl.when(pl.col("n_observations") == 1).then(pl.lit("only")).otherwise(pl.lit("preferred")),
            )
        )  # fmt: skip
        cells.append(chosen.select(MATRIX_PROVENANCE.schema.names()))
        columns = chosen.pivot("property", index="material_id", values="value")
        keys = materials.select(pl.lit(policy).alias("policy"), *PROPERTY_MATRIX.schema.names()[1:])
        wide.append(keys.join(columns, on="material_id", how="left"))
    lake.replace(MATRIX_PROVENANCE, pl.concat(cells))
    lake.replace(PROPERTY_MATRIX, pl.concat(wide, how="diagonal"))


def _write_what_follows(lake: Lake) -> None:
    material = lake.read(MATERIALS).filter(representative="mp:mp-804")["material_id"].item()
    told = {
        "entry_id": "mp:mp-804",
        "material_id": material,
        "unit": "GPa",
        "origin": "predicted",
        "split": "test",
        "licences": ["CC BY 4.0"],
    }
    said = {"property": "bulk_modulus", "value": 168.0, "spread": 2.0, "label": 172.0, "study": "single"}
    lake.replace(PREDICTIONS, _frame(PREDICTIONS, [told | said]))
    prices = {"C": 0.1, "MgO": 1.4, "NaCl": 0.2, "GaN": 120.0}
    lake.replace(COMPOSITIONS, _frame(COMPOSITIONS, [
        {"reduced_formula": formula, "cost_per_kg": price} for formula, price in prices.items()
    ]))  # fmt: skip
    crawl = {"source": "mp", "crawl": "2026-01-01T00:00:00Z", "scope": "", "at": NOW}
    lake.replace(CRAWLS, _frame(CRAWLS, [crawl | {"state": state} for state in ("opened", "closed", "published")]))
    counts = {"field": "records", "added": 4, "changed": 0, "gone": 0, "n": 4}
    lake.replace(DIFFERENCES, _frame(DIFFERENCES, [{"source": "mp", "crawl": crawl["crawl"]} | counts]))
    named = {"snapshot": "paper", "at": NOW, "kept": True, "note": "figures of the paper"}
    versions = [named | {"table": table.name, "version": lake.version(table)} for table in (ENTRIES, OBSERVATIONS)]
    lake.replace(SNAPSHOTS, _frame(SNAPSHOTS, versions))


def _frame(table, rows: list[dict]) -> pl.DataFrame:
    """Rows of which each says what it knows; what a column that may be null is not told, is null."""
    return table.frame([dict.fromkeys(table.schema) | row for row in rows])
