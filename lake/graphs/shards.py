"""The graphs of the lake: write those that are missing, keep them in shards, open them as one store.

A shard is a folder of plain .npy files, `graphs/<version>/<digest>/`, the whole graphs (for people and other programs)
and the folded ones (for our networks: a third of the edges). It is written under another name, renamed
when complete and never changed: a killed writer leaves a whole one or none. The GRAPHS table says which graph lies
where. Graphs of an older version leave the table when those of a new one are written; their shards stay as long as a
snapshot names them, then `crystal-lake vacuum` takes them (`clear`). How neighbours are found: build.py.
"""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from lake.entries import DISORDERED
from lake.graphs.arrays import GraphBatch, Graphs, union
from lake.graphs.build import VERSION, build_flat
from lake.graphs.folded import fold
from lake.progress import track
from lake.store import Freed, Lake
from lake.tables import ENTRIES, GRAPHS, REJECTS

SHARD_GRAPHS = 20_000  # graphs per shard at most: bounds memory while building
PARTS = ("numbers", "offsets", "starts", "index", "distance", "weight")
FOLDED = (*PARTS, "times")
STAGE = "graphs"


class MissingGraph(KeyError):
    """A structure that has no graph in the store, or a shard whose files are gone."""

    def __str__(self) -> str:
        return str(self.args[0])


def write_graphs(lake: Lake) -> dict[str, int]:
    """Build the graphs of all entries' structures that have none yet; returns how many were added, and refused.

    Disordered entries are left out: the nodes of a graph are atoms, and a shared site is none. What else cannot become
    a graph goes to REJECTS, stage `graphs`, with its reason.
    """
    held = _held(lake)
    ordered = lake.scan(ENTRIES).filter(pl.col("kind") != DISORDERED)
    wanted = ordered.join(held.lazy().select("structure_hash"), on="structure_hash", how="anti").collect()
    wanted = wanted.with_columns(reason=_refusal())
    _write_rejects(lake, wanted.filter(pl.col("reason").is_not_null()))
    usable = wanted.filter(pl.col("reason").is_null()).unique("structure_hash").sort("structure_hash")
    slices = list(usable.iter_slices(SHARD_GRAPHS))
    for entries in track(slices, "graphs"):
        lake.append(GRAPHS, _write_shard(lake, entries))
    return {"graphs": len(usable), "held": len(held), "rejects": wanted["reason"].count()}


def _held(lake: Lake) -> pl.DataFrame:
    """Rows of GRAPHS of this version whose shard is there; the others are taken out, what is lost to be built again."""
    rows = lake.read(GRAPHS)
    there = [shard for shard in rows["shard"].unique() if (lake.root / "graphs" / shard).is_dir()]
    kept = rows.filter(pl.col("shard").is_in(there), version=VERSION)
    if len(kept) < len(rows):
        lake.replace(GRAPHS, kept)
    return kept


def _refusal() -> pl.Expr:
    """Why an entry cannot become a graph, or null."""
    atoms = pl.col("numbers").list.len()
    finite = pl.col("lattice", "positions").list.eval(pl.element().is_finite()).list.all()
    return (
        pl.when(atoms == 0).then(pl.lit("a graph needs atoms, found none"))
        .when(pl.col("lattice").list.len() != 9).then(pl.lit("a cell needs nine numbers"))
        .when(pl.col("positions").list.len() != 3 * atoms).then(pl.lit("every atom needs three coordinates"))
        .when(~pl.all_horizontal(finite)).then(pl.lit("cell and positions must be finite, found NaN or infinity"))
        .when(~((pl.col("numbers").list.min() >= 1) & (pl.col("numbers").list.max() <= 118)))
        .then(pl.lit("atomic numbers run from 1 to 118"))
        .when(~(pl.col("volume") >= 0.1 * atoms)).then(pl.lit("a graph needs a cell with a volume"))
    )  # fmt: skip


def _write_rejects(lake: Lake, refused: pl.DataFrame) -> None:
    rows = refused.select("entry_id", pl.lit(STAGE).alias("stage"), "source", "reason", "payload_sha256")
    lake.replace(REJECTS, rows, partition=STAGE)


