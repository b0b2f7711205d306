"""The tables of OQMD's SQL dump, joined on disk: one row per formation energy, its sites beside it.

What belongs here: qmpy's schema, and what of it a record is made of. The dump's format is mysqldump.py's; what becomes
of a row is dump.py's.

Tables do not come in the order of their joins (atoms first, by the alphabet), and there are 111 million atoms, of every
step of every relaxation. So the wanted columns go into a DuckDB file as they come, are joined there within MEMORY (it
spills to disk), and only what belongs to a formation energy of the fit `standard` is kept, in a file of its own; the
first one is deleted. Disk: at most about 36 bytes per atom of the dump while it is read, of which 4 stay (measured on
made dumps, benchmarks/oqmd_dump.py): 4 GB, then 0.5 GB, for all of OQMD.

Schema: qmpy's models and a dump of them. A prototype's name is its key, so its table is not needed. The standard fit's
calculations are all called `static` in recorded answers; the label is kept, and none is left out by it, as the service
leaves none out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lake.sources.oqmd.mysqldump import BadDump, Rows, Value, rows

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MEMORY = "512MB"
FIT = b"standard"
VECTORS = ("x1", "x2", "x3", "y1", "y2", "y3", "z1", "z2", "z3")
# table -> column -> type in the staging file
WANTED: dict[str, dict[str, str]] = {
    "formation_energies": {
        "id": "BIGINT", "entry_id": "BIGINT", "calculation_id": "BIGINT", "fit_id": "VARCHAR",
        "delta_e": "DOUBLE", "stability": "DOUBLE",
    },
    "calculations": {
        "id": "BIGINT", "label": "VARCHAR", "output_id": "BIGINT", "band_gap": "DOUBLE", "settings": "VARCHAR",
    },
    "structures": {
        "id": "BIGINT", **dict.fromkeys(VECTORS, "DOUBLE"), "volume": "DOUBLE", "spacegroup_id": "INTEGER",
    },
    "atoms": {
        "id": "BIGINT", "structure_id": "BIGINT", "element_id": "VARCHAR",
        "x": "DOUBLE", "y": "DOUBLE", "z": "DOUBLE", "occupancy": "DOUBLE",
    },
    "entries": {"id": "BIGINT", "path": "VARCHAR", "prototype_id": "VARCHAR", "duplicate_of_id": "BIGINT"},
    "spacegroups": {"number": "INTEGER", "hm": "VARCHAR"},
    "hubbards": {"id": "BIGINT", "element_id": "VARCHAR", "u": "DOUBLE"},
    "calculations_hubbard_set": {"calculation_id": "BIGINT", "hubbard_id": "BIGINT"},
}  # fmt: skip
NEEDED = ("formation_energies", "calculations", "structures", "atoms", "entries")
USED_U = b"'ldau': True"  # in a calculation's settings, which are a Python dictionary as text

# One join at a time, of what is wanted only: the tables that a join holds in memory stay small.
STEPS = f"""
CREATE TABLE calculation AS FROM calculations SEMI JOIN formation_energies ON calculation_id = calculations.id;
DROP TABLE calculations;
CREATE TABLE structure AS FROM structures SEMI JOIN calculation ON output_id = structures.id;
DROP TABLE structures;
CREATE TABLE atom AS FROM atoms SEMI JOIN structure ON structure.id = structure_id;
DROP TABLE atoms;
CREATE TABLE entry AS FROM entries SEMI JOIN formation_energies ON entry_id = entries.id;
DROP TABLE entries;

CREATE TABLE calculated AS
SELECT f.*, c.id AS calculation, c.label, c.band_gap, c.output_id, c.settings = 'U' AS used_u
FROM formation_energies f LEFT JOIN calculation c ON c.id = f.calculation_id;

CREATE TABLE relaxed AS
SELECT c.*, s.id AS structure, {", ".join(f"s.{name}" for name in VECTORS)}, s.volume, s.spacegroup_id
FROM calculated c LEFT JOIN structure s ON s.id = c.output_id;

CREATE TABLE entered AS
SELECT r.*, e.prototype_id AS prototype, e.path, e.duplicate_of_id
FROM relaxed r LEFT JOIN entry e ON e.id = r.entry_id;

CREATE TABLE occupied AS SELECT DISTINCT structure_id FROM atom;

CREATE TABLE kept.told AS
SELECT t.*, g.hm AS spacegroup,
       CASE WHEN t.calculation IS NULL THEN 'its calculation' WHEN t.structure IS NULL THEN 'its structure'
            WHEN o.structure_id IS NULL THEN 'the atoms of its structure' END AS absent
