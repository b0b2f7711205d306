"""Reading OQMD's SQL dump without a database server: speed, memory and disk as the dump grows.

    python benchmarks/oqmd_dump.py --megabytes 50 200 800 --memory 128MB --core 0

Dumps are made here, in mysqldump's format and in the proportions of the real one: 6 structures and 79 atoms for each
formation energy (111 million atoms for 1.41 million), statements of a megabyte, settings as text. Each is staged in a
process of its own, from a gzipped file; less memory for DuckDB shows on small dumps what its usual memory does on the
real one. Printed for each size: seconds and unpacked megabytes a second, peak resident memory, the most disk that
staging took and what stays of it, both per atom of the dump, and how many records came.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from lake.sources.oqmd import staging as oqmd_staging
from lake.sources.oqmd.staging import MEMORY

STATEMENT = 1 << 20  # bytes, mysqldump's default
STRUCTURES, ATOMS = 6, 79  # for each formation energy
BYTES = 11_450  # of the dump for each of them, as made here
SETTINGS = str({"encut": 520.0, "algo": "fast", "potentials": [{"xc": "PBE", "name": "O"}]}).replace("'", "\\'")


def dump(entries: int) -> Iterator[bytes]:
    """A dump of so many formation energies."""
    from lake.sample.mirror.oqmd_dump import FOOT, HEAD, TABLES, table_dumped

    rows = {
        "atoms": atoms, "calculations": calculations, "entries": materials, "formation_energies": energies,
        "structures": structures,
    }  # fmt: skip
    yield HEAD.encode()
    for table in TABLES:
        yield from table_dumped(table, ())
        if table in rows:
            yield from statements(table, rows[table](entries))
    yield FOOT.encode()


def statements(table: str, rows: Iterable[str]) -> Iterator[bytes]:
    """INSERTs of about a megabyte."""
    batch, size = [], 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if size > STATEMENT:
            yield f"INSERT INTO `{table}` VALUES {','.join(batch)};\n".encode()
            batch, size = [], 0
    if batch:
        yield f"INSERT INTO `{table}` VALUES {','.join(batch)};\n".encode()


def atoms(entries: int) -> Iterator[str]:
    """13 or 14 for each structure."""
    for k in range(entries * ATOMS):
        x = (k * 2654435761 % 2**32) / 2**32
        structure = k * STRUCTURES // ATOMS
        element = ("O", "Fe", "Mg")[k % 3]
        yield f"({k},{structure},{k},'{element}',NULL,{x},{x / 3},{x / 7},0,0,0,0,{x * 9:.3f},NULL,1,{k % 1700})"


def structures(entries: int) -> Iterator[str]:
    """Cells that are large enough."""
    for k in range(entries * STRUCTURES):
        a = 6 + k % 997 / 1000
        yield (
            f"({k},{k // STRUCTURES},NULL,'fine_relax',NULL,0,'Fe1 O1',13,13,3,{a},0,0,0,{a},0,0,0,{a},0.02,0.02,0.02,"
            f"0,0,0,221,NULL,-6.5,NULL,NULL,NULL,NULL,NULL,{a**3},{a**3 / 13},NULL)"
        )


def calculations(entries: int) -> Iterator[str]:
    """Three for each entry, the last one static."""
    for k in range(entries * 3):
        label = ("coarse_relax", "fine_relax", "static")[k % 3]
        yield (
            f"({k},NULL,'{label}',{k // 3},'/home/oqmd/libraries/icsd/{k // 3}/{label}','Fe1 O1',13,{2 * k},"
            f"'{SETTINGS}',{2 * k + 1},-40.25,-8.05,NULL,NULL,NULL,{k % 50 / 10},NULL,0,4,1,48.1)"
        )


def materials(entries: int) -> Iterator[str]:
    """One entry for each formation energy."""
    for k in range(entries):
        yield f"({k},'/home/oqmd/libraries/icsd/{k}','icsd-{k}',{k},-3.3,NULL,'Fe1 O1',4524,'NaCl',3,13)"


def energies(entries: int) -> Iterator[str]:
    """Those of the standard fit, and as many of another."""
    for k in range(2 * entries):
        yield f"({k},'Fe1 O1',{k // 2},{3 * (k // 2) + 2},NULL,'{('standard', 'nothing')[k % 2]}',{k / 1e7},{-k / 1e6})"


def stage(file: Path, folder: Path) -> dict[str, float]:
    """Stage a dump in this process, watched."""
    from lake.sources.oqmd.dump import OqmdDump
    from lake.sources.scope import WHOLE

    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            sizes = []
            for left in folder.rglob("*"):
                try:
                    sizes.append(left.stat().st_size)
                except OSError:  # gone since it was listed
                    continue
            most[0] = max(most[0], sum(sizes))

    threading.Thread(target=watch, daemon=True).start()
    began = time.monotonic()
    way = OqmdDump(file, folder, 900)
    units = list(way.plan(WHOLE))
    seconds = time.monotonic() - began
    began = time.monotonic()
    came = sum(len(way.fetch(unit, {}).records) for unit in units)
    fetching = time.monotonic() - began
    over.set()
    return {
        "seconds": seconds, "fetching": fetching, "records": came, "most": most[0],
        "stays": sum(left.stat().st_size for left in folder.iterdir()),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Make, stage and print, size by size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[50, 200, 800])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--memory", default=MEMORY, help="what DuckDB may use while tables are joined")
    parser.add_argument("--stage", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    if asked.stage:
        oqmd_staging.MEMORY = asked.memory
        print(json.dumps(stage(*asked.stage)))
        return
    for megabytes in asked.megabytes:
        entries = megabytes * 10**6 // BYTES
        with tempfile.TemporaryDirectory() as name:
            file, size = Path(name) / "oqmd.sql.gz", 0
            with gzip.open(file, "wb", compresslevel=1) as packed:
                for piece in dump(entries):
                    size += packed.write(piece)
            how = ["--core", str(asked.core), "--memory", asked.memory, "--stage", str(file), f"{name}/staging"]
            command = [sys.executable, __file__, *how]
            alone = os.environ | {"OMP_NUM_THREADS": "1"}
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=alone).stdout)
        print(
            f"{size / 1e6:5.0f} MB, {entries * ATOMS:,} atoms, {found['records']:,} records: {found['seconds']:.1f} s, "
            f"{size / 1e6 / found['seconds']:.1f} MB/s; peak memory {found['peak']:.0f} MiB; disk at most "
            f"{found['most'] / entries / ATOMS:.1f} bytes an atom, {found['stays'] / entries / ATOMS:.1f} stay; "
            f"records {found['fetching'] / found['records'] * 1e6:.0f} us each",
            flush=True,
        )


if __name__ == "__main__":
    main()
