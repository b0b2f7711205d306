"""The lake of the real files, all there is before learning; the other benchmarks of real values stand on it.

    OMP_NUM_THREADS=1 python -m benchmarks.real_lake /tmp/real_lake --data ../shared/data

The mirror serves each file as its own database would, and what no interface has a field for becomes labels; crawls,
reading, joining, observing and filling are the very steps that a night runs. A step whose table is there is not run
again; `--anew` observes, fills, compares and publishes again, after a change of the catalog or of a policy.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from lake.compositions import write_compositions
from lake.crawl import crawl
from lake.disagreement import write_disagreement
from lake.entries import write_entries
from lake.extract import write_observations
from lake.graphs.shards import write_graphs
from lake.labels import folder_of, import_labels
from lake.matrix import write_matrix
from lake.properties import PROPERTIES
from lake.sample.mirror import serving
from lake.sample.real import real_labels, real_tellings
from lake.settings import Settings
from lake.sources import NAMES, source_named
from lake.sql import publish
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.structures.splits.write import write_splits
from lake.tables import ENTRIES, GRAPHS, LABELS, MATERIALS, OBSERVATIONS, SPLITS


def build(lake: Lake, data: Path | None = None, anew: bool = False) -> None:
    """Every step that is missing, each with its counts and seconds."""
    lap = Lap()
    if not lake.exists(ENTRIES):
        with serving(real_tellings(data)) as url:
            settings = Settings.for_mirror(url, root=lake.root)
            for name in NAMES:
                source = source_named(name, settings)
                crawl(lake, source)
                print(f"{name}: {write_entries(lake, source)}, {lap():.1f} s", flush=True)
    if not lake.exists(LABELS):
        folder_of(lake).mkdir(parents=True, exist_ok=True)
        real_labels(data).write_csv(folder_of(lake) / "materials_project_2018.csv")
        print(f"labels: {import_labels(lake):,}, {lap():.1f} s", flush=True)
    if not lake.exists(MATERIALS):
        print(f"materials: {write_materials(lake)}, {lap():.1f} s", flush=True)
    if not lake.exists(SPLITS):
        print(f"splits: {write_splits(lake)}, {lap():.1f} s", flush=True)
    if not lake.exists(GRAPHS):
        print(f"graphs: {write_graphs(lake)}, {lap():.1f} s", flush=True)
    if lake.exists(OBSERVATIONS) and not anew:
        return
    for name in PROPERTIES:
        if any((counts := write_observations(lake, name)).values()):
            print(f"{name}: {counts}")
    print(f"{len(PROPERTIES)} properties, {lap():.1f} s", flush=True)
    for words, step in STEPS.items():
        print(f"{words}: {step(lake)}, {lap():.1f} s", flush=True)


STEPS = {
    "compositions": write_compositions,
    "matrix": write_matrix,
    "disagreement": write_disagreement,
    "published": publish,
}  # fmt: skip


class Lap:
    """Seconds since it was asked last."""

    def __init__(self) -> None:
        self.since = time.perf_counter()

    def __call__(self) -> float:
        before, self.since = self.since, time.perf_counter()
        return self.since - before


def main() -> None:
    """Build and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path)
    words.add_argument("--data", type=Path)
    words.add_argument("--anew", action="store_true")
    asked = words.parse_args()
    lap = Lap()
    build(Lake(asked.root), asked.data, asked.anew)
    print(f"built in {lap():.1f} s")


if __name__ == "__main__":
    main()
