"""How long other tolerances take in SQL: `materials_within` over made matches of 40,000 to 1,000,000 entries.

    taskset -c 0 python -m benchmarks.identity.thresholds

Formulas of 1 to 29 entries, every two-hundredth of 2,000; each entry was compared with up to six representatives, and
equals one in three. Only the numbers are made: no crystal is compared, as none is by the macro.
"""

from __future__ import annotations

import random
import time

import duckdb
import polars as pl

from lake.macros import MACROS
from lake.structures.definition import SAME, Tolerances

COUNTS = 40_000, 400_000, 1_000_000
COMPARED, EQUAL = 6, 0.35
ASKED = {
    "the definition's": SAME,
    "tighter": Tolerances(0.01, 0.01, 0.02),
    "looser": Tolerances(0.05, 0.05, 0.1),
}
Rows = list[tuple[object, ...]]


def made(count: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Frames like MATERIALS and MATCHES, of the columns that the macro reads."""
    draw = random.Random(seed)
    clusters: dict[str, list[str]] = {}
    materials: Rows = []
    matches: Rows = []
    entry = formula = 0
    while entry < count:
        formula += 1
        clusters.clear()
        size = 2000 if formula % 200 == 0 else draw.randint(1, 29)
        for _ in range(min(size, count - entry)):
            entry += 1
            _place(clusters, f"mp:{entry}", f"F{formula}", matches, draw)
        materials += [(f"m-{head}", f"F{formula}", head, members) for head, members in clusters.items()]
    pair = ["entry_a", "entry_b", "reduced_formula", "fingerprint_distance", "scale", "strain", "displacement", "same"]
    return (
        pl.DataFrame(materials, ["material_id", "reduced_formula", "representative", "members"], orient="row"),
        pl.DataFrame(matches, pair, orient="row"),
    )


def _place(clusters: dict[str, list[str]], entry: str, formula: str, matches: Rows, draw: random.Random) -> None:
    """Compare an entry with some representatives, the nearest first, until it equals one; else it is one more."""
    heads = draw.sample([*clusters], min(COMPARED, len(clusters)))
    for head, apart in zip(heads, sorted(draw.random() / 10 for _ in heads), strict=True):
        same = draw.random() < EQUAL
        sizes = [draw.random() * tolerated for tolerated in (SAME.scale, SAME.strain, SAME.displacement)]
        if not same:
            sizes[1] += SAME.strain * (1.1 + draw.random())
        matches.append((head, entry, formula, apart, *(0.99 * size if same else size for size in sizes), same))
        if same:
            clusters[head].append(entry)
            return
    clusters[entry] = [entry]


def main() -> None:
    print(
        f"{'entries':>10}{'matches':>10}  {'tolerances':<20}{'clusters':>10}{'undecided':>12}{'s':>8}{'us/entry':>10}"
    )
    for count in COUNTS:
        materials, matches = made(count)
        with duckdb.connect(config={"threads": 1}) as connection:
            for name, frame in (("materials", materials), ("matches", matches)):
                connection.register(f"made_{name}", frame.to_arrow())
                connection.execute(f"CREATE TABLE {name} AS FROM made_{name}")
            for macro in MACROS:
                connection.execute(macro.statement)
            for name, asked in ASKED.items():
                numbers = f"scale := {asked.scale}, strain := {asked.strain}, displacement := {asked.displacement}"
                since = time.perf_counter()
                found = connection.sql(f"SELECT representative, undecided FROM materials_within({numbers})").pl()
                took = time.perf_counter() - since
                clusters, undecided = found["representative"].n_unique(), (found["undecided"] > 0).sum()
                print(
                    f"{count:>10,}{len(matches):>10,}  {name:<20}{clusters:>10,}{undecided:>12,}"
                    f"{took:>8.2f}{took / count * 1e6:>10.1f}"
                )


if __name__ == "__main__":
    main()
