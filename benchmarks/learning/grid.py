"""What a run of the grid costs by size of network, from a handful of short runs, and what the whole grid would take.

    OMP_NUM_THREADS=1 python -m benchmarks.learning.grid /tmp/real_lake

The lake must have splits and graphs. Milliseconds of processor time per training crystal and epoch, validation after
every epoch included; beside them what `models/grid/cost.py` says, whose constants were fitted to these figures. The
grid itself is `crystal-lake grid`: its `--dry-run` learns from the ledger's own seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.dataset import TrainingRows, training_rows
from models.fit import fit
from models.grid.cost import cost
from models.grid.sizes import SIZES, Size, recipe
from models.study import BASELINES

SOME = tuple(Size(*size) for size in (
    (1, 1, 64), (2, 1, 64), (4, 1, 64), (8, 1, 64), (1, 5, 64), (8, 5, 64), (1, 1, 128), (2, 1, 128), (4, 1, 128),
    (8, 1, 128), (1, 5, 128), (8, 5, 128),
))  # fmt: skip
ROWS, EPOCHS = 256, 3


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path)
    words.add_argument("--property", choices=BASELINES, default=BASELINES[0])
    asked = words.parse_args()
    lake = Lake(asked.root)
    store, rows = GraphStore(lake), without_test(training_rows(lake, (asked.property,), ROWS))
    n = len(rows.of("train"))
    atoms = len(store.batch(store.rows(rows.frame["structure_hash"])).numbers) / len(rows)
    print(f"{asked.property}: {n} training rows of {atoms:.1f} atoms when folded, {EPOCHS} epochs; warm-up first")
    taken = {size: measured(asked.property, size, rows, store, n) for size in (SOME[0], *SOME)}
    for size, each in taken.items():
        print(f"{size!s:8} {each:6.2f} ms, {each / taken[SOME[0]]:5.2f} x {SOME[0]}; thought {thought(size):6.2f} ms")
    ratio = sum(taken.values()) / sum(thought(size) for size in taken)
    whole = ratio * sum(cost(recipe(asked.property, size, 0, "real")) for size in SIZES)
    print(f"measured over thought {ratio:.2f}; {len(SIZES)} runs of 3,000 such crystals: {whole / 3600:.1f} core hours")


def measured(name: str, size: Size, rows: TrainingRows, store: GraphStore, n: int) -> float:
    """Milliseconds of processor time per crystal and epoch."""
    asked = replace(recipe(name, size, 0, "real"), epochs=EPOCHS, limit=ROWS)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        fit(asked, rows, store, Path(folder))
        return 1000 * (time.process_time() - began) / (n * EPOCHS)


def thought(size: Size) -> float:
    """What the cost model says for the same."""
    asked = recipe(BASELINES[0], size, 0, "real")
    return 1000 * cost(asked) / (asked.limit * asked.epochs)


def without_test(rows: TrainingRows) -> TrainingRows:
    """Training and validation rows, and one test row: scoring the others would be a large part of a short run."""
    kept = np.flatnonzero((rows.frame["split"] != "test").to_numpy())
    kept = np.sort(np.append(kept, rows.of("test")[:1]))
    return replace(rows, frame=rows.frame[kept], targets=rows.targets[kept])


if __name__ == "__main__":
    main()
