"""The networks that training is measured against, each with the loader it comes with, on the same graphs.

PyG: three `CGConv(batch_norm=True)`, `DataLoader` of `Data`. Published: the layer of Xie and Grossman as their paper
writes it, concatenation first, on twelve slots per atom, crystals joined by `torch.cat`. Ours, by each of its ways.
All: the same features of elements, Gaussians, width, layers, mean over atoms, read-out, L1, AdamW.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import CGConv, global_mean_pool

from lake.graphs.arrays import Graphs
from lake.graphs.folded import fold
from models.batch import Batch
from models.elements import element_table
from models.encoders.cgcnn import CGCNN, GAUSSIANS, gaussians
from models.heads import Decoder

K = 12
Loader = Callable[[list[np.ndarray]], Iterator[tuple]]  # rows of each batch -> inputs and targets


@dataclass(frozen=True)
class Peer:
    """A network, how it is fed, and how it is called."""

    name: str
    net: nn.Module
    load: Loader
    compiled: bool = False


class Ours(nn.Module):
    """CGCNN of this house with its read-out."""

    def __init__(self, width: int, layers: int, plain: bool = False) -> None:
        super().__init__()
        self.encoder, self.decoder = CGCNN(width, layers), Decoder(width, 1)
        if plain:
            self.encoder.fused = lambda atoms: False

    def forward(self, batch: Batch) -> torch.Tensor:
        """(B,)"""
        return self.decoder(self.encoder(batch)).squeeze(1)


class Features(nn.Module):
    """Atomic numbers -> (N, width), distances -> (.., GAUSSIANS)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("elements", torch.from_numpy(element_table()))
        self.register_buffer("centres", torch.linspace(0, 8, GAUSSIANS))
        self.embed = nn.Linear(self.elements.shape[1], width)

    def forward(self, numbers: torch.Tensor, distance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Atoms and edges."""
        return self.embed(self.elements[numbers]), gaussians(distance, self.centres)


class PyG(nn.Module):
    """What PyTorch Geometric offers for CGCNN."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.features, self.decoder = Features(width), Decoder(width, 1)
        self.layers = nn.ModuleList(CGConv(width, GAUSSIANS, batch_norm=True) for _ in range(layers))

    def forward(self, numbers, edge_index, distance, graph, size: int) -> torch.Tensor:
        """(B,)"""
        atoms, edges = self.features(numbers, distance)
        for layer in self.layers:
            atoms = layer(atoms, edge_index, edges)
        return self.decoder(global_mean_pool(atoms, graph, size)).squeeze(1)


class PublishedLayer(nn.Module):
    """(N, width), (N, 12, GAUSSIANS), (N, 12) -> (N, width), as the paper writes it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width + GAUSSIANS, 2 * width)
        self.norm_edges, self.norm_atoms = nn.BatchNorm1d(2 * width), nn.BatchNorm1d(width)

    def forward(self, atoms: torch.Tensor, edges: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """One exchange."""
        n, k = index.shape
        joined = torch.cat([atoms.unsqueeze(1).expand(n, k, -1), atoms[index], edges], dim=2)
        gated = self.norm_edges(self.mix(joined).view(n * k, -1)).view(n, k, -1)
        gate, core = gated.chunk(2, dim=2)
        return softplus(atoms + self.norm_atoms((torch.sigmoid(gate) * softplus(core)).sum(dim=1)))


class Published(nn.Module):
    """The published network."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.features, self.decoder = Features(width), Decoder(width, 1)
        self.layers = nn.ModuleList(PublishedLayer(width) for _ in range(layers))

    def forward(self, numbers, distance, index, graph, counts) -> torch.Tensor:
        """(B,)"""
        atoms, edges = self.features(numbers, distance)
        for layer in self.layers:
            atoms = layer(atoms, edges, index)
        sums = atoms.new_zeros(len(counts), atoms.shape[1]).index_add_(0, graph, atoms)
        return self.decoder(sums / counts.unsqueeze(1)).squeeze(1)


def peers(graphs: Graphs, targets: np.ndarray, width: int, layers: int, compiled: bool = True) -> list[Peer]:
    """All of them, ours first. targets: (G,) float32."""
    folded, data, slots = fold(graphs), pyg_data(graphs, targets), padded(graphs)

    def ours(store) -> Loader:
        return lambda parts: ((Batch.of(store.batch(rows)), torch.from_numpy(targets[rows])) for rows in parts)

    def pyg(parts: list[np.ndarray]) -> Iterator[tuple]:
        for b in DataLoader(data, batch_sampler=[rows.tolist() for rows in parts]):
            yield b.z, b.edge_index, b.distance, b.batch, b.num_graphs, b.y

    def published(parts: list[np.ndarray]) -> Iterator[tuple]:
        for rows in parts:
            crystals = [slots[row] for row in rows]
            counts = torch.tensor([len(numbers) for numbers, _, _ in crystals])
            ahead = (counts.cumsum(0) - counts).tolist()
            index = torch.cat([index + before for (_, _, index), before in zip(crystals, ahead, strict=True)])
            numbers, distance = (torch.cat([crystal[column] for crystal in crystals]) for column in (0, 1))
            graph = torch.arange(len(rows)).repeat_interleave(counts)
            yield numbers, distance, index, graph, counts.float(), torch.from_numpy(targets[rows])

    made = [
        Peer("ours", Ours(width, layers), ours(folded)),
        Peer("ours, graphs not folded", Ours(width, layers), ours(graphs)),
        Peer("ours, plain torch", Ours(width, layers, plain=True), ours(graphs)),
        Peer("PyG CGConv", PyG(width, layers), pyg),
        Peer("published layer", Published(width, layers), published),
    ]
    if compiled:
        made.append(Peer("ours, plain torch, compiled", Ours(width, layers, plain=True), ours(graphs), True))
        made.append(Peer("PyG CGConv, compiled", PyG(width, layers), pyg, True))
        made.append(Peer("published layer, compiled", Published(width, layers), published, True))
    return made


def pyg_data(graphs: Graphs, targets: np.ndarray) -> list[Data]:
    """Each graph as PyG's own."""
    made = []
    for row in range(len(graphs)):
        one = graphs.batch(np.array([row]))
        atom = np.repeat(np.arange(len(one.numbers)), np.diff(one.starts))
        made.append(
            Data(
                z=torch.from_numpy(one.numbers.astype(np.int64)),
                edge_index=torch.from_numpy(np.stack([one.index, atom]).astype(np.int64)),
                distance=torch.from_numpy(one.distance),
                y=torch.from_numpy(targets[row : row + 1]),
                num_nodes=len(one.numbers),
            )
        )
    return made


def padded(graphs: Graphs) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Numbers (n,), distances (n, 12) and neighbours (n, 12); where there is none, atom 0 at 9 A, as published."""
    made = []
    for row in range(len(graphs)):
        one = graphs.batch(np.array([row]))
        at = one.starts[:-1, None] + np.arange(K)
        real = at < one.starts[1:, None]
        at = np.minimum(at, max(len(one.index) - 1, 0))
        index, distance = (np.append(a, 0)[at] for a in (one.index, one.distance))
        index, distance = np.where(real, index, 0).astype(np.int64), np.where(real, distance, 9).astype(np.float32)
        made.append(
            (torch.from_numpy(one.numbers.astype(np.int64)), torch.from_numpy(distance), torch.from_numpy(index))
        )
    return made
