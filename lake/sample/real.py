"""The real files as tellings: what the databases themselves served, each file by its own database.

What belongs here: reading `mp2018_multi_property.parquet`, `aflow_ael_agl.parquet`, `cross_source_samples.parquet` and
the recorded answers in `wire/`. The files are no part of the project: `$CRYSTAL_LAKE_REAL_DATA`, or `../shared/data`.

Values are told as the files have them, unphysical ones too (a bulk modulus of -665 GPa): flagging them is the lake's
work. Nothing is derived: what a file does not tell, the mirror does not. What Materials Project's interface has no
field for, has one for already, or would tell as something else, becomes own labels: `real_labels`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
import orjson
import polars as pl

from lake.crystal import NUMBER, Crystal
from lake.properties.catalog.theory import GGA_AND_U
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
# catalog name -> column of the file; magnetization is per cell there, so it is not in this list; nor is the volume,
# which the mirror takes of the crystal: the file's column is the same to 1e-8
MP_COLUMNS = {
    "band_gap": "band_gap",
    "fermi_energy": "efermi",
    "bulk_modulus": "K_VRH",
    "shear_modulus": "G_VRH",
    "universal_anisotropy": "elastic_anisotropy",
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


@dataclass(frozen=True)
class Labelled:
    """A column of the Materials Project file that is told as labels.

    level: level of theory; None is PBE or PBE+U by Materials Project's own rule. reference: what parts the value from
    others of the same property of the same entry.
    """

    column: str
    property: str
    unit: str
    reference: str
    method: str
    level: str | None = None
    correction: str = "none"
    temperature: float | None = None


RICCI = "Ricci et al., Sci. Data 4, 170085 (2017), doi:10.1038/sdata.2017.85"
PETRETTO = "Petretto et al., Sci. Data 5, 180065 (2018), doi:10.1038/sdata.2018.65"
KIM = "Kim et al., Sci. Data 4, 170162 (2017), doi:10.1038/sdata.2017.162"
VINTAGE = "Materials Project of 2018, as kdmsit's table has it"
OF_2018 = "Materials Project of 2018"
# Today's corrections and the hull with r2SCAN came later, so these energies are none of those that its interface tells
# now. What was applied in 2018 is pymatgen's scheme of that time [U: the file does not say].
BEFORE_MP2020 = "MaterialsProjectCompatibility, before MP2020"
BOLTZTRAP, DFPT = "BoltzTraP, 300 K, 1e18 carriers per cm^3", "density functional perturbation theory, phonons"


def _of_carrier(letter: str) -> tuple[Labelled, ...]:
    # The file names no units. Two identities that hold for it do: the power factor is the square of the Seebeck
    # coefficient times the conductivity, and that times the effective mass is Drude's n e^2 at 1e18 per cm^3.
    told = (
        ("sigma", "electrical_conductivity_per_relaxation_time", "1/ohm/m/fs"),
        ("S", "seebeck_coefficient", "uV/K"),
        ("kappa", "electronic_thermal_conductivity_per_relaxation_time", "GW/m/K/s"),
        ("PF", "power_factor_per_relaxation_time", "GW/m/K^2/s"),
        ("m", "conductivity_effective_mass", "m_e"),
    )
    return tuple(
        Labelled(f"bt_{word}_{letter}", f"{name}_{letter}", unit, RICCI, BOLTZTRAP, temperature=300.0)
        for word, name, unit in told
    )


LABELLED = (
    Labelled("formation_energy_per_atom", "formation_energy_per_atom", "eV/atom", OF_2018, "DFT total energies",
             GGA_AND_U, BEFORE_MP2020),
    Labelled("e_above_hull", "energy_above_hull", "eV/atom", OF_2018, "convex hull of Materials Project",
             GGA_AND_U, BEFORE_MP2020),
    *_of_carrier("n"),
    *_of_carrier("p"),
    Labelled("dfpt_eps_electronic", "optical_dielectric_constant", "", PETRETTO, DFPT, "PBEsol"),
    Labelled("dfpt_eps_total", "static_dielectric_constant", "", PETRETTO, DFPT, "PBEsol"),
    Labelled("last_phdos_peak", "last_phonon_dos_peak", "1/cm", PETRETTO, DFPT, "PBEsol"),
    Labelled("e_form_expt", "formation_enthalpy_measured", "eV/atom", KIM, "calorimetry", "experiment"),
    Labelled("e_form_oqmd", "formation_energy_per_atom", "eV/atom", f"OQMD, as in {KIM}", "DFT total energies", "PBE",
             "OQMD fitted references"),
    Labelled("band_gap_kdmsit", "band_gap", "eV", VINTAGE, "Kohn-Sham gap"),
    # per formula unit: so 35 % of 8,767 magnetic rows agree with the other vintage to 1 %; per cell 16 %, per atom 0.3
    Labelled("mag_norm", "magnetization_per_atom", "muB/f.u.", VINTAGE, "collinear spin density"),
)  # fmt: skip
NO_PROPERTY = {"asr_breaking": "how far a phonon calculation misses the acoustic sum rule: of the calculation alone"}

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


def real_labels(folder: str | Path | None = None) -> pl.DataFrame:
    """What the Materials Project file tells beyond its tellings, in the columns of a CSV of labels.

    Columns: entry_id (`mp:mp-149`), property, value, unit, level_of_theory, method, correction, temperature, reference,
    licence. Not among them: `asr_breaking`, which is no property of a crystal. Raises MissingData.
    """
    columns = [told.column for told in LABELLED]
    rows = pl.read_parquet(real_folder(folder) / FILES["mp"], columns=["mp_id", "formula", *columns])
    level = pl.Series([_level_of(set(re.findall("[A-Z][a-z]?", formula))) for formula in rows["formula"]])
    return pl.concat(
        rows.with_columns(level=level).drop_nulls(told.column).select(
            entry_id="mp:" + pl.col("mp_id"),
            property=pl.lit(told.property),
            value=told.column,
            unit=pl.lit(told.unit),
            level_of_theory=pl.col("level") if told.level is None else pl.lit(told.level),
            method=pl.lit(told.method),
            correction=pl.lit(told.correction),
            temperature=pl.lit(told.temperature, dtype=pl.Float64),
            reference=pl.lit(told.reference),
            licence=pl.lit("CC BY 4.0"),
        )
        for told in LABELLED
    )  # fmt: skip


def materials_project(file: Path) -> Iterator[Telling]:
    """33,072 materials of 2018. The file does not say which had U: told by Materials Project's own rule."""
    columns = ["mp_id", "cif", "total_magnetization", *MP_COLUMNS.values()]
    for row in pl.read_parquet(file, columns=columns).iter_rows(named=True):
        crystal = crystal_of_p1(row["cif"])
        values = _values(row, MP_COLUMNS)
        if row["total_magnetization"] is not None:
            values["magnetization_per_atom"] = row["total_magnetization"] / len(crystal)
        yield Telling("mp", row["mp_id"], crystal, values, _level(crystal), derives=False)


