"""What is written comes back whole, only what is new is built, and what cannot be built says why."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.crystal import Crystal
from lake.graphs.arrays import GraphBatch
from lake.graphs.build import VERSION, build
from lake.graphs.folded import fold
from lake.graphs.shards import FOLDED, PARTS, GraphStore, MissingGraph, clear, write_graphs
from lake.store import Lake
from lake.tables import ENTRIES, GRAPHS, REJECTS


def caesium_chloride(length: float) -> Crystal:
    return Crystal(np.eye(3) * length, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])


def row(name: str, crystal: Crystal, **other: object) -> dict[str, object]:
    return {
        "entry_id": f"mp:{name}", "source": "mp", "source_id": name, "kind": "bulk", "reduced_formula": "CsCl",
        "shard": "00", "year": None, "n_atoms": len(crystal), "volume": crystal.volume,
        "lattice": crystal.lattice.ravel().tolist(),
        "positions": crystal.positions.ravel().tolist(), "numbers": crystal.numbers.tolist(),
        "structure_hash": crystal.structure_hash, "level_of_theory": "PBE", "licence": "made for a test",
        "payload_sha256": "0", "fetched_at": datetime(2026, 1, 1, tzinfo=UTC), **other,
    }  # fmt: skip


def write(lake: Lake, *rows: dict[str, object]) -> dict[str, int]:
    lake.replace(ENTRIES, ENTRIES.frame(list(rows)))
    return write_graphs(lake)


def assert_same(store: GraphStore, crystals: list[Crystal]) -> GraphBatch:
    """A batch of the store is what building these crystals at once gives, folded and whole; returns the whole one."""
    rows, graphs = store.rows([crystal.structure_hash for crystal in crystals]), build(crystals)
    batches, wanted = (store.batch(rows), store.whole(rows)), (fold(graphs), graphs)
    for batch, several in zip(batches, wanted, strict=True):
        for part in fields(GraphBatch):
            expected = getattr(several.batch(np.arange(len(crystals))), part.name)
            np.testing.assert_array_equal(getattr(batch, part.name), expected)
    return batches[1]


def test_every_graph_comes_back_as_it_was_built(tmp_path: Path) -> None:
    lake, crystals = Lake(tmp_path), [caesium_chloride(4.0 + 0.1 * i) for i in range(5)]
    write(lake, *(row(str(i), c) for i, c in enumerate(crystals)))
    store = GraphStore(lake)
    for crystal in crystals:
        assert_same(store, [crystal])


def test_only_new_structures_are_built_and_a_batch_may_mix_shards(tmp_path: Path) -> None:
    lake, old, new = Lake(tmp_path), caesium_chloride(4.0), caesium_chloride(4.2)
    assert write(lake, row("1", old), row("2", old))["graphs"] == 1
    shards = set(tmp_path.glob("graphs/*/*"))
    assert write(lake, row("1", old), row("3", new)) == {"graphs": 1, "held": 1, "rejects": 0}
    assert shards < set(tmp_path.glob("graphs/*/*"))
    store = GraphStore(lake)
    batch = assert_same(store, [new, old, new])
    assert [batch.index[low:high].min() // 2 for low, high in pairwise(batch.starts)] == [0, 0, 1, 1, 2, 2]
    assert write(lake, row("1", old), row("3", new))["graphs"] == 0


def test_what_cannot_be_a_graph_is_rejected_with_its_reason(tmp_path: Path) -> None:
    lake, good = Lake(tmp_path), caesium_chloride(4.0)
    counts = write(
        lake,
        row("good", good),
        row("empty", good, numbers=[], structure_hash="a"),
        row("short", good, positions=[0.0], structure_hash="b"),
        row("nan", good, positions=[float("nan")] * 6, structure_hash="c"),
        row("flat", good, volume=0.0, structure_hash="d"),
        row("alien", good, numbers=[55, 200], structure_hash="e"),
    )
    assert counts == {"graphs": 1, "held": 0, "rejects": 5}
    reasons = dict(lake.read(REJECTS).filter(pl.col("stage") == "graphs").select("entry_id", "reason").iter_rows())
    assert "atoms" in reasons["mp:empty"]
    assert "coordinates" in reasons["mp:short"]
    assert "finite" in reasons["mp:nan"]
    assert "volume" in reasons["mp:flat"]
    assert "118" in reasons["mp:alien"]


def test_a_lost_shard_is_built_again(tmp_path: Path) -> None:
    lake, crystal = Lake(tmp_path), caesium_chloride(4.0)
    write(lake, row("1", crystal))
    shutil.rmtree(tmp_path / "graphs")
    assert write(lake, row("1", crystal))["graphs"] == 1
    assert len(GraphStore(lake)) == 1


def test_files_without_their_rows_are_taken_as_they_are(tmp_path: Path) -> None:
    lake, crystal = Lake(tmp_path), caesium_chloride(4.0)
    write(lake, row("1", crystal))
    lake.replace(GRAPHS, GRAPHS.empty())
    assert write(lake, row("1", crystal))["graphs"] == 1
    assert len(list(tmp_path.glob("graphs/*/*"))) == 1


def test_a_structure_without_a_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingGraph, match="feedface"):
        GraphStore(Lake(tmp_path)).rows(["feedface"])


def test_an_empty_lake_has_no_graphs(tmp_path: Path) -> None:
    assert write_graphs(Lake(tmp_path)) == {"graphs": 0, "held": 0, "rejects": 0}


def test_a_store_maps_its_files_and_copies_nothing(tmp_path: Path) -> None:
    lake, crystal = Lake(tmp_path), caesium_chloride(4.0)
    write(lake, row("1", crystal))
    store = GraphStore(lake)
    (folder,) = tmp_path.glob("graphs/*/*")
    mapped = Path("/proc/self/maps")
    if not mapped.exists():
        pytest.skip("which files a process maps is told by Linux alone")
    named = {str(folder / "folded" / name) for name in ("index.npy", "distance.npy")}
    assert named <= set(mapped.read_text().split())
    assert not any(part.index.flags.writeable or part.index.flags.owndata for part in store._folded + store._whole)


WRITER = """
import sys, itertools
from pathlib import Path
from lake.graphs.build import build
from lake.graphs.shards import _save
from tests.lake.graphs._cells import packed
graphs = build([packed(200, seed) for seed in range(20)])
print("writing", flush=True)
for number in itertools.count():
    _save(graphs, Path(sys.argv[1]) / "graphs" / "v" / str(number))
