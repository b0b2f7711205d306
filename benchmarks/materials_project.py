"""What a record of each Materials Project route takes on disk, and what a crawl costs in requests and CPU time.

    python benchmarks/materials_project.py --materials 5000 --core 0

Real crystals and values of 2018 (../shared/data or $CRYSTAL_LAKE_REAL_DATA) are served by the mirror in a process of
its own and crawled by mp-api; every route's records are then written as a table of their own, as the lake writes them.
Real documents name more tasks and warnings than the mirror's, so these sizes are a lower bound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import polars as pl

from lake.crawl import crawl
from lake.sample.mirror import serving
from lake.sample.real import FILES, materials_project, real_folder
from lake.settings import Settings
from lake.sources import source_named
from lake.store import Lake
from lake.tables import RECORDS


def serve(file: Path, count: int, told: multiprocessing.Queue, done: multiprocessing.Event) -> None:
    """Serve the first materials of the file until told that it is done."""
    with serving(list(islice(materials_project(file), count))) as base:
        told.put(base)
        done.wait()


@contextmanager
def mirror(count: int) -> Iterator[str]:
    """Base URL of a mirror of so many materials, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    told, done = context.Queue(), context.Event()
    process = context.Process(target=serve, args=(real_folder() / FILES["mp"], count, told, done))
    process.start()
    try:
        yield told.get(timeout=600)
    finally:
        done.set()
        process.join(timeout=30)


def size_of(folder: Path) -> int:
    """Bytes of the Parquet files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def main() -> None:
    """Crawl, and print one line per route and one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--materials", type=int, default=5000)
    parser.add_argument("--core", type=int, default=0, help="the core that the crawler runs on")
    asked = parser.parse_args()
    with mirror(asked.materials) as base, tempfile.TemporaryDirectory() as name:
        os.sched_setaffinity(0, {asked.core})
        source = source_named("mp", Settings.for_mirror(base))
        source.alive()  # imports mp-api, before the clock runs
        lake, began = Lake(Path(name) / "lake"), time.process_time()
        report = crawl(lake, source)
        seconds = time.process_time() - began
        records = lake.read(RECORDS)
        for route in source.keeps:
            rows = records.filter(pl.col("route") == route)
            alone = Lake(Path(name) / (route or "summary").replace("/", "_"))
            alone.append(RECORDS, rows)
            if len(rows):
                stored, text = size_of(alone.root) / len(rows), rows["payload"].str.len_bytes().mean()
                print(f"{route or 'summary':24} {len(rows):6} records, {stored:5.0f} bytes each, {text:5.0f} as text")
        each = 1e6 * seconds / report.records_seen
        print(f"{report.records_seen} records of {asked.materials} materials in {report.requests} requests")
        print(f"{each:.0f} microseconds of CPU time for each record, parsing and writing among them; core {asked.core}")


if __name__ == "__main__":
    main()
