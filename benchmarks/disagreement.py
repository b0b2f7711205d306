"""How far the databases are apart on the real files, beside what is published: the table of docs/disagreement.md.

    OMP_NUM_THREADS=1 python benchmarks/disagreement.py /tmp/real_lake --data ../shared/data

The mirror serves the files as their own databases would, and the lake crawls, reads, joins and compares them by the
very steps that a night runs. The lake is kept in the folder and used again: what is there already is not crawled anew.
`--anew` reads the observations out of the records again, after a change of the catalog.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lake.crawl import crawl
from lake.disagreement import disagreement, members_of, observed, statistics, write_disagreement
from lake.entries import write_entries
from lake.extract import write_observations
from lake.facts import flags
from lake.families import families
from lake.properties import PROPERTIES
from lake.sample.mirror import serving
from lake.sample.real import FILES, real_folder, real_tellings
from lake.sanity import look
from lake.settings import Settings
from lake.sources import NAMES, source_named
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS, WORST_DISAGREEMENTS


def build(lake: Lake, data: Path | None, anew: bool) -> None:
    """Crawl, read, join and observe; each step only where its table is not there yet."""
    if not lake.exists(ENTRIES):
        with serving(real_tellings(data)) as url:
            settings = Settings.for_mirror(url, root=lake.root)
            for name in NAMES:
                source = source_named(name, settings)
                crawl(lake, source)
                print(f"{name}: {write_entries(lake, source)}", flush=True)
    if not lake.exists(MATERIALS):
        print(f"materials: {write_materials(lake)}", flush=True)
    if anew or not lake.exists(OBSERVATIONS):
        for name in PROPERTIES:
            print(f"{name}: {write_observations(lake, name)}", flush=True)


def pairs_of(lake: Lake) -> Iterator[str]:
    """The table of pairs, as Markdown."""
    yield (
        "| property | databases | n | of them with a relative difference | one is zero | flagged | median difference "
        "| 90 % within | bias | median relative | published | Pearson | Spearman |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for row in disagreement(lake, at_least=0).iter_rows(named=True):
        readings = f": {row['reading_a']}, {row['reading_b']}" if row["reading_a"] else ""
        yield (
            f"| {row['property']} | {row['source_a']}, {row['source_b']}{readings} | {row['n']:,} "
            f"| {row['n_relative']:,} | {row['one_zero']:,} | {row['flagged']:,} "
            f"| {_with_unit(row['median_difference'], row['unit'])} | {_with_unit(row['p90_difference'], row['unit'])} "
            f"| {_with_unit(row['bias'], row['unit'])} | {_percent(row['median_relative_difference'])} "
            f"| {_percent(row['published'])} | {_digits(row['correlation'])} | {_digits(row['rank_correlation'])} |"
        )


def beside_of(lake: Lake, data: Path | None) -> Iterator[str]:
    """What no observation tells: volumes of the joined crystals, and columns that the file of 2018 joined itself."""
    yield "| quantity | who | n | with a relative difference | one is zero | median difference | median relative |"
    yield "|---|---|---|---|---|---|---|"
    file = pl.scan_parquet(real_folder(data) / FILES["mp"])
    again = {"formation_energy_per_atom": ("e_form_oqmd", "oqmd"), "band_gap": ("band_gap_kdmsit", "mp again")}
    for name, (other, who) in again.items():
        yield _beside(name, f"mp, {who}: in the file", file.select(value_a=name, value_b=other).drop_nulls())
    entries = lake.scan(ENTRIES).select("entry_id", "source", value=pl.col("volume") / pl.col("n_atoms"))
    told = (
        entries.join(members_of(lake).lazy(), on="entry_id").group_by("material_id", "source").agg(pl.median("value"))
    )
    pairs = told.join(told, on="material_id", suffix="_b").filter(pl.col("source") < pl.col("source_b"))
    for (one, other), found in sorted(pairs.collect().group_by("source", "source_b"), key=lambda pair: pair[0]):
        if len(found) >= 30:
            values = found.lazy().select(value_a="value", value_b="value_b")
            yield _beside("volume_per_atom", f"{one}, {other}: joined here", values)


def _beside(name: str, who: str, values: pl.LazyFrame) -> str:
    row = values.select(statistics(name)).collect().row(0, named=True)
    return (
        f"| {name} | {who} | {row['n']:,} | {row['n_relative']:,} | {row['one_zero']:,} "
        f"| {row['median_difference']:.3g} | {_percent(row['median_relative_difference'])} |"
    )


def worst_of(lake: Lake, first: int = 3) -> Iterator[str]:
    """The first few of each pair, as Markdown."""
    yield "| property | rank | material | one | other | relative difference |"
    yield "|---|---|---|---|---|---|"
    for row in lake.read(WORST_DISAGREEMENTS).filter(pl.col("rank") <= first).iter_rows(named=True):
        told = " | ".join(
            f"{row[f'value_{side}']:.4g} ([{row[f'entry_{side}']}]({row[f'link_{side}']}))" for side in "ab"
        )
        words = f"{row['property']} [{row['unit']}] | {row['rank']} | {row['reduced_formula']}"
        yield f"| {words} | {told} | {_percent(row['relative_difference'])} |"


def flags_of(lake: Lake) -> Iterator[str]:
    """What is flagged, as Markdown."""
    yield "| property | source | flag | values | flagged | lowest | highest |"
    yield "|---|---|---|---|---|---|---|"
    for row in flags(lake).iter_rows(named=True):
        words = f"{row['property']} [{row['unit']}] | {row['source']} | {row['flag']}"
        yield f"| {words} | {row['of']:,} | {row['n']:,} | {row['lowest']:.6g} | {row['highest']:.6g} |"


def twins_of(lake: Lake) -> Iterator[str]:
    """Columns that are one quantity twice, as Markdown."""
    yield "| property | the same again | verdict | entries | rank correlation |"
    yield "|---|---|---|---|---|"
    for row in families(lake).iter_rows(named=True):
        measured = "–" if row["rank_correlation"] is None else f"{row['rank_correlation']:.5f}"
        yield f"| {row['property_a']} | {row['property_b']} | {row['verdict']} | {row['n']:,} | {measured} |"


def looked_at(lake: Lake) -> Iterator[str]:
    """What the checks per property find."""
    members = members_of(lake)
    for name in observed(lake):
        for finding in look(lake, name, members).findings:
            yield f"{name}: {finding}"


def _with_unit(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.3g} {unit}".strip()


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def main() -> None:
    """Build and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path)
    words.add_argument("--data", type=Path)
    words.add_argument("--anew", action="store_true")
    asked = words.parse_args()
    lake, lap = Lake(asked.root), Lap()
    build(lake, asked.data, asked.anew)
    print(f"built in {lap():.1f} s")
    print(f"{write_disagreement(lake)} in {lap():.1f} s\n")
    for table in (pairs_of(lake), beside_of(lake, asked.data), worst_of(lake), flags_of(lake), twins_of(lake)):
        print("\n".join(table), end="\n\n")
    print("\n".join(looked_at(lake)))
    print(f"looked at in {lap():.1f} s")


class Lap:
    """Seconds since it was asked last."""

    def __init__(self) -> None:
        self.since = time.perf_counter()

    def __call__(self) -> float:
        before, self.since = self.since, time.perf_counter()
        return self.since - before


if __name__ == "__main__":
    main()