def _write_shard(lake: Lake, entries: pl.DataFrame) -> pl.DataFrame:
    """Build these entries' graphs into one shard; returns their rows of GRAPHS."""
    counts = entries["numbers"].list.len().to_numpy()
    graphs = build_flat(
        entries["lattice"].explode().to_numpy().reshape(-1, 3, 3),
        entries["positions"].explode().to_numpy().reshape(-1, 3),
        entries["numbers"].explode().to_numpy(),
        np.concatenate([[0], np.cumsum(counts)]),
    )
    digest = hashlib.sha256("".join([VERSION, *entries["structure_hash"]]).encode()).hexdigest()[:16]
    shard = f"{VERSION}/{digest}"
    _save(graphs, lake.root / "graphs" / shard)
    return entries.select(
        "structure_hash",
        pl.lit(shard).alias("shard"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.Series("n_atoms", counts, dtype=pl.Int64),
        pl.lit(VERSION).alias("version"),
    )


def _save(graphs: Graphs, folder: Path) -> None:
    if folder.is_dir():  # a run that was killed between the files and the table wrote exactly these
        return
    unfinished = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    for name, these, parts in (("whole", graphs, PARTS), ("folded", fold(graphs), FOLDED)):
        (unfinished / name).mkdir(parents=True)
        for part in parts:
            np.save(unfinished / name / f"{part}.npy", getattr(these, part))
    try:
        unfinished.rename(folder)
    except OSError:  # another process was faster, with the same content
        shutil.rmtree(unfinished)
        if not folder.is_dir():
            raise


def clear(lake: Lake, versions: Iterable[int], keep_hours: float) -> Freed:
    """Delete shards that no row of GRAPHS names, now or in these versions of it, and what killed writers left.

    Younger ones than `keep_hours` stay: their writer may be about to name them.
    """
    tables = [lake.scan(GRAPHS, version) for version in (None, *versions)]
    named = set(pl.concat(table.select("shard") for table in tables).unique().collect()["shard"])
    folder, oldest = lake.root / "graphs", time.time() - 3600 * keep_hours
    unneeded = [
        shard for shard in folder.glob("*/*")
        if shard.is_dir() and str(shard.relative_to(folder)) not in named and shard.stat().st_mtime < oldest
    ]  # fmt: skip
    files = [file for shard in unneeded for file in shard.rglob("*") if file.is_file()]
    freed = Freed([str(file.relative_to(lake.root)) for file in files], sum(file.stat().st_size for file in files))
    for shard in unneeded:
        shutil.rmtree(shard)
    return freed


class GraphStore:
    """All graphs of one version, memory-mapped: any number of processes share one copy in the page cache.

    A row of the store is a number 0..len - 1 that holds while the store is open.
    """

    def __init__(self, lake: Lake, version: str = VERSION) -> None:
        self.version = version
        table = lake.scan(GRAPHS).filter(pl.col("version") == version).sort("shard", "row").collect()
        shards = table["shard"].unique(maintain_order=True)
        self._folders = [lake.root / "graphs" / shard for shard in shards]
        self._folded = [_open(folder / "folded", FOLDED) for folder in self._folders]
        number_of = {shard: number for number, shard in enumerate(shards)}
        self._part = table["shard"].replace_strict(number_of, return_dtype=pl.Int64).to_numpy()
        self._row = table["row"].to_numpy()
        self._where = table.select("structure_hash", pl.int_range(pl.len(), dtype=pl.Int64).alias("at"))

    def __len__(self) -> int:
        return len(self._where)

    @property
    def hashes(self) -> pl.Series:
        """The structures that have a graph, in the store's order."""
        return self._where["structure_hash"]

    def rows(self, structure_hashes: Sequence[str] | pl.Series) -> np.ndarray:
        """The store's rows of these structures, (n,) int64; MissingGraph names one that has none."""
        asked = pl.DataFrame({"structure_hash": pl.Series(structure_hashes, dtype=pl.String)})
        found = asked.join(self._where, on="structure_hash", how="left", maintain_order="left")
        lost = found.filter(pl.col("at").is_null())
        if len(lost):
            raise MissingGraph(
                f"{len(lost)} of {len(asked)} structures have no graph of version {self.version}, "
                f"first {lost['structure_hash'][0]}: write the graphs first"
            )
        return found["at"].to_numpy()

    def batch(self, rows: np.ndarray) -> GraphBatch:
        """The folded graphs of these rows, in this order, as one union graph: what networks learn from."""
        return union(self._folded, self._part[rows], self._row[rows])

    def whole(self, rows: np.ndarray) -> GraphBatch:
        """The same with every atom of every crystal."""
        return union(self._whole, self._part[rows], self._row[rows])

    @cached_property
    def _whole(self) -> list[Graphs]:
        return [_open(folder / "whole", PARTS) for folder in self._folders]


def _open(folder: Path, parts: Sequence[str]) -> Graphs:
    try:
        # plain views of the mapped files: numpy's own class of mapped arrays is slow to slice
        return Graphs(*(np.asarray(np.load(folder / f"{part}.npy", mmap_mode="r")) for part in parts))
    except (OSError, ValueError) as error:
        raise MissingGraph(f"a shard of graphs cannot be read, {folder}: {error}; write the graphs again") from error
