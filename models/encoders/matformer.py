"""Matformer, a transformer on periodic graphs in which every channel of every edge has a gate of its own.

Paper: Yan et al., NeurIPS 2022, arXiv 2209.11807. One layer, for atom i with neighbours j at distance d_ij, per head:

    gate_ij = sigmoid(LN(q_i * [k_i; k_j; k(e_ij)] / sqrt(3 C)))       C channels a head, e_ij of the distance alone
    v_i' = v_i + SiLU(BN(W sum_j w_ij gate_ij * (V1 v_i + V2 v_j + V3 e_ij)))

The cell's periods are in the graph: neighbours are images, an atom's own among them where the cell is short.

Where it differs, besides the house's graphs, in which an edge counts w_ij and an atom as many as it stands for (the
published ones have whole shells without weights, and from each atom edges along the cell, which hang on its choice):

- heads share the width, as is usual, where the published ones have the whole width each;
- the value map of atoms and that of the three joined parts are one, V1, V2 and V3: no linear map follows another;
- W follows the sum over neighbours, with which it changes places, so the LayerNorm after it is gone;
- the skip is the identity, distances are spread over CGCNN's 41 Gaussians instead of 128, and then go through one
  linear map and softplus, the next being each layer's own; the read-out is the decoder's.

Linear maps are taken of atoms before neighbours are gathered, and of each distance once.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import linear, silu

from models.batch import Batch
from models.elements import element_table
from models.encoders.cgcnn import GAUSSIANS, REACH, gaussians, mean_over_atoms
from models.encoders.gates import gated
from models.encoders.weighted_norm import WeightedNorm

HEADS = 4  # as published; fewer where the width does not divide by it


class Matformer(nn.Module):
    """Batch -> (B, width): embedding, `layers` of gated attention to neighbours, mean over each crystal's atoms."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.register_buffer("elements", torch.tensor(element_table()))  # a copy: several may stand in one file
        self.register_buffer("centres", torch.linspace(0.0, REACH, GAUSSIANS))
        self.embed = nn.Linear(self.elements.shape[1], width)
        self.embed_edges = nn.Sequential(nn.Linear(GAUSSIANS, width), nn.Softplus())
        self.layers = nn.ModuleList(GatedAttention(width) for _ in range(layers))

    def forward(self, batch: Batch) -> torch.Tensor:
        """One vector per crystal."""
        return mean_over_atoms(self.atoms(batch), batch)

    def atoms(self, batch: Batch) -> torch.Tensor:
        """(N, width): one vector per atom, after all layers."""
        # what is added up from layer to layer stays float32 where products are bfloat16
        atoms = linear(self.elements, self.embed.weight, self.embed.bias)[batch.numbers].to(self.elements.dtype)
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
        told = self.of_atoms(atoms).unflatten(1, (8, self.heads, -1))
        bonds = self.of_edges(edges).unflatten(1, (4, self.heads, -1))
        sums = gated(told, bonds, self.norm_gate, which, batch) if fused(told) else self.sums(told, bonds, which, batch)
        return atoms + silu(self.norm_atoms(self.mix(sums.flatten(1)), batch.times))

    def sums(self, told: torch.Tensor, bonds: torch.Tensor, which: torch.Tensor, batch: Batch) -> torch.Tensor:
        """(N, 3, H, C): the gated values of each atom's edges, added up."""
        own, other, bond = told[batch.atom], told.index_select(0, batch.index), bonds.index_select(0, which)
        query = own[:, 0] / math.sqrt(self.norm_gate.weight.numel())
        alike = torch.stack([query * own[:, 1], query * other[:, 1], query * bond[:, 0]], dim=2)
        normal = self.norm_gate(alike.flatten(2)).unflatten(2, (3, -1))
        value = own[:, 2:5] + other[:, 5:] + bond[:, 1:]
        message = torch.sigmoid(normal).transpose(1, 2) * value * batch.weight.view(-1, 1, 1, 1)
        return message.new_zeros(len(told), *message.shape[1:]).index_add_(0, batch.atom, message)


def fused(told: torch.Tensor) -> bool:
    """Whether gates.py knows the way: float32 on a CPU."""
    return told.device.type == "cpu" and told.dtype == torch.float32 and not torch.compiler.is_compiling()