FROM entered t
LEFT JOIN occupied o ON o.structure_id = t.structure
LEFT JOIN spacegroups g ON g.number = t.spacegroup_id
ORDER BY t.id;

CREATE TABLE kept.sites AS
SELECT t.id, a.id AS atom, a.element_id AS element, a.x, a.y, a.z, a.occupancy
FROM atom a JOIN calculated t ON t.output_id = a.structure_id
ORDER BY t.id, a.id;

CREATE TABLE kept.hubbards AS
SELECT f.id, h.element_id AS element, h.u
FROM calculations_hubbard_set l JOIN hubbards h ON h.id = l.hubbard_id
     JOIN formation_energies f ON f.calculation_id = l.calculation_id
WHERE h.u > 0 ORDER BY ALL;

CREATE TABLE kept.known AS SELECT count(*) > 0 AS knows_hubbards FROM calculations_hubbard_set;
"""


def staged(dump: Path, sha256: str, folder: Path) -> Path:
    """The joined tables of a dump as a DuckDB file, made where it is not there yet; of other dumps none is left.

    sha256: of the dump, which names the file. Raises BadDump, and OSError where memory or disk do not suffice; what was
    half made is gone then, or, where a kill left it, with the next call.
    """
    import duckdb

    there = folder / f"oqmd-{sha256[:16]}.duckdb"
    for old in folder.glob("oqmd.*" if there.exists() else "oqmd[-.]*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    if there.exists():
        return there
    folder.mkdir(parents=True, exist_ok=True)
    raw, kept = folder / "oqmd.raw", folder / "oqmd.kept"
    try:
        with _database(raw, folder) as database:
            _load(database, dump)
            database.execute(f"ATTACH '{_quoted(kept)}' AS kept")
            for step in STEPS.split(";"):
                database.execute(step)
            (twice,) = database.execute("SELECT count(*) - count(DISTINCT id) FROM kept.told").fetchone()
            if twice:
                raise BadDump(f"{dump} must tell each id of its tables once, {twice} rows are told again")
            database.execute("DETACH kept")
        kept.rename(there)
    except duckdb.Error as fault:
        raise OSError(f"{dump} must be joined within {MEMORY} of memory and the disk at {folder}, {fault}") from fault
    finally:
        for left in folder.glob("oqmd.*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    return there


@contextmanager
def opened(file: Path) -> Iterator[DuckDBPyConnection]:
    """A staged file, for reading."""
    import duckdb

    with duckdb.connect(str(file), read_only=True, config={"memory_limit": MEMORY, "threads": 1}) as database:
        yield database


@contextmanager
def _database(file: Path, folder: Path) -> Iterator[DuckDBPyConnection]:
    import duckdb

    how = {"memory_limit": MEMORY, "temp_directory": str(folder / "oqmd.spill"), "preserve_insertion_order": "false"}
    with duckdb.connect(str(file), config=how) as database:
        yield database


def _load(database: DuckDBPyConnection, dump: Path) -> None:
    for table, columns in WANTED.items():
        database.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    seen = set()
    for batch in rows(dump, {table: tuple(columns) for table, columns in WANTED.items()}):
        seen.add(batch.table)
        _insert(database, batch)
    absent = [table for table in NEEDED if table not in seen]
    if absent:
        raise BadDump(f"{dump} must hold rows of {', '.join(NEEDED)}; it has none of {', '.join(absent)}")


def _insert(database: DuckDBPyConnection, batch: Rows) -> None:
    import duckdb
    import pyarrow as pa

    columns = WANTED[batch.table]
    names = list(columns)
    values = dict(zip(names, zip(*batch.values, strict=True), strict=True))
    if batch.table == "calculations":
        values["settings"] = [None if told is None else b"U" if USED_U in told else b"" for told in values["settings"]]
    came = pa.table({name: _text(column) for name, column in values.items()})
    picked = ", ".join(f"CAST({name} AS {kind})" for name, kind in columns.items())
    only = f" WHERE fit_id = '{FIT.decode()}'" if batch.table == "formation_energies" else ""
    try:
        database.register("came", came)
        database.execute(f"INSERT INTO {batch.table} SELECT {picked} FROM came{only}")
    except duckdb.Error as fault:
        raise BadDump(f"a row of {batch.table} must hold numbers where qmpy's tables do: {fault}") from fault


def _text(column: tuple[Value, ...]) -> pa.Array:
    """A column as text; bytes that are none, in some old path or label, become question marks."""
    import pyarrow as pa

    try:
        return pa.array(column, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if told is None else told.decode("utf-8", "replace") for told in column], pa.string())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
