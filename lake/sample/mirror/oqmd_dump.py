"""OQMD as one file: its tables in the format of mysqldump, in the order and with the traps of the real one.

What belongs here: the columns of qmpy's tables as a dump of them has them, and rows for tellings. Traps kept: tables
stand in the order of the alphabet, so atoms come before the structures they belong to; each entry has structures and
atoms of earlier steps that no formation energy stands for; there are formation energies of other fits; settings are a
Python dictionary as text, full of escaped quotes; tables without rows have no INSERT.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lake.sample.mirror import formulas
from lake.sample.mirror.oqmd_rows import calculation_id, duplicate_of, entry_id, formation_energy_id, icsd
from lake.sample.mirror.told import Told

# Columns as in qmpy's schema; only those without a default are filled below, the others are NULL.
TABLES: Mapping[str, Sequence[str]] = {
    "atoms": ("id", "structure_id", "site_id", "element_id", "ox", "x", "y", "z", "fx", "fy", "fz", "magmom", "charge",
              "volume", "occupancy", "wyckoff_id"),
    "calculations": ("id", "configuration", "label", "entry_id", "path", "composition_id", "natoms", "input_id",
                     "settings", "output_id", "energy", "energy_pa", "magmom", "magmom_pa", "dos_id", "band_gap",
                     "irreducible_kpoints", "attempt", "nsteps", "converged", "runtime"),
    "calculations_hubbard_set": ("id", "calculation_id", "hubbard_id"),
    "entries": ("id", "path", "label", "duplicate_of_id", "delta_e", "stability", "composition_id", "reference_id",
                "prototype_id", "ntypes", "natoms"),
    "formation_energies": ("id", "composition_id", "entry_id", "calculation_id", "description", "fit_id", "stability",
                           "delta_e"),
    "hubbards": ("id", "element_id", "convention", "ox", "ligand_id", "u", "l"),
    "jobs": ("id", "qfile"),
    "sites": ("id", "structure_id", "x", "y", "z", "wyckoff_id"),
    "spacegroups": ("number", "hm", "hall", "pearson", "schoenflies", "lattice_system", "centrosymmetric"),
    "structures": ("id", "entry_id", "reference_id", "label", "prototype_id", "measured", "composition_id", "natoms",
                   "nsites", "ntypes", "x1", "x2", "x3", "y1", "y2", "y3", "z1", "z2", "z3", "sxx", "syy", "szz", "sxy",
                   "syz", "szx", "spacegroup_id", "energy", "energy_pa", "magmom", "magmom_pa", "delta_e",
                   "meta_stability", "fit_id", "volume", "volume_pa", "coords"),
}  # fmt: skip
HEAD = """-- MySQL dump 10.13  Distrib 8.0.34, for Linux (x86_64)
--
-- Host: localhost    Database: qmdb
-- ------------------------------------------------------
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
"""
FOOT = "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n-- Dump completed on 2026-02-14  1:02:03\n"
ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}
HUBBARD = (17, "Fe", 4.0)  # the one that stands for all +U here: id, element, eV
STEPS = 2  # structures of each entry: a step of its relaxation, and the static one


def dumped(tellings: Iterable[Told], rows_a_statement: int = 1000) -> Iterator[bytes]:
    """The dump of these tellings, piece by piece."""
    shelf = list(tellings)
    yield HEAD.encode()
    for table in TABLES:
        yield from table_dumped(table, _rows(table, shelf), rows_a_statement)
    yield FOOT.encode()


def table_dumped(table: str, rows: Iterable[Mapping[str, object]], rows_a_statement: int = 1000) -> Iterator[bytes]:
    """One table as mysqldump writes it: what it looks like, then its rows, many to a statement."""
    columns = ",\n".join(f"  `{name}` text" for name in TABLES[table])
    yield (
        f"\n--\n-- Table structure for table `{table}`\n--\n\nDROP TABLE IF EXISTS `{table}`;\n"
        f"CREATE TABLE `{table}` (\n{columns},\n  PRIMARY KEY (`{TABLES[table][0]}`),\n  KEY `{table}_1` (`id`)\n"
        f") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=latin1;\n\nLOCK TABLES `{table}` WRITE;\n"
        f"/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;\n"
    ).encode()
    batch: list[str] = []
    for row in rows:
        batch.append(f"({','.join(literal(row.get(name)) for name in TABLES[table])})")
        if len(batch) == rows_a_statement:
            yield _insert(table, batch)
            batch = []
    if batch:
        yield _insert(table, batch)
    yield f"/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;\nUNLOCK TABLES;\n".encode()


def literal(value: object) -> str:
    """A value as mysqldump writes it: NULL, digits, or a quoted string."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return "'" + "".join(ESCAPES.get(letter, letter) for letter in str(value)) + "'"


