"""The property tables at scale: one property anew, the whole matrix anew, and questions, each beside its plain peer.

    OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 python -m benchmarks.properties.million --root /tmp/million

On one core. Four things are timed, ours and peers in turn, in one process, over several runs:

a. one property's observations replaced (`Lake.replace` of its partition), against a Delta MERGE of the same values into
   the wide table of one policy, which has to write the whole table again; for a property that nearly all have, one of
   middle rank and the rarest. The table that is merged into is as Delta Lake makes it by default; then once more with
   the matrix's own writer settings;
b. the matrix rewritten from observations (`write_matrix`: which observation fills each cell, the wide table and its
   provenance), by the default policy, against polars' own: for each property the first observation of each material,
   joined and written as the same wide table; and against the same with as long a table of provenance written beside.
   Then both shipped policies, against two such tables;
c. an aggregate of 20 columns and a filter of two, through the views of `lake.duckdb`, against the same query on one
   plain Parquet file of the same rows;
d. opening the lake: connecting to `lake.duckdb` and the first row of the matrix.

The lake is made (made.py) below `--root` and taken from there the next time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from deltalake import DeltaTable, write_deltalake

from benchmarks.properties.made import _entries, chosen, make, observations, shares
from lake.compositions import write_compositions
from lake.matrix import write_matrix
from lake.parquet import of_delta
from lake.policies import DEFAULT, default, shipped
from lake.sql import NAME, publish
from lake.store import Lake
from lake.tables import MATERIALS, MATRIX_PROVENANCE, OBSERVATIONS, PROPERTY_MATRIX

ONE = {DEFAULT: default()}


def main() -> None:
    """Make the lake where it is missing, time everything, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of the made lake, kept")
    parser.add_argument("--materials", type=int, default=1_000_000)
    parser.add_argument("--properties", type=int, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--only", default="abcd", help="of the four, which")
    asked = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
        if os.environ.get(name) != "1":
            raise SystemExit(f"one core is measured: set {name}=1 before the command")
    os.sched_setaffinity(0, {asked.core})
    began = time.perf_counter()
    lake = make(asked.root / "lake", asked.materials, asked.properties)
    rows = lake.scan(OBSERVATIONS).select(pl.len()).collect().item()
    print(f"{asked.materials:,} materials x {asked.properties} properties, {rows:,} observations; {machine()}")
    print(f"made or found in {time.perf_counter() - began:.0f} s; medians (lowest to highest) of {asked.runs} runs")
    print(f"load average before: {_load()}\n")
    print("| | ours | peer | ratio |\n|---|---|---|---|")
    write_matrix(lake, ONE)
    measured = {"a": replace_against_merge, "b": matrix_against_join, "c": queries, "d": opening}
    for name in asked.only:
        measured[name](lake, asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nload average after: {_load()}; peak memory {peak:.1f} GiB")


def replace_against_merge(lake: Lake, asked: argparse.Namespace) -> None:
    """One property's partition replaced, and the same values merged into the wide table."""
    rng = np.random.default_rng(1)
    entries, properties = _entries(asked.materials, rng), chosen(asked.properties)
    wide = asked.root / "wide"
    matrix = lake.read(PROPERTY_MATRIX)
    told = dict(zip(properties, shares(asked.properties), strict=True))
    for prop in (properties[0], properties[(5 + len(properties)) // 2], properties[-1]):
        rows = observations(prop, entries, told[prop], rng)
        values = rows.join(_members(lake), on="entry_id").unique("material_id", keep="first", maintain_order=True)
        source = values.select("material_id", value="value").to_arrow()
        ours: list[float] = []
        for words, how in (
            ("", {}),
            (", in our writer's settings", {"writer_properties": of_delta(PROPERTY_MATRIX, matrix.schema)}),
        ):
            shutil.rmtree(wide, ignore_errors=True)
            write_deltalake(str(wide), matrix, **how)
            peer = []
            for _ in range(asked.runs):
                if not words:
                    ours.append(seconds(lambda: lake.replace(OBSERVATIONS, rows, partition=prop.name)))  # noqa: B023
                peer.append(seconds(lambda: _merge(wide, source, prop.name, how)))  # noqa: B023
                DeltaTable(wide).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
            line(f"replace `{prop.name}`, {len(rows):,} observations; Delta MERGE of the column{words}", ours, peer)
    shutil.rmtree(wide)
    lake.vacuum(OBSERVATIONS)


def _merge(wide: Path, source: object, column: str, how: Mapping[str, object]) -> None:
    merger = DeltaTable(wide).merge(source, "t.material_id = s.material_id", source_alias="s", target_alias="t", **how)
    merger.when_matched_update({column: "s.value"}).execute()


def matrix_against_join(lake: Lake, asked: argparse.Namespace) -> None:
    """`write_matrix`, and polars' own join and write of the same observations."""
    folder, provenance = asked.root / "joined", asked.root / "provenance"
    ours, wide, both, told = [], [], [], lake.scan(MATRIX_PROVENANCE).select(pl.len()).collect().item()
    for _ in range(asked.runs):
        ours.append(seconds(lambda: write_matrix(lake, ONE)))
        wide.append(seconds(lambda: _joined(lake, asked, folder)))
        both.append(wide[-1] + seconds(lambda: _told(lake, provenance)))
    line("`write_matrix`, one policy; polars' join and write of the wide table alone", ours, wide)
    line(f"the same; polars' join and write, and its provenance of {told:,} rows", ours, both)
    same = [lake.read(PROPERTY_MATRIX).drop("policy").null_count(), _read(folder).drop("policy").null_count()]
    if not same[0].equals(same[1].select(same[0].columns)):
        raise SystemExit("the two matrices have different numbers of cells")
    ours, wide = [], []
    for _ in range(asked.runs):
        ours.append(seconds(lambda: write_matrix(lake, shipped())))
        wide.append(sum(seconds(lambda: _joined(lake, asked, folder)) for _ in shipped()))
    line("`write_matrix`, the two shipped policies; two wide tables alone", ours, wide)
    write_matrix(lake, ONE)
    for made in (folder, provenance):
        shutil.rmtree(made)
    for table in (PROPERTY_MATRIX, MATRIX_PROVENANCE):
        lake.vacuum(table, keep_hours=0)
    composed = [seconds(lambda: write_compositions(lake)) for _ in range(asked.runs)]
    formulas = lake.scan(MATERIALS).select(pl.col("reduced_formula").n_unique()).collect().item()
    line(f"`write_compositions`, {formulas:,} formulas", composed)


def _joined(lake: Lake, asked: argparse.Namespace, folder: Path) -> None:
    """The wide table as anyone would write it: of each material and property the first observation."""
    members = _members(lake)
    wide = (
        lake.scan(MATERIALS).select("material_id", "reduced_formula", "n_sources", policy=pl.lit("default"))
        .sort("material_id").collect()
    )  # fmt: skip
    observed = lake.scan(OBSERVATIONS)
    for prop in chosen(asked.properties):
        told = observed.filter(pl.col("property") == prop.name, pl.col("flag").is_null()).select("entry_id", "value")
        column = told.collect().join(members, on="entry_id").unique("material_id", keep="first")
        named = column.select("material_id", pl.col("value").alias(prop.name))
        wide = wide.join(named, on="material_id", how="left", maintain_order="left")
    folder.mkdir(exist_ok=True)
    wide.write_parquet(folder / "wide.parquet")


def _told(lake: Lake, folder: Path) -> None:
    """A table as long and wide as the provenance, read and written: what any writer of it has to pay."""
    rows = lake.read(MATRIX_PROVENANCE)
    folder.mkdir(exist_ok=True)
    rows.write_parquet(folder / "provenance.parquet")


def queries(lake: Lake, asked: argparse.Namespace) -> None:
    """Two questions through the views, and on one plain Parquet file."""
    file = asked.root / "plain.parquet"
    matrix = lake.read(PROPERTY_MATRIX)
    matrix.drop("policy").write_parquet(file)
    names = [prop.name for prop in chosen(asked.properties)]
    several = names[: 20 if len(names) > 20 else len(names)]
    middles = {name: matrix[name].median() for name in (names[0], names[DENSE_AND_ONE])}
    del matrix
    asks = {
        f"aggregate of {len(several)} columns": "SELECT " + ", ".join(f"avg({name})" for name in several) + " FROM {}",
        "filter by two properties": "SELECT count(*), avg(n_sources), min(material_id) FROM {} WHERE "
        + " AND ".join(f"{name} > {value!r}" for name, value in middles.items()),
    }
    view, plain = duckdb.connect(str(publish(lake)), read_only=True), duckdb.connect()
    for connection in (view, plain):
        connection.execute("SET threads = 1")
    for words, sql in asks.items():
        through, beside = sql.format("property_matrix"), sql.format(f"read_parquet('{file}')")
        answers = [view.sql(through).fetchall(), plain.sql(beside).fetchall()]
        if not np.allclose(*[np.array(answer[0][:2], dtype=float) for answer in answers]):
            raise SystemExit(f"the two answers differ: {answers}")
        ours, peer = [], []
        for _ in range(max(asked.runs, 11)):
            ours.append(seconds(lambda sql=through: view.sql(sql).fetchall()))
            peer.append(seconds(lambda sql=beside: plain.sql(sql).fetchall()))
        line(f"{words}, through the view; on one plain Parquet file", ours, peer)
    view.close()
    plain.close()
    file.unlink()


DENSE_AND_ONE = 5  # the first property that not all have


def opening(lake: Lake, asked: argparse.Namespace) -> None:
    """From nothing to the first row."""
    path = publish(lake)

    def first() -> None:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.sql("SELECT 1 FROM property_matrix LIMIT 1").fetchall()

    line(f"open `{NAME}` and read one row of the matrix", [seconds(first) for _ in range(max(asked.runs, 11))])


def _members(lake: Lake) -> pl.DataFrame:
    return lake.scan(MATERIALS).select("material_id", entry_id="members").explode("entry_id").collect()


def _read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder)


def _load() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def line(words: str, ours: list[float], peer: list[float] | None = None) -> None:
    """One row of the table: medians with their range, and the ratio of the medians, the larger over the smaller."""
    ratio = statistics.median(peer) / statistics.median(ours) if peer else None
    told = "" if ratio is None else f"{ratio:.1f} x faster" if ratio > 1 else f"{1 / ratio:.2f} x the peer's"
    print(f"| {words} | {_told_time(ours)} | {_told_time(peer) if peer else ''} | {told} |", flush=True)


def _told_time(times: list[float]) -> str:
    if statistics.median(times) < 0.5:
        low, middle, high = (1000 * time for time in (min(times), statistics.median(times), max(times)))
        return f"{middle:.1f} ms ({low:.1f} to {high:.1f})"
    return f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"


def machine() -> str:
    """Cores and model, as the kernel tells them."""
    told = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [row.partition(":")[2].strip() for row in told if row.startswith("model name")]
    return f"one of {os.cpu_count()} cores, {models[0] if models else platform.processor()}"


if __name__ == "__main__":
    main()