"""


def test_a_killed_writer_leaves_a_whole_shard_or_none(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    env = os.environ | {"PYTHONPATH": str(root)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=root, env=env, stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"writing\n"
    folder = tmp_path / "graphs" / "v"
    while not (folder / "3").is_dir():
        time.sleep(0.001)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    whole = [path for path in folder.iterdir() if not path.name.startswith(".")]
    assert len(whole) >= 4
    files = {path: sorted(file for file in path.rglob("*") if file.is_file()) for path in whole}
    sizes = {tuple((str(file.relative_to(path)), file.stat().st_size) for file in files[path]) for path in whole}
    assert len(sizes) == 1 and len(next(iter(sizes))) == len(PARTS) + len(FOLDED)
    clear(Lake(tmp_path), (), keep_hours=0)
    assert list(folder.iterdir()) == []


def test_graphs_of_an_older_version_give_way_but_stay_for_the_snapshots_that_name_them(tmp_path: Path) -> None:
    lake, crystal = Lake(tmp_path), caesium_chloride(4.0)
    write(lake, row("1", crystal))
    (folder,) = tmp_path.glob("graphs/*/*")
    older = tmp_path / "graphs" / "older" / folder.name
    shutil.copytree(folder, older)
    rows = lake.read(GRAPHS)
    lake.append(GRAPHS, rows.with_columns(version=pl.lit("older"), shard=pl.lit(f"older/{folder.name}")))
    before = lake.version(GRAPHS)
    assert write(lake, row("1", crystal)) == {"graphs": 0, "held": 1, "rejects": 0}
    assert lake.read(GRAPHS)["version"].to_list() == [VERSION]
    assert clear(lake, (before,), keep_hours=0).files == []
    assert len(GraphStore(Lake(tmp_path, {GRAPHS.name: before}), "older")) == 1
    assert clear(lake, (), keep_hours=1).files == []
    freed = clear(lake, (), keep_hours=0)
    assert len(freed.files) == len(PARTS) + len(FOLDED) and freed.size > 0 and not older.exists()
    assert len(GraphStore(lake)) == 1
