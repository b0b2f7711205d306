"""CGCNN, the crystal graph convolutional network.

Paper: Xie and Grossman, PRL 120, 145301 (2018). One layer, for atom i with neighbours j at distance d_ij:

    z_ij = BN(W [v_i; v_j; e_ij] + b)        e_ij = exp(-(d_ij - mu)^2 / s^2),  mu = 0, 0.2, .., 8 A,  s = 0.2 A
    v_i' = softplus(v_i + BN(sum_j w_ij sigmoid(z_ij, first half) * softplus(z_ij, second half)))

Where it differs: W is applied in three parts, W1 v_i + W2 v_j + We e_ij, before neighbours are gathered: the same
function, a twelfth of the products. An edge counts w_ij, in the sum and in the normalisation: 1, or less in a shell
that the limit of twelve neighbours would have cut (`lake/graphs/build.py`). There are no empty slots; the published
code lets them in as atom 0 at 9 A. Atom features: models/elements.py.
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
            atoms = layer(atoms, edges, batch)
        sums = atoms.new_zeros(len(batch.counts), atoms.shape[1]).index_add_(0, batch.graph, atoms)
        return sums / batch.counts.unsqueeze(1)


class Convolution(nn.Module):
    """One layer: atoms (N, width), edges (E, gaussians), and who is whose neighbour -> (N, width)."""

    def __init__(self, width: int, gaussians: int = GAUSSIANS) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width + gaussians, 2 * width)
        self.norm_edges = WeightedNorm(2 * width)
        self.norm_atoms = nn.BatchNorm1d(width)
        self.parts = (width, width, gaussians)

    def forward(self, atoms: torch.Tensor, edges: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The atoms after one exchange with their neighbours."""
        own, other, edge = self.mix.weight.split(self.parts, dim=1)
        mixed = linear(edges, edge)
        mixed = mixed + linear(atoms, other).index_select(0, batch.index)
        mixed = mixed + linear(atoms, own, self.mix.bias).index_select(0, batch.atom)
        gate, core = self.norm_edges(mixed, batch.weight).chunk(2, dim=-1)
        message = torch.sigmoid(gate) * softplus(core) * batch.weight.unsqueeze(-1)
        sums = message.new_zeros(atoms.shape).index_add_(0, batch.atom, message)
        return softplus(atoms + self.norm_atoms(sums))


class WeightedNorm(nn.BatchNorm1d):
    """Batch normalisation in which a row counts by its weight: (E, width), (E,) -> (E, width).

    With all weights one it is nn.BatchNorm1d. The running variance takes E - 1 for the sum of the weights less one.
    """

    def forward(self, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """The rows, normalised by the batch's statistics in training and by the running ones otherwise."""
        if not self.training or not len(rows):
            scale = self.weight / torch.sqrt(self.running_var + self.eps)
            return rows * scale + (self.bias - self.running_mean * scale)
        total, column = weight.sum(), weight.unsqueeze(-1)
        mean = (rows * column).sum(dim=0) / total
        centred = rows - mean
        variance = (centred.square() * column).sum(dim=0) / total
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (total / (total - 1).clamp(min=1e-6)), self.momentum)
        return centred * (self.weight / torch.sqrt(variance + self.eps)) + self.bias
