"""Do pairs that are joined have the same properties? Ours and the matcher's defaults, judged by gap and energy.

    OMP_NUM_THREADS=1 python -m benchmarks.identity.by_property pairs.csv

pairs.csv is what `benchmarks.identity.referee --pairs` wrote. Asked are the pairs of one formula in the Materials
Project's file of 2018, where both entries' formation energy and gap come from one database. Properties know nothing of
tolerances: where one crystal is told twice, both agree to what a relaxation leaves.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from benchmarks.identity.real import DATA, MP, real_structures
from lake.structures.compare import Candidate, compare

APART = 0.05, 0.005  # eV of the gap, eV/atom: beyond either, two relaxations of one crystal hardly differ
A_GAP = 0.05  # eV; below it, it is a metal, whose gap agrees with every other metal's


def measured(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of the file with ours, default, gap (difference, eV; null for two metals) and energy (eV/atom)."""
    told = {f"mp:{row['mp_id']}": row for row in pl.read_parquet(DATA / MP).iter_rows(named=True)}
    pairs = pairs.filter(pl.col("name_a").is_in(list(told)) & pl.col("name_b").is_in(list(told)))
    candidates = {t.name: Candidate(t.name, t.source, t.formula, t.crystal) for t in real_structures((MP,))}
    rows = []
    for a, b, default in pairs.select("name_a", "name_b", "default_same").iter_rows():
        one, other = told[a], told[b]
        gaps = one["band_gap"], other["band_gap"]
        energies = one["formation_energy_per_atom"], other["formation_energy_per_atom"]
        rows.append({
            "ours": compare(candidates[a], candidates[b])["same"],
            "default": bool(default),
            "gap": abs(gaps[0] - gaps[1]) if None not in gaps and max(gaps) > A_GAP else None,
            "energy": abs(energies[0] - energies[1]) if None not in energies else None,
        })  # fmt: skip
    return pl.DataFrame(rows)


def table_of(rows: pl.DataFrame) -> Iterator[str]:
    """Lines of a Markdown table: medians, nine tenths, and the part that differs more than two relaxations do."""
    yield "| pairs | number | energy: median | 90 % | over 5 meV/atom | with a gap | gap: median | 90 % | over 50 meV |"
    yield "|---|---|---|---|---|---|---|---|---|"
    ours, default = pl.col("ours"), pl.col("default")
    for name, some in (
        ("ours joins", rows.filter(ours)),
        ("defaults join", rows.filter(default)),
        ("defaults join, ours does not", rows.filter(default & ~ours)),
        ("both keep apart", rows.filter(~default & ~ours)),
    ):
        energy, gap = some["energy"].drop_nulls(), some["gap"].drop_nulls()
        yield (
            f"| {name} | {len(some):,} | {1000 * energy.median():.1f} meV | {1000 * energy.quantile(0.9):.1f} meV "
            f"| {(energy > APART[1]).mean():.0%} | {len(gap):,} | {1000 * gap.median():.0f} meV "
            f"| {1000 * gap.quantile(0.9):.0f} meV | {(gap > APART[0]).mean():.0%} |"
        )


def main() -> None:
    """Compare and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("pairs", type=Path)
    asked = words.parse_args()
    print("\n".join(table_of(measured(pl.read_csv(asked.pairs, infer_schema_length=None)))))


if __name__ == "__main__":
    main()
