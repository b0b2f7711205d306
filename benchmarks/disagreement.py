"""How far the databases are apart on the real files, beside what is published: the table of docs/disagreement.md.

    OMP_NUM_THREADS=1 python -m benchmarks.disagreement /tmp/real_lake --data ../shared/data

The lake is that of `benchmarks/real_lake.py`, which is built where it is not there yet. `--anew` observes and compares
again, after a change of the catalog.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import polars as pl
from pymatgen.core import Element

from benchmarks.real_lake import Lap, build
from lake.disagreement import disagreement, members_of, observed, statistics, write_disagreement
from lake.disordered import shares_of
from lake.facts import flags
from lake.families import FEWEST, families, rank_correlation
from lake.properties import PROPERTIES
from lake.sample.mirror.told import GRAMS_PER_DALTON
from lake.sanity import look
from lake.store import Lake
from lake.tables import ENTRIES, OBSERVATIONS, WORST_DISAGREEMENTS


def pairs_of(lake: Lake) -> Iterator[str]:
    """The table of pairs, as Markdown."""
    yield (
        "| property | databases | n | of them with a relative difference | one is zero | flagged | median difference "
        "| 90 % within | bias | median relative | published | Pearson | Spearman |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for row in disagreement(lake, at_least=0).iter_rows(named=True):
        readings = f": {_short(row['reading_a'])}, {_short(row['reading_b'])}" if row["reading_a"] else ""
        yield (
            f"| {row['property']} | {row['source_a']}, {row['source_b']}{readings} | {row['n']:,} "
            f"| {row['n_relative']:,} | {row['one_zero']:,} | {row['flagged']:,} "
            f"| {_with_unit(row['median_difference'], row['unit'])} | {_with_unit(row['p90_difference'], row['unit'])} "
            f"| {_with_unit(row['bias'], row['unit'])} | {_percent(row['median_relative_difference'])} "
            f"| {_percent(row['published'])} | {_digits(row['correlation'])} | {_digits(row['rank_correlation'])} |"
        )


def volumes_of(lake: Lake) -> Iterator[str]:
    """Volumes per atom of the crystals themselves, as Markdown: not every record states what its cell amounts to."""
    yield "| volume per atom | n | median difference | median relative | Pearson |"
    yield "|---|---|---|---|---|"
    entries = lake.scan(ENTRIES).select("entry_id", "source", value=pl.col("volume") / pl.col("n_atoms"))
    told = (
        entries.join(members_of(lake).lazy(), on="entry_id").group_by("material_id", "source").agg(pl.median("value"))
    )
    pairs = told.join(told, on="material_id", suffix="_b").filter(pl.col("source") < pl.col("source_b"))
    for (one, other), found in sorted(pairs.collect().group_by("source", "source_b"), key=lambda pair: pair[0]):
        values = found.select(value_a="value", value_b="value_b")
        row = values.select(statistics("volume_per_atom")).row(0, named=True)
        if row["n"] >= FEWEST:
            yield (
                f"| {one}, {other} | {row['n']:,} | {row['median_difference']:.3g} A^3 "
                f"| {_percent(row['median_relative_difference'])} | {_digits(row['correlation'])} |"
            )


def worst_of(lake: Lake, first: int = 2) -> Iterator[str]:
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


def columns_twice(lake: Lake) -> Iterator[str]:
    """Every two columns of the files that tell one quantity of the same entries, as Markdown: no second witnesses."""
    yield "| one column | the same quantity again | entries with both | equal | rank correlation |"
    yield "|---|---|---|---|---|"
    told = lake.scan(OBSERVATIONS).filter(pl.col("flag").is_null()).select("entry_id", "property", "reading", "value")
    quantity = {name: known.quantity for name, known in PROPERTIES.items()}
    told = told.with_columns(quantity=pl.col("property").replace(quantity)).collect()
    for _, rows in sorted(told.group_by("quantity"), key=lambda group: group[0]):
        columns = dict(sorted(rows.group_by("property", "reading"), key=lambda column: column[0]))
        for (name_a, one), (name_b, other) in combinations(columns.items(), 2):
            both = one.join(other, on="entry_id")
            if len(both) >= FEWEST:
                order = rank_correlation(both["value"].to_numpy(), both["value_right"].to_numpy())
                equal = (both["value"] == both["value_right"]).mean()
                words = " | ".join(f"`{name}` ({_short(reading)})" for name, reading in (name_a, name_b))
                yield f"| {words} | {len(both):,} | {equal:.0%} | {order:.5f} |"


def densities_of(lake: Lake, beyond: float = 0.02) -> Iterator[str]:
    """COD's stated densities that are not what the entry's own crystal weighs, as Markdown; what says how many are."""
    stated = lake.scan(OBSERVATIONS).filter(pl.col("property") == "density_measured", pl.col("source") == "cod")
    told = stated.select("entry_id", "value").collect()
    entries = lake.scan(ENTRIES).filter(pl.col("source") == "cod").select("entry_id", "volume", "species").collect()
    rows = told.join(entries, on="entry_id").with_columns(
        weighed=pl.col("species").map_elements(_mass, pl.Float64) * GRAMS_PER_DALTON / (pl.col("volume") * 1e-24)
    ).with_columns(apart=pl.col("weighed") / pl.col("value") - 1)  # fmt: skip
    far = rows.filter(pl.col("apart").abs() > beyond).sort(pl.col("apart").abs(), descending=True)
    yield f"densities stated by COD: {len(rows)}, further than {beyond:.0%} from the crystal: {len(far)}\n"
    yield "| entry | stated g/cm^3 | of the crystal | apart |"
    yield "|---|---|---|---|"
    for row in far.iter_rows(named=True):
        yield f"| {row['entry_id']} | {row['value']:.4g} | {row['weighed']:.4g} | {row['apart']:+.1%} |"


def _mass(species: pl.Series) -> float:
    shares = (share for label in species for share in shares_of(label).items())
    return sum(amount * Element(symbol).atomic_mass for symbol, amount in shares)


def looked_at(lake: Lake) -> Iterator[str]:
    """What the checks per property find."""
    members = members_of(lake)
    for name in observed(lake):
        for finding in look(lake, name, members).findings:
            yield f"{name}: {finding}"


def _short(reading: str) -> str:
    """A reading without the rest of its reference."""
    return reading.split(",")[0]


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
    for table in (pairs_of, volumes_of, worst_of, flags_of, twins_of, columns_twice, densities_of):
        print("\n".join(table(lake)), end="\n\n")
    print("\n".join(looked_at(lake)))
    print(f"looked at in {lap():.1f} s")


if __name__ == "__main__":
    main()
