"""The real files as tellings: what the databases themselves served, each file by its own database.

What belongs here: reading `mp2018_multi_property.parquet`, `aflow_ael_agl.parquet`, `cross_source_samples.parquet` and
the recorded answers in `wire/`. The files are no part of the project: `$CRYSTAL_LAKE_REAL_DATA`, or `../shared/data`.

Values are told as the files have them, unphysical ones too (a bulk modulus of -665 GPa): refusing them is the lake's
work.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import gemmi
import numpy as np
import orjson
import polars as pl

from lake.crystal import NUMBER, Crystal
from lake.sample.telling import Telling

FOLDER_VARIABLE = "CRYSTAL_LAKE_REAL_DATA"
FILES = {
    "mp": "mp2018_multi_property.parquet",
    "aflow": "aflow_ael_agl.parquet",
    "cross": "cross_source_samples.parquet",
    "oqmd": "wire/oqmd/optimade_five_pages.json",
    "cod": "wire/cod/cif",
    "cod one": "wire/cod/9008393.cif",
    "ocp": "wire/oc20",
}
# catalog name -> column of the file; magnetization is per cell there, so it is not in this list
MP_COLUMNS = {
    "band_gap": "band_gap",
    "formation_energy_per_atom": "formation_energy_per_atom",
    "energy_above_hull": "e_above_hull",
    "bulk_modulus": "K_VRH",
    "shear_modulus": "G_VRH",
    "static_dielectric_constant": "diel_poly_total",
    "optical_dielectric_constant": "diel_poly_electronic",
    "refractive_index": "diel_n",
    "piezoelectric_modulus": "piezo_eij_max",
}
AFLOW_COLUMNS = {
    "bulk_modulus": "bulk_modulus",
    "shear_modulus": "shear_modulus",
    "debye_temperature_agl": "debye_temperature",
    "thermal_conductivity_agl": "thermal_conductivity",
    "thermal_expansion_agl": "thermal_expansion",
}
# Materials Project adds U to these where oxygen or fluorine is present (pymatgen's MPRelaxSet)
WITH_U = frozenset({"Co", "Cr", "Fe", "Mn", "Mo", "Ni", "V", "W"})
VARIANT_IDS = 9_900_001  # COD uses no id of this range


class MissingData(FileNotFoundError):
    """The folder of real files lacks some; the message names folder and files."""


def real_folder(folder: str | Path | None = None) -> Path:
    """The folder given, else `$CRYSTAL_LAKE_REAL_DATA`, else `../shared/data`; raises MissingData."""
    where = Path(folder or os.environ.get(FOLDER_VARIABLE) or Path("..") / "shared" / "data")
    missing = [name for name in FILES.values() if not (where / name).exists()]
    if missing:
        raise MissingData(
            f"the folder of real files must hold {len(FILES)} files, {where} lacks {', '.join(missing)}: "
            f"name the right folder, or set ${FOLDER_VARIABLE}"
        )
    return where


def real_tellings(folder: str | Path | None = None) -> list[Telling]:
    """Every real record, by source: mp 33,072, aflow 4,439, oqmd 2,259, cod 99, ocp 8; PCOD has none.

    Raises MissingData where files are missing.
    """
    where = real_folder(folder)
    return [
        *materials_project(where / FILES["mp"]),
        *aflow(where / FILES["aflow"]),
        *oqmd(where / FILES["oqmd"], where / FILES["cross"]),
        *cod([*(where / FILES["cod"]).glob("*.cif"), where / FILES["cod one"]]),
        *open_catalyst((where / FILES["ocp"]).glob("*.extxyz")),
    ]


def materials_project(file: Path) -> Iterator[Telling]:
    """33,072 materials of 2018. The file does not say which had U: told by Materials Project's own rule."""
    columns = ["mp_id", "cif", "total_magnetization", *MP_COLUMNS.values()]
    for row in pl.read_parquet(file, columns=columns).iter_rows(named=True):
        crystal = crystal_of_p1(row["cif"])
        values = _values(row, MP_COLUMNS)
        if row["total_magnetization"] is not None:
            values["magnetization_per_atom"] = row["total_magnetization"] / len(crystal)
        yield Telling("mp", row["mp_id"], crystal, values, _level(crystal))