def _insert(table: str, batch: Sequence[str]) -> bytes:
    return f"INSERT INTO `{table}` VALUES {','.join(batch)};\n".encode()


def _rows(table: str, shelf: Sequence[Told]) -> Iterator[Mapping[str, object]]:
    if table == "hubbards":
        number, element, u = HUBBARD
        yield {"id": number, "element_id": element, "convention": "wang", "u": u, "l": 2}
    elif table == "spacegroups":
        yield from ({"number": n, "hm": f"S.G. {n}", "hall": 'P 3 2"', "pearson": ""} for n in range(1, 231))
    told_before = set()  # several formation energies may share an entry
    for row in (row for told in shelf if table in _OF for row in _OF[table](told)):
        if row["id"] not in told_before:
            told_before.add(row["id"])
            yield row


def _structure_ids(told: Told) -> range:
    first = STEPS * formation_energy_id(told)
    return range(first, first + STEPS)


def _formation_energies(told: Told) -> Iterator[Mapping[str, object]]:
    number, formula = formation_energy_id(told), formulas.joined(formulas.reduced(told.crystal.counts), ones=True)
    common = {"composition_id": formula, "entry_id": entry_id(told), "calculation_id": calculation_id(told)}
    energies = {"delta_e": told.value("formation_energy_per_atom"), "stability": told.value("energy_above_hull")}
    yield {"id": number, "fit_id": "standard", **common, **energies}
    yield {"id": 100_000_000 + number, "fit_id": "fere2", **common, "delta_e": 99.0}


def _calculations(told: Told) -> Iterator[Mapping[str, object]]:
    relaxed, static = _structure_ids(told)
    settings = repr({"encut": 520.0, "potentials": [{"xc": "PBE", "name": "O"}], "algo": "fast"})
    common = {"entry_id": entry_id(told), "settings": settings, "natoms": len(told.crystal), "converged": True}
    yield {"id": 100_000_000 + calculation_id(told), "label": "fine_relax", "output_id": relaxed, **common}
    yield {
        "id": calculation_id(told), "label": "static", "input_id": relaxed, "output_id": static,
        "band_gap": told.value("band_gap"), **common,
    }  # fmt: skip


def _entries(told: Told) -> Iterator[Mapping[str, object]]:
    number, origin = entry_id(told), icsd(told)
    path = f"/home/oqmd/libraries/icsd/{origin}" if origin else f"/home/oqmd/libraries/it's a (test)/{number}"
    yield {
        "id": number, "path": path, "duplicate_of_id": duplicate_of(told), "ntypes": len(told.elements),
        "prototype_id": told.telling.facts.get("prototype"), "natoms": len(told.crystal),
    }  # fmt: skip


def _structures(told: Told) -> Iterator[Mapping[str, object]]:
    vectors = dict(zip(("x1", "x2", "x3", "y1", "y2", "y3", "z1", "z2", "z3"),
                       told.crystal.lattice.ravel().tolist(), strict=True))  # fmt: skip
    group = told.symmetry.number if told.symmetry else None
    for number, stretch in zip(_structure_ids(told), (1.5, 1.0), strict=True):
        cell = {name: value * stretch for name, value in vectors.items()}
        yield {"id": number, **cell, "spacegroup_id": group, "volume": told.crystal.volume * stretch**3, "measured": 0}


def _atoms(told: Told) -> Iterator[Mapping[str, object]]:
    for structure in _structure_ids(told):
        for k, (symbol, site) in enumerate(zip(told.symbols, told.crystal.positions.tolist(), strict=True)):
            yield {
                "id": 1000 * structure + k, "structure_id": structure, "site_id": 7, "element_id": symbol,
                "x": site[0], "y": site[1], "z": site[2], "occupancy": 1,
            }  # fmt: skip


def _sites(told: Told) -> Iterator[Mapping[str, object]]:
    yield {"id": formation_energy_id(told), "structure_id": _structure_ids(told)[-1], "x": 0, "y": 0, "z": 0}


def _hubbard_set(told: Told) -> Iterator[Mapping[str, object]]:
    if told.telling.level_of_theory == "PBE+U":
        yield {"id": formation_energy_id(told), "calculation_id": calculation_id(told), "hubbard_id": HUBBARD[0]}


_OF = {
    "atoms": _atoms, "calculations": _calculations, "calculations_hubbard_set": _hubbard_set, "entries": _entries,
    "formation_energies": _formation_energies, "sites": _sites, "structures": _structures,
}  # fmt: skip
