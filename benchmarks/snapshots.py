"""Snapshots under kill -9: writers, publishers and vacuums die at random moments, and every reader sees a whole lake.

    python benchmarks/snapshots.py --kills 100 --seed 0

A process writes generations of one small lake: entries, materials, observations, provenance, matrix, a commit each, and
all numbers of a generation are its number; then it publishes, and deletes what no reader can have open. It is killed by
SIGKILL at a random moment of writing, publishing or vacuuming, a third each; the next one publishes what it left, as it
is, and goes on from there. Meanwhile readers open `lake.duckdb` with plain DuckDB, again and again, and ask what every
snapshot must hold: each cell of the matrix is the value that its provenance tells, each row of provenance is an
observation that is shown, every member of a material is an entry that is shown, all of the generation that the
materials were made from; and a while later, in the same connection, all counts once more. Exit status 1
where a reader saw anything else, or where the last writer, whom nobody killed, left the lake otherwise than whole.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import polars as pl

from lake.shards import shard_of
from lake.snapshots import at, names
from lake.sql import NAME, publish
from lake.store import Lake
from lake.tables import ENTRIES, MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX
from lake.vacuum import vacuum

PHASES = ("write", "publish", "vacuum")
PROPERTIES = ("band_gap", "bulk_modulus", "density")
MATERIALS_TOLD = 50
OPEN_FOR = timedelta(seconds=20)  # what a vacuum here leaves to readers, who look for a second at most
LOOKS = 0.5  # s between the first and the second look of one connection, at most
FORMULA = "NaCl"

# everything that must be 0, then what must not change while a connection is open
WHOLE = """
    SELECT
      (SELECT count(*) FROM matrix_provenance p LEFT JOIN observations o USING (entry_id, property, reading)
       WHERE o.value IS DISTINCT FROM p.value),
      (SELECT count(*) FROM (UNPIVOT (SELECT material_id, {columns} FROM property_matrix) ON {columns}
                             INTO NAME "column" VALUE told) m
       FULL JOIN matrix_provenance p USING (material_id, "column") WHERE p.value IS DISTINCT FROM m.told),
      (SELECT count(*) FROM (SELECT unnest(members) AS entry_id, n_atoms FROM materials) m
       FULL JOIN entries e USING (entry_id) WHERE e.n_atoms IS DISTINCT FROM m.n_atoms),
      (SELECT count(*) FROM property_matrix x FULL JOIN materials m USING (material_id)
       WHERE x.n_sources IS DISTINCT FROM m.n_sources),
      (SELECT count(*) FROM published ANTI JOIN snapshots USING (snapshot)),
      (SELECT count(*) FROM observations), (SELECT sum(value) FROM observations), (SELECT count(*) FROM entries),
      (SELECT count(*) FROM snapshots)
""".format(columns=", ".join(PROPERTIES))
MUST_BE_NONE = ("value without its observation", "cell without its provenance", "member without its entry",
                "material without its row", "snapshot that is not listed")  # fmt: skip


@dataclass
class Seen:
    """What a reader saw. opened: connections; generations: different ones; faults: what no snapshot may hold."""

    opened: int = 0
    looks: int = 0
    generations: set[float] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def write(lake: Lake, number: int) -> None:
    """One generation of all tables, as a crawl and a build write them, each with the marks that say what it read."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [f"mp:{n}" for n in range(MATERIALS_TOLD + number % 3)]
    entries = [
        {
            "entry_id": one, "source": "mp", "source_id": one[3:], "kind": "bulk", "reduced_formula": FORMULA,
            "shard": shard_of(FORMULA), "n_atoms": number, "volume": 1.0, "lattice": [], "positions": [], "numbers": [],
            "species": None, "structure_hash": one, "year": None, "level_of_theory": "PBE", "licence": "CC0",
            "payload_sha256": one, "fetched_at": now,
        }
        for one in ids
    ]  # fmt: skip
    lake.replace(ENTRIES, ENTRIES.frame(entries), "mp")
    materials = [
        {
            "material_id": f"m-{one}", "reduced_formula": FORMULA, "shard": shard_of(FORMULA), "kind": "bulk",
            "representative": one, "members": [one], "sources": ["mp"], "n_sources": number, "space_group": None,
            "space_group_number": None, "n_atoms": number, "bucket": str(number),
        }
        for one in ids
    ]  # fmt: skip
    lake.replace(MATERIALS, MATERIALS.frame(materials), shard_of(FORMULA), lake.read_from(ENTRIES))
    for name in PROPERTIES:
        lake.replace(OBSERVATIONS, _observations(ids, name, number), name)
    marks = lake.read_from(OBSERVATIONS, MATERIALS)
    provenance = lake.read(OBSERVATIONS).join(lake.read(MATERIALS).explode("members"), left_on="entry_id",
                                              right_on="members")  # fmt: skip
    provenance = provenance.with_columns(
        policy=pl.lit("default"), column="property", chosen=pl.lit("only"), n_observations=pl.lit(1, pl.Int64),
        lowest="value", highest="value",
    )  # fmt: skip
    lake.replace(MATRIX_PROVENANCE, provenance.select(MATRIX_PROVENANCE.schema.names()), marks=marks)
    cells = provenance.pivot("column", index="material_id", values="value")
    matrix = lake.read(MATERIALS).join(cells, on="material_id", how="left").with_columns(policy=pl.lit("default"))
    lake.replace(PROPERTY_MATRIX, matrix.select(*PROPERTY_MATRIX.schema, *PROPERTIES), marks=marks)


