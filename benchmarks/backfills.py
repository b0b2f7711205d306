"""Backfills: two processes write properties of one lake at once, and nothing is lost and nothing half visible.

    python benchmarks/backfills.py --rounds 100

Each round begins with a lake that has records and entries and no observations, so that both processes also race for
the first version of the tables. Three times they begin at once: with different properties; with the same one; with two
that are there already, each the other's. A third process reads the table in a loop all the while. Then the lake is held
against one that a single process wrote: every partition of `observations` (but for the run that wrote it) and of
`rejects`, now and in every earlier version; the files of partitions that a step was not about; and what the reader saw,
where every property must be there whole, from one run, or not at all. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier

import numpy as np
import polars as pl

from lake.contract import Table
from lake.crystal import Crystal
from lake.entries import write_entries
from lake.extract import write_observations
from lake.sources.page import Entry
from lake.store import Lake
from lake.tables import OBSERVATIONS, RECORDS, REJECTS

GAP, BULK, MOMENT = "band_gap", "bulk_modulus", "magnetization_per_atom"
STEPS = ((GAP, BULK), (MOMENT, MOMENT), (BULK, GAP))  # what the one process writes, and what the other does meanwhile
ENTRIES_OF_EACH = 300
LONGEST = 120.0  # s after which a process counts as hanging


class Made:
    """A database whose records are a crystal each and some numbers, a few of which cannot be used."""

    def __init__(self, name: str, paths: Mapping[str, str]) -> None:
        self.name, self.paths = name, paths

    def payload(self, number: int) -> str:
        """A record: every eleventh is odd in some way."""
        odd = {0: "four", 1: -665.0, 2: 1e12, 3: None}
        value = odd[number // 11 % 4] if number % 11 == 0 else 1 + number % 7
        told: dict[str, object] = {"edge": 4 + number / 1000}
        for path in self.paths.values():
            *above, last = path.split(".")
            inside = told
            for step in above:
                inside = inside.setdefault(step, {})
            inside[last] = value
        return json.dumps(told)

    def read(self, payload: str) -> Entry:
        """Caesium chloride."""
        edge = json.loads(payload)["edge"]
        return Entry(Crystal(edge * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17]), "PBE", licence="CC0")


MADE = (
    Made("mp", {GAP: "band_gap", BULK: "bulk_modulus.vrh", MOMENT: "total_magnetization"}),
    Made("aflow", {GAP: "Egap", BULK: "ael_bulk_modulus_vrh", MOMENT: "spin_atom"}),
)


def fresh(root: Path) -> Lake:
    """A lake with records and entries of two databases, and no observations."""
    lake, now = Lake(root), datetime(2026, 1, 1, tzinfo=UTC)
    for made in MADE:
        payloads = {f"{made.name}-{number}": made.payload(number) for number in range(ENTRIES_OF_EACH)}
        told = {
            "source": made.name, "route": "", "crawl": "c", "page": "p", "stamp": "", "gone": False,
            "media_type": "application/json", "fetched_at": now,
        }  # fmt: skip
        rows = [
            told | {"source_id": name, "payload": text, "payload_sha256": sha256(text.encode()).hexdigest()}
            for name, text in payloads.items()
        ]
        lake.append(RECORDS, RECORDS.frame(rows))
        write_entries(lake, made)
    return lake


@dataclass(frozen=True)
class Expected:
    """What a single process writes: rows by partition, sorted, without the run."""

    observations: Mapping[str, pl.DataFrame]
    rejects: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, lake: Lake) -> Expected:
        """Written into that lake, one property after another."""
        for name in (GAP, BULK, MOMENT):
            write_observations(lake, name, run="alone")
        return cls(parts(lake, OBSERVATIONS), {k: v for k, v in parts(lake, REJECTS).items() if v.height})

    def whole(self, table: Table) -> Mapping[str, pl.DataFrame]:
        """All of that table."""
        return self.observations if table is OBSERVATIONS else self.rejects

    def faults(self, lake: Lake, table: Table, at: int | None = None) -> list[str]:
        """Partitions of a version that are not what a single process wrote, or not from one run."""
        found = _faults(lake.read(table, at), table, self.whole(table))
        return [f"{table.name} at {'any time' if at is None else at}: {name} {fault}" for name, fault in found]


def parts(lake: Lake, table: Table, at: int | None = None) -> dict[str, pl.DataFrame]:
    """Partition -> its rows, sorted and without the run."""
    frame = lake.read(table, at)
    named = frame.partition_by(table.partition_by, as_dict=True)
    return {name: _plain(part, table) for (name,), part in named.items() if not str(name).startswith("entries.")}


def _plain(part: pl.DataFrame, table: Table) -> pl.DataFrame:
    return part.select(pl.exclude("run")).sort(table.key)


def _faults(frame: pl.DataFrame, table: Table, whole: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, str]]:
    for (name,), part in frame.partition_by(table.partition_by, as_dict=True).items():
        if str(name).startswith("entries."):
            continue
        if table is OBSERVATIONS and part["run"].n_unique() != 1:
            yield str(name), f"is from {part['run'].n_unique()} runs"
        if not _plain(part, table).equals(whole[name]):
            yield str(name), f"has {len(part)} rows, or other ones than the {len(whole[name])} of a single process"


def writing(ends: Connection, both: Barrier) -> None:
    """A process that writes what it is told, as soon as both are ready; answers with what went wrong."""
    while (task := ends.recv()) is not None:
        root, name, run = task
        both.wait(LONGEST)
        try:
            write_observations(Lake(root), name, run=run)
            ends.send("")
        except Exception as fault:
            ends.send(f"{name} could not be written: {type(fault).__name__}: {fault}")


def reading(ends: Connection, expected: Expected) -> None:
    """A process that reads a lake until it is told to stop; answers with how often, and what was not whole."""
    while (root := ends.recv()) is not None:
        lake, reads, faults = Lake(root), 0, []
        while not ends.poll():
            try:
                faults += expected.faults(lake, OBSERVATIONS)
            except Exception as fault:
                faults.append(f"could not be read: {type(fault).__name__}: {fault}")
            reads += 1
        ends.recv()
        ends.send((reads, faults))


@dataclass
class World:
    """Two writers, a reader, and the lake they start from."""

    folder: Path
    expected: Expected
    writers: list[Connection]
    reader: Connection
    seen: Counter[str] = field(default_factory=Counter)

    def round(self, number: int) -> list[str]:
        """One lake, written by both at once; what is wrong with it."""
        root = self.folder / f"round-{number}"
        lake, faults = Lake(shutil.copytree(self.folder / "fresh", root)), []
        self.reader.send(root)
        for step, names in enumerate(STEPS):
            before = {file for file in lake.files(OBSERVATIONS) if not _about(file, names)}
            for which, (writer, name) in enumerate(zip(self.writers, names, strict=True)):
                writer.send((root, name, f"{number}.{step}.{which}"))
            faults += filter(None, (_answer(writer) for writer in self.writers))
            if before != {file for file in lake.files(OBSERVATIONS) if not _about(file, names)}:
                faults.append(f"step {step} wrote files of properties that it was not about")
        self.reader.send("stop")
        reads, unseen = _answer(self.reader)
        faults += unseen
        for table in (OBSERVATIONS, REJECTS):
            versions = range((lake.version(table) or 0) + 1)
            for version in versions:
                faults += self.expected.faults(lake, table, version)
            if (there := set(parts(lake, table))) != set(self.expected.whole(table)):
                faults.append(f"{table.name} lacks partitions, found {sorted(there)}")
            self.seen["versions read back"] += len(versions)
        self.seen["reads meanwhile"] += reads
        self.seen["writes"] += sum(map(len, STEPS))
        shutil.rmtree(root)
        return faults


def _about(file: str, names: tuple[str, ...]) -> bool:
    return any(f"property={name}/" in file for name in names)


def _answer(end: Connection):
    if not end.poll(LONGEST):
        raise TimeoutError(f"a process must answer within {LONGEST:.0f} s, found that one did not")
    return end.recv()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The processes, started anew as every run of Crystal Lake is, and ended."""
    shutil.copytree(fresh(folder / "fresh").root, folder / "alone")
    expected = Expected.of(Lake(folder / "alone"))
    context = multiprocessing.get_context("spawn")
    both, pipes, processes = context.Barrier(2), [], []
    for target, further in ((writing, both), (writing, both), (reading, expected)):
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=target, args=(theirs, further), daemon=True))
        processes[-1].start()
        pipes.append(ours)
    try:
        yield World(folder, expected, pipes[:2], pipes[2])
    finally:
        for end in pipes:
            end.send(None)
        for process in processes:
            process.join(LONGEST)


def main() -> None:
    """Run the rounds, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    asked = parser.parse_args()
    wrong, began = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as here:
        for number in range(asked.rounds):
            faults = here.round(number)
            wrong += faults
            print(*(f"round {number}: {fault}" for fault in faults), sep="\n", end="\n" if faults else "", flush=True)
        seen = ", ".join(f"{count:,} {what}" for what, count in here.seen.items())
    print(f"{asked.rounds} rounds in {time.perf_counter() - began:.0f} s: {seen}; {len(wrong)} faults")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