def aflow(file: Path) -> Iterator[Telling]:
    """4,439 entries with AEL and AGL results. The file has no auids: made of the row, so they are stable."""
    for row in pl.read_parquet(file).iter_rows(named=True):
        values = _values(row, AFLOW_COLUMNS)
        yield Telling("aflow", made_auid(row), crystal_of_p1(row["cif"]), values, "PBE", derives=False)


def made_auid(row: Mapping[str, object]) -> str:
    """The auid of a row of AFLOW's file: 16 hex digits of its content, as AFLOW's have."""
    words = orjson.dumps({name: row[name] for name in sorted(row)})
    return f"aflow:{hashlib.blake2b(words, digest_size=8).hexdigest()}"


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
            yield Telling("oqmd", number, crystal_of_p1(row["cif"]), level_of_theory="PBE", derives=False)


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
        yield Telling("cod", number, None, level_of_theory="experiment", facts=facts, verbatim=text, derives=False)


def open_catalyst(files: Iterable[Path]) -> Iterator[Telling]:
    """First and last frame of OC20 relaxations. Their reference energies are not known, so neither is adsorption."""
    for file in sorted(files):
        yield Telling("ocp", file.stem, None, level_of_theory="RPBE", verbatim=file.read_text(), derives=False)


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
        derives=False,
    )


def _values(row: Mapping, columns: Mapping[str, str]) -> dict[str, float]:
    return {name: row[column] for name, column in columns.items() if row[column] is not None}


def _level(crystal: Crystal) -> str:
    return _level_of(set(crystal.counts))


def _level_of(elements: set[str]) -> str:
    return "PBE+U" if elements & {"O", "F"} and elements & WITH_U else "PBE"