def _observations(ids: list[str], name: str, number: int) -> pl.DataFrame:
    rows = [
        {
            "entry_id": one, "property": name, "reading": f"mp:{name}", "value": float(number), "unit": "eV",
            "flag": None, "origin": "computed", "level_of_theory": "PBE", "method": "DFT", "correction": "none",
            "temperature": None, "pressure": None, "source": "mp", "reference": None, "licence": "CC BY 4.0",
            "original_value": float(number), "original_unit": "eV", "payload_sha256": one, "run": "",
        }
        for one in ids
    ]  # fmt: skip
    return OBSERVATIONS.frame(rows)


def generations(root: Path, first: int, last: int | None, told: Connection) -> None:
    """In a process of its own: generation after generation, and say what it is about; until killed or after `last`."""
    lake, number = Lake(root), first
    if (root / NAME).exists():
        publish(lake)  # what a killed one left, before anybody mends it
        time.sleep(LOOKS)
    while last is None or number <= last:
        for phase in PHASES:
            told.send((phase, number))
            if phase == "write":
                write(lake, number)
            elif phase == "publish":
                publish(lake)
            else:
                vacuum(lake, OPEN_FOR)
        number += 1
    told.send(("ended", number))


def read(root: Path, ended: Event, seed: int, told: Connection) -> None:
    """In a process of its own: open what is published and look twice, until it is said to have ended."""
    seen, chance = Seen(), random.Random(seed)
    while not ended.is_set():
        try:
            with duckdb.connect(root / NAME, read_only=True, config={"threads": 1}) as connection:
                seen.opened += 1
                first = connection.execute(WHOLE).fetchone()
                time.sleep(chance.random() * LOOKS)
                again = connection.execute(WHOLE).fetchone()
        except duckdb.Error as fault:
            seen.faults.append(f"a reader met {type(fault).__name__}: {str(fault)[:200]}")
            continue
        seen.looks += 2
        seen.generations.add(first[len(MUST_BE_NONE) + 1])
        seen.faults += [f"{n} times a {what}" for n, what in zip(first, MUST_BE_NONE, strict=False) if n]
        if again != first:
            seen.faults.append(f"a connection saw {first} and then {again}")
    told.send(seen)


def killed(root: Path, kills: int, seed: int = 0, readers: int = 2) -> tuple[Counter[str], list[Seen], list[str]]:
    """Kill so many writers; phase -> kills, what each reader saw, and what is wrong with the lake in the end."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["lake.vacuum"])
    ended, chance = processes.Event(), random.Random(seed)

    def started(task: object, *rest: object) -> tuple[multiprocessing.Process, Connection]:
        mine, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=task, args=(root, *rest, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, mine

    def lived(first: int, phase: str = "", share: float = 0.0) -> tuple[str, int]:
        """One writer's life: to the end of generation `first`, or to its death in a phase; what it was about."""
        process, told = started(generations, first, None if phase else first)
        doing = ("begin", first)
        while doing[0] not in (phase, "ended"):
            doing, since = told.recv(), time.monotonic()
            lasted[doing[0]] = since
        if phase:
            time.sleep(share * durations[phase])
            os.kill(process.pid, signal.SIGKILL)
            while told.poll():
                try:
                    doing = told.recv()
                except EOFError:
                    break
        process.join()
        return doing

    lasted: dict[str, float] = {}
    durations = dict.fromkeys(PHASES, 0.0)
    lived(1)
    for phase, after in zip(PHASES, (*PHASES[1:], "ended"), strict=True):
        durations[phase] = lasted[after] - lasted[phase]
    watching = [started(read, ended, seed + n) for n in range(readers)]
    number, about = 2, Counter()
    for n in range(kills):
        doing, number = lived(number, PHASES[n % len(PHASES)], chance.random())
        about[doing] += 1
        number += 1
    lived(number)
    time.sleep(2 * LOOKS)
    ended.set()
    seen = [told.recv() for _, told in watching]
    for process, _ in watching:
        process.join()
    return about, seen, _wrong(Lake(root), number)


def _wrong(lake: Lake, number: int) -> list[str]:
    """What is not as the last writer should have left it."""
    wrong = [f"left behind: {path.name}" for path in lake.root.glob(f".{NAME}.*")]
    last = at(lake, names(lake)[-1])
    for table in (ENTRIES, MATERIALS, OBSERVATIONS, PROPERTY_MATRIX, MATRIX_PROVENANCE):
        if not last.read(table).equals(lake.read(table)):
            wrong.append(f"{table.name} is not published as it is")
    if set(last.read(OBSERVATIONS)["value"]) != {float(number)}:
        wrong.append("the last generation is not published")
    return wrong


def main() -> None:
    """Kill, and print what the readers saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", type=int, default=2)
    asked = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="snapshots-") as folder:
        about, seen, wrong = killed(Path(folder) / "lake", asked.kills, asked.seed, asked.readers)
    faults = [fault for one in seen for fault in one.faults]
    print(f"{about.total()} kills, seed {asked.seed}: {', '.join(f'{n} in {what}' for what, n in about.items())}")
    snapshots = len(set().union(*(one.generations for one in seen)))
    opened, looks = sum(one.opened for one in seen), sum(one.looks for one in seen)
    print(f"{asked.readers} readers: {opened} connections, {looks} looks, {snapshots} different snapshots")
    print(f"{len(faults)} faults, {len(wrong)} things wrong in the end")
    for fault in [*faults[:20], *wrong]:
        print(fault)
    print(f"{'FAIL' if faults or wrong else 'PASS'} in {time.monotonic() - began:.0f} s")
    sys.exit(bool(faults or wrong))


if __name__ == "__main__":
    main()
