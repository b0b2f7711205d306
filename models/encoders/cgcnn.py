"""CGCNN, the crystal graph convolutional network.

Paper: Xie and Grossman, PRL 120, 145301 (2018). One layer, for atom i with neighbours j at distance d_ij:

    z_ij = BN(W [v_i; v_j; e_ij] + b)        e_ij = exp(-(d_ij - mu)^2 / s^2),  mu = 0, 0.2, .., 8 A,  s = 0.2 A
    v_i' = softplus(v_i + BN(sum_j sigmoid(z_ij, first half) * softplus(z_ij, second half)))

Where it differs: W is applied in three parts, W1 v_i + W2 v_j + We e_ij, before neighbours are gathered: the same
function, a twelfth of the products. Empty neighbour slots are masked, in the sum and in the normalisation; the
published code lets them in as atom 0 at 9 A. Atom features: models/elements.py.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear, softplus

from models.batch import Batch
from models.elements import element_table

REACH, STEP = 8.0, 0.2  # A, of the Gaussians
GAUSSIANS = 41


class CGCNN(nn.Module):
    """Batch -> (B, width): embedding, `layers` convolutions, mean over each crystal's atoms."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.register_buffer("elements", torch.from_numpy(element_table()))
        self.register_buffer("centres", torch.linspace(0.0, REACH, GAUSSIANS))
        self.embed = nn.Linear(self.elements.shape[1], width)
        self.layers = nn.ModuleList(Convolution(width) for _ in range(layers))

    def forward(self, batch: Batch) -> torch.Tensor:
        """One vector per crystal."""
        atoms = linear(self.elements, self.embed.weight, self.embed.bias)[batch.numbers]
        edges = torch.exp(-(((batch.distance.unsqueeze(-1) - self.centres) / STEP) ** 2))
        for layer in self.layers:
            atoms = layer(atoms, edges, batch.index, batch.real)
        sums = atoms.new_zeros(len(batch.counts), atoms.shape[1]).index_add_(0, batch.graph, atoms)
        return sums / batch.counts.unsqueeze(1)


class Convolution(nn.Module):
    """One layer: atoms (N, width), edges (N, k, gaussians), index (N, k), real (N, k) or None -> (N, width)."""

    def __init__(self, width: int, gaussians: int = GAUSSIANS) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width + gaussians, 2 * width)
        self.norm_edges = nn.BatchNorm1d(2 * width)
        self.norm_atoms = nn.BatchNorm1d(width)
        self.parts = (width, width, gaussians)

    def forward(
        self, atoms: torch.Tensor, edges: torch.Tensor, index: torch.Tensor, real: torch.Tensor | None
    ) -> torch.Tensor:
        """The atoms after one exchange with their neighbours."""
        own, other, edge = self.mix.weight.split(self.parts, dim=1)
        neighbours = linear(atoms, other).index_select(0, index.reshape(-1)).view(*index.shape, -1)
        # in place: a fresh array of this size costs more than the sum
        mixed = linear(edges, edge).add_(neighbours).add_(linear(atoms, own, self.mix.bias).unsqueeze(1))
        gate, core = self._normalised(mixed, real).chunk(2, dim=-1)
        message = torch.sigmoid(gate) * softplus(core)
        if real is not None:
            message = message * real.unsqueeze(-1)
        return softplus(atoms + self.norm_atoms(message.sum(dim=1)))

    def _normalised(self, mixed: torch.Tensor, real: torch.Tensor | None) -> torch.Tensor:
        if real is None:
            return self.norm_edges(mixed.flatten(0, 1)).view_as(mixed)
        out = torch.zeros_like(mixed)
        if real.any():
            out[real] = self.norm_edges(mixed[real])
        return out