def aflow(file: Path) -> Iterator[Telling]:
    """4,439 entries with AEL and AGL results. The file has no auids: made of the row, so they are stable."""
    for row in pl.read_parquet(file).iter_rows(named=True):
        words = orjson.dumps({name: row[name] for name in sorted(row)})
        auid = f"aflow:{hashlib.blake2b(words, digest_size=8).hexdigest()}"
        yield Telling("aflow", auid, crystal_of_p1(row["cif"]), _values(row, AFLOW_COLUMNS), "PBE")


def oqmd(pages: Path, samples: Path) -> Iterator[Telling]:
    """1,000 recorded rows, attributes verbatim, and 1,259 structures of the cross-source file.

    That file has 1,265 OQMD rows, six of them under an id that stands in it already: the first is kept.
    """
    seen = set()
    for row in (row for page in orjson.loads(pages.read_bytes()) for row in page["data"]):
        seen.add(str(row["id"]))
        yield _recorded_oqmd(row)
    for row in pl.read_parquet(samples).filter(pl.col("source") == "oqmd").iter_rows(named=True):
        number = row["id"].removeprefix("oqmd-")
        if number not in seen:
            seen.add(number)
            yield Telling("oqmd", number, crystal_of_p1(row["cif"]), level_of_theory="PBE")


def cod(files: Iterable[Path]) -> Iterator[Telling]:
    """COD's own files, byte for byte; the id is the number in the file's name.

    Several files may be variants of one entry (`9011732.cif`, `9011732-fake-disorder.cif`), and three have no number of
    COD's (those run from 1000000). The plainest name keeps the id; the others get ids from 9900001 up, in the order of
    their names.
    """
    free, taken = iter(range(VARIANT_IDS, VARIANT_IDS + 1000)), set()
    for file in sorted(files, key=lambda file: (not file.stem.isdigit(), file.stem)):
        found = re.search(r"[1-9]\d{6}", file.stem)
        number = found[0] if found and found[0] not in taken else str(next(free))
        taken.add(number)
        text = file.read_bytes().decode("utf-8", "surrogateescape")
        facts = {"file_name": file.name}
        yield Telling("cod", number, None, level_of_theory="experiment", facts=facts, verbatim=text)


def open_catalyst(files: Iterable[Path]) -> Iterator[Telling]:
    """First and last frame of OC20 relaxations. Their reference energies are not known, so neither is adsorption."""
    for file in sorted(files):
        yield Telling("ocp", file.stem, None, level_of_theory="RPBE", verbatim=file.read_text())


def crystal_of_p1(text: str) -> Crystal:
    """A CIF whose sites are all written out (P 1), read by gemmi's tokenizer alone, which is fast."""
    block = gemmi.cif.read_string(text).sole_block()
    cell = [float(block.find_value(f"_cell_{name}")) for name in CELL_NAMES]
    sites = block.find("_atom_site_", ["type_symbol", "fract_x", "fract_y", "fract_z"])
    rows = [list(row) for row in sites]
    numbers = [NUMBER[row[0].rstrip("+-0123456789")] for row in rows]
    return Crystal(_lattice(cell), np.array([row[1:] for row in rows], dtype=np.float64), np.array(numbers))


CELL_NAMES = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


def _lattice(cell: list[float]) -> np.ndarray:
    """Rows are cell vectors: a along x, b in the plane of x and y."""
    (a, b, c), (alpha, beta, gamma) = cell[:3], np.radians(cell[3:])
    ca, cb, cg, sg = np.cos(alpha), np.cos(beta), np.cos(gamma), np.sin(gamma)
    y = (ca - cb * cg) / sg
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * y, c * np.sqrt(1 - cb * cb - y * y)]])


def _recorded_oqmd(row: Mapping) -> Telling:
    attributes = row["attributes"]
    lattice = np.array(attributes["lattice_vectors"])
    positions = np.array(attributes["cartesian_site_positions"]) @ np.linalg.inv(lattice)
    numbers = [NUMBER[symbol] for symbol in attributes["species_at_sites"]]
    return Telling(
        "oqmd",
        str(row["id"]),
        Crystal(lattice, positions, np.array(numbers)),
        {"band_gap": attributes["_oqmd_band_gap"]},
        "PBE",
        facts={"entry_id": attributes["_oqmd_entry_id"]},
        verbatim=orjson.dumps(attributes).decode(),
    )


def _values(row: Mapping, columns: Mapping[str, str]) -> dict[str, float]:
    return {name: row[column] for name, column in columns.items() if row[column] is not None}


def _level(crystal: Crystal) -> str:
    elements = set(crystal.counts)
    return "PBE+U" if elements & {"O", "F"} and elements & WITH_U else "PBE"
