"""Random batches of crystal graphs as tensors: ours from shards on disk against PyG's InMemoryDataset and DataLoader.

    OMP_NUM_THREADS=1 python -m benchmarks.graphs.loading --core 0

The same graphs, of random structures of the Materials Project's 2018 file. Ours lie in a lake, in four shards that were
written one after the other, and are mapped; PyG's are collated in memory, as its datasets load them, and each is asked
for once before the clock runs, after which PyG keeps it apart: its best state. Both are asked for the same rows in the
same batches and deliver the same content (checked): numbers, neighbours, distances, weights, the graph of each atom,
and whose edge it is, by edge (PyG) or by where an atom's edges begin (ours). Folded graphs, which our networks take
instead of whole ones, are timed beside. Seconds are CPU time of the process. Rounds take turns; ratios are within a
round. Then: what a training step takes, of which loading is a part, with the network and the loss as they stand.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.loader import DataLoader

from benchmarks.graphs.structures import random_crystals
from lake.crystal import Crystal
from lake.graphs.shards import GraphStore, write_graphs
from lake.store import Lake
from lake.tables import ENTRIES
from models.batch import Batch
from models.losses import masked_loss
from models.network import network
from models.recipe import Recipe

SHARDS = 4
BAR, SHARE_BAR = 20, 0.01


class Collated(InMemoryDataset):
    """The graphs as PyG keeps a dataset in memory: all of one attribute in one tensor, and slices."""

    def __init__(self, graphs: list[Data]) -> None:
        super().__init__()
        self.data, self.slices = self.collate(graphs)


def written(root: Path, crystals: list[Crystal]) -> GraphStore:
    """A lake of these crystals' graphs, each once, in several shards."""
    lake = Lake(root)
    for part in np.array_split(np.arange(len(crystals)), SHARDS):
        lake.append(ENTRIES, ENTRIES.frame([_entry(row, crystals[row]) for row in part.tolist()]))
        write_graphs(lake)
    return GraphStore(lake)


def _entry(row: int, crystal: Crystal) -> dict[str, object]:
    return {
        "entry_id": f"mp:{row}", "source": "mp", "source_id": str(row), "kind": "bulk", "shard": "00", "year": None,
        "reduced_formula": crystal.reduced_formula, "n_atoms": len(crystal), "volume": crystal.volume,
        "lattice": crystal.lattice.ravel().tolist(), "positions": crystal.positions.ravel().tolist(),
        "numbers": crystal.numbers.tolist(), "structure_hash": crystal.structure_hash, "level_of_theory": "PBE",
        "licence": "for a benchmark", "payload_sha256": "0", "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip


def as_data(store: GraphStore, row: int) -> Data:
    """One graph as PyG's object, with what a `Batch` has."""
    graph = Batch.of(store.whole(np.array([row])))
    ends = torch.stack([graph.index.long(), graph.atom])
    return Data(
        z=graph.numbers, edge_index=ends, distance=graph.distance, weight=graph.weight, num_nodes=len(graph.numbers)
    )


def same(ours: Batch, theirs: Data) -> bool:
    """Whether both deliver the same."""
    pairs = (
        (ours.numbers, theirs.z), (ours.graph, theirs.batch), (ours.index.long(), theirs.edge_index[0]),
        (ours.atom, theirs.edge_index[1]), (ours.distance, theirs.distance), (ours.weight, theirs.weight),
    )  # fmt: skip
    return all(torch.equal(one, other) for one, other in pairs)


def compared(store: GraphStore, dataset: Collated, size: int, batches: int, rounds: int) -> float:
    """Print what a batch of that size takes; returns our seconds per folded batch."""
    rng = np.random.default_rng(0)
    for row in range(len(dataset)):
        dataset[row]  # from now on PyG has each graph by itself
    ours, theirs = [], []
    for turn in range(rounds + 1):
        rows = [rng.choice(len(store), size, replace=False) for _ in range(batches)]
        loader = DataLoader(dataset, batch_sampler=[part.tolist() for part in rows], num_workers=0)
        if turn == 0:  # compiles, and compares
            Batch.of(store.batch(rows[0]))
            if not all(same(Batch.of(store.whole(part)), told) for part, told in zip(rows, loader, strict=True)):
                raise SystemExit("both must deliver the same content, found a batch that differs")
            continue
        began = time.process_time()
        for _ in loader:  # no batch is kept, as in training
            pass
        middle = time.process_time()
        for part in rows:
            Batch.of(store.whole(part))
        ended = time.process_time()
        theirs.append((middle - began) / batches)
        ours.append((ended - middle) / batches)
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    began = time.process_time()
    for part in rows:
        Batch.of(store.batch(part))
    folded = (time.process_time() - began) / batches
    print(
        f"batch of {size:3}: ours {1e6 * statistics.median(ours):7.0f} us "
        f"(folded, as networks take them, {1e6 * folded:.0f}), "
        f"PyG {1e6 * statistics.median(theirs):7.0f} us, ratio {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f}), bar {BAR}"
    )
    return folded


def step_seconds(store: GraphStore, size: int, steps: int) -> float:
    """Median seconds of a training step on ready batches, with the default recipe's network and loss."""
    recipe = Recipe(("band_gap",))
    net = network(recipe)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate)
    rng, taken = np.random.default_rng(0), []
    targets = torch.zeros(size, 1)
    for _ in range(steps + 2):
        batch = Batch.of(store.batch(rng.choice(len(store), size, replace=False)))
        began = time.process_time()
        loss = masked_loss(net(batch), targets, recipe.loss)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        taken.append(time.process_time() - began)
    return statistics.median(taken[2:])


def main() -> None:
    """Write, compare, and print the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8000, help="graphs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=40, help="of each size, in a round")
    parser.add_argument("--core", type=int, default=0, help="the one core to run on")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    torch.set_num_threads(1)
    crystals = random_crystals(asked.count)
    with tempfile.TemporaryDirectory() as folder:
        store = written(Path(folder), crystals)
        dataset = Collated([as_data(store, row) for row in range(len(store))])
        sizes = {
            kind: sum(file.stat().st_size for file in Path(folder).glob(f"graphs/*/*/{kind}/*")) / len(store)
            for kind in ("whole", "folded")
        }
        held = sum(tensor.nbytes for tensor in dataset._data.to_dict().values() if torch.is_tensor(tensor))
        atoms = statistics.fmean(map(len, crystals))
        print(
            f"{len(store):,} graphs of {atoms:.1f} atoms in {SHARDS} shards: {sizes['whole']:,.0f} bytes per graph "
            f"on disk and mapped, {sizes['folded']:,.0f} folded; PyG {held / len(store):,.0f} in memory, "
            "and as much again once it keeps them apart"
        )
        for size in (64, 256):
            ours = compared(store, dataset, size, asked.batches, asked.rounds)
            step = step_seconds(store, size, 5)
            share = ours / (ours + step)
            print(
                f"batch of {size:3}: a step takes {1e3 * step:.1f} ms, "
                f"loading is {share:.2%} of both, bar {SHARE_BAR:.0%}"
            )
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torch-geometric", "numba", "numpy"))
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    main()
