"""Graphs of the lake as PyTorch Geometric's `Data`, for people who train with it: `loader(data_objects(...))`.

What belongs here: the translation. The graphs are those of `lake/graphs`, which our own training maps as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.answers import Answer, AnswerError
from lake.entries import DISORDERED
from lake.graphs.shards import GraphStore
from lake.store import Lake

if TYPE_CHECKING:
    from torch_geometric.data import Data


def data_objects(lake: Lake, answer: Answer, target: str = "") -> list[Data]:
    """The graph of each row's entry, in the rows' order.

    x, z: (n, 1) and (n,) int64, atomic numbers. edge_index: (2, e) int64, from each neighbour to the atom whose
    neighbour it is, within 8 A; one atom may be a neighbour several times, by its periodic images. edge_attr: (e, 1)
    float32, distances in A. edge_weight: (e,) float32, what an edge counts: an atom's sum to 12, or to how many there
    are; of a shell that twelve would cut, each counts less than one. entry_id: the entry. y: (1,) float32, what the
    column `target` of the answer says in that row, NaN where it is null; absent without one.
    Raises AnswerError for rows without a crystal, disordered ones and a target that is no number; MissingGraph where
    the graphs were not built.
    """
    import torch
    from torch_geometric.data import Data

    entries = answer.entries
    if len(shared := entries.filter(kind=DISORDERED)):
        raise AnswerError(f"a graph's nodes are atoms, found {shared['entry_id'][0]}, whose sites are shared")
    values = _values(answer, target)
    store = GraphStore(lake)
    row_of = dict(zip(entries["entry_id"], store.rows(entries["structure_hash"]), strict=True))
    made = []
    for place, entry_id in enumerate(answer.entry_ids):
        graph = store.whole(np.array([row_of[entry_id]]))
        atom = np.repeat(np.arange(len(graph.numbers)), np.diff(graph.starts))
        z = torch.from_numpy(graph.numbers.astype(np.int64))
        data = Data(
            x=z[:, None],
            edge_index=torch.from_numpy(np.stack([graph.index, atom]).astype(np.int64)),
            edge_attr=torch.from_numpy(graph.distance[:, None]),
            edge_weight=torch.from_numpy(graph.weight),
            z=z,
            entry_id=entry_id,
        )
        if target:
            data.y = torch.tensor([values[place]], dtype=torch.float32)
        made.append(data)
    return made


def _values(answer: Answer, target: str) -> list[float]:
    if not target:
        return []
    if target not in answer.frame.columns or not answer.frame.schema[target].is_numeric():
        raise AnswerError(f"a target is a column of numbers, found {target!r} beside {', '.join(answer.frame.columns)}")
    return answer.frame[target].cast(pl.Float64).fill_null(float("nan")).to_list()
