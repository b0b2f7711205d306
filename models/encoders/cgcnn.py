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
from models.encoders.exchange import Edges, exchange
from models.encoders.weighted_norm import WeightedNorm

REACH, STEP = 8.0, 0.2  # A, of the Gaussians
GAUSSIANS = 41


class CGCNN(nn.Module):
    """Batch -> (B, width): embedding, `layers` convolutions, mean over each crystal's atoms."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.register_buffer("elements", torch.tensor(element_table()))  # a copy: several may stand in one file
        self.register_buffer("centres", torch.linspace(0.0, REACH, GAUSSIANS))
        self.embed = nn.Linear(self.elements.shape[1], width)
        self.layers = nn.ModuleList(Convolution(width) for _ in range(layers))

    def forward(self, batch: Batch) -> torch.Tensor:
        """One vector per crystal."""
        return mean_over_atoms(self.atoms(batch), batch)

    def atoms(self, batch: Batch) -> torch.Tensor:
        """(N, width): one vector per atom, after all layers."""
        atoms = self.embedded(batch)
        edges = self.edges(atoms, batch)
        for layer in self.layers:
            atoms = layer(atoms, edges, batch)
        return atoms

    def embedded(self, batch: Batch) -> torch.Tensor:
        """(N, width): what each atom is, before it hears of its neighbours."""
        return linear(self.elements, self.embed.weight, self.embed.bias)[batch.numbers]

    def edges(self, atoms: torch.Tensor, batch: Batch) -> torch.Tensor | Edges:
        """What layers are told of the edges, once for all of them; atoms say on what device and in which numbers."""
        return Edges(batch, STEP, GAUSSIANS) if self.fused(atoms) else gaussians(batch.distance, self.centres)

    def fused(self, atoms: torch.Tensor) -> bool:
        """Whether exchange.py knows the way: float32 on a CPU, and no gradients of running statistics."""
        known = atoms.device.type == "cpu" and atoms.dtype == torch.float32
        return known and not torch.compiler.is_compiling() and (self.training or not atoms.requires_grad)


def mean_over_atoms(atoms: torch.Tensor, batch: Batch) -> torch.Tensor:
    """(N, width) -> (B, width): the mean over each crystal's atoms."""
    share = (1.0 if batch.times is None else batch.times) / batch.counts[batch.graph]
    return atoms.new_zeros(len(batch.counts), atoms.shape[1]).index_add_(0, batch.graph, atoms * share.unsqueeze(1))


def gaussians(distance: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(E,) in A -> (E, gaussians)."""
    return torch.exp(-(((distance.unsqueeze(-1) - centres) / STEP) ** 2))


class Convolution(nn.Module):
    """One layer: atoms (N, width), what is known of the edges, and who is whose neighbour -> (N, width).

    edges: their Gaussians, (E, gaussians), or `Edges`, with which exchange.py does the same faster.
    """

    def __init__(self, width: int, gaussians: int = GAUSSIANS) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width + gaussians, 2 * width)
        self.norm_edges = WeightedNorm(2 * width)
        self.norm_atoms = WeightedNorm(width)
        self.parts = (width, width, gaussians)

    def forward(self, atoms: torch.Tensor, edges: torch.Tensor | Edges, batch: Batch) -> torch.Tensor:
        """The atoms after one exchange with their neighbours."""
        own, other, edge = self.mix.weight.split(self.parts, dim=1)
        if isinstance(edges, Edges):
            nodes = linear(atoms, torch.cat([own, other]), torch.cat([self.mix.bias, torch.zeros_like(self.mix.bias)]))
            sums = exchange(nodes, edge.t().contiguous(), self.norm_edges, edges)
        else:
            mixed = linear(edges, edge)
            mixed = mixed + linear(atoms, other).index_select(0, batch.index)
            mixed = mixed + linear(atoms, own, self.mix.bias).index_select(0, batch.atom)
            counts = batch.weight if batch.times is None else batch.weight * batch.times[batch.atom]
            gate, core = self.norm_edges(mixed, counts).chunk(2, dim=-1)
            message = torch.sigmoid(gate) * softplus(core) * batch.weight.unsqueeze(-1)
            sums = message.new_zeros(atoms.shape).index_add_(0, batch.atom, message)
        return softplus(atoms + self.norm_atoms(sums, batch.times))
