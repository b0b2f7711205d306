"""Matformer, a transformer on periodic graphs in which every channel of every edge has a gate of its own.

Paper: Yan et al., NeurIPS 2022, arXiv 2209.11807. One layer, for atom i with neighbours j at distance d_ij, per head:

    gate_ij = sigmoid(LN(q_i * [k_i; k_j; k(e_ij)] / sqrt(3 C)))       C channels a head, e_ij of the distance alone
    v_i' = v_i + SiLU(BN(W sum_j w_ij gate_ij * (V1 v_i + V2 v_j + V3 e_ij)))

The cell's periods are in the graph: neighbours are images, an atom's own among them where the cell is short.

Where it differs, besides the house's graphs, in which an edge counts w_ij and an atom as many as it stands for (the
published graph has whole shells as well, and three edges of each atom to its own images besides):

- heads share the width, as is usual, where the published ones have the whole width each;
- the value map of atoms and that of the three joined parts are one, V1, V2 and V3: no linear map follows another;
- W follows the sum over neighbours, with which it changes places, so the LayerNorm after it is gone;
- the skip is the identity, distances are spread over CGCNN's 41 Gaussians, and the read-out is the decoder's.

Linear maps are taken of atoms before neighbours are gathered, and of each distance once.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import linear, silu

from models.batch import Batch
from models.elements import element_table
from models.encoders.cgcnn import GAUSSIANS, REACH, WeightedNorm, gaussians, mean_over_atoms

HEADS = 4  # as published; fewer where the width does not divide by it


class Matformer(nn.Module):
    """Batch -> (B, width): embedding, `layers` of gated attention to neighbours, mean over each crystal's atoms."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.register_buffer("elements", torch.from_numpy(element_table()))
        self.register_buffer("centres", torch.linspace(0.0, REACH, GAUSSIANS))
        self.embed = nn.Linear(self.elements.shape[1], width)
        self.embed_edges = nn.Sequential(nn.Linear(GAUSSIANS, width), nn.Softplus(), nn.Linear(width, width))
        self.layers = nn.ModuleList(GatedAttention(width) for _ in range(layers))

    def forward(self, batch: Batch) -> torch.Tensor:
        """One vector per crystal."""
        return mean_over_atoms(self.atoms(batch), batch)

    def atoms(self, batch: Batch) -> torch.Tensor:
        """(N, width): one vector per atom, after all layers."""
        atoms = linear(self.elements, self.embed.weight, self.embed.bias)[batch.numbers]
        distances, which = torch.unique(batch.distance, return_inverse=True)
        edges = self.embed_edges(gaussians(distances, self.centres))
        for layer in self.layers:
            atoms = layer(atoms, edges, which, batch)
        return atoms


class GatedAttention(nn.Module):
    """One layer: atoms (N, width), the features of all distances (D, width), and which of them each edge has (E,).

    Each head's 3 C channels are its part with the atom itself, with the neighbour, and with the edge.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = math.gcd(width, HEADS)
        self.of_atoms = nn.Linear(width, 8 * width)  # query, key, values of the atom itself and as a neighbour
        self.of_edges = nn.Linear(width, 4 * width, bias=False)  # key and values
        self.norm_gate = nn.LayerNorm(3 * width // self.heads)
        self.mix = nn.Linear(3 * width, width)
        self.norm_atoms = WeightedNorm(width)

    def forward(self, atoms: torch.Tensor, edges: torch.Tensor, which: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The atoms after one exchange with their neighbours."""
        channels = atoms.shape[1] // self.heads
        told = self.of_atoms(atoms).unflatten(1, (self.heads, -1))
        query, key, own, other = told.split([channels, channels, 3 * channels, 3 * channels], dim=2)
        key_edge, edge = self.of_edges(edges).unflatten(1, (self.heads, -1)).split([channels, 3 * channels], dim=2)
        query = query / math.sqrt(3 * channels)
        heard = torch.cat([key.index_select(0, batch.index), key_edge.index_select(0, which)], dim=2)
        asked = torch.cat([query, query], dim=2).index_select(0, batch.atom)
        alike = torch.cat([(query * key).index_select(0, batch.atom), asked * heard], dim=2)
        gate = torch.sigmoid(self.norm_gate(alike))
        value = own.index_select(0, batch.atom) + other.index_select(0, batch.index) + edge.index_select(0, which)
        message = (gate * value).flatten(1) * batch.weight.unsqueeze(1)
        sums = message.new_zeros(len(atoms), message.shape[1]).index_add_(0, batch.atom, message)
        return atoms + silu(self.norm_atoms(self.mix(sums), batch.times))
