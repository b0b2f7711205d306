"""Matformer is its paper's gate on the house's graphs, and cannot tell how a crystal was written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import silu

from lake.crystal import Crystal
from lake.graphs.build import build
from lake.graphs.folded import fold
from models.batch import Batch
from models.encoders import matformer
from models.encoders.matformer import GatedAttention, Matformer
from tests.models.test_encoder import CUT, close, larger, untied


def batch_of(*crystals: Crystal) -> Batch:
    return Batch.of(build(crystals).batch(np.arange(len(crystals))))


@pytest.fixture(scope="module")
def encoder() -> Matformer:
    """With running statistics that are not their first values."""
    torch.manual_seed(0)
    made, batch = Matformer(16, 3).train(), batch_of(*CUT.values())
    for _ in range(20):
        made(batch)
    return made.eval()


@pytest.mark.parametrize("name", CUT)
@torch.no_grad()
def test_rotation_shift_site_order_and_choice_of_cell_change_nothing(encoder: Matformer, name: str) -> None:
    rng, crystal = np.random.default_rng(1), CUT[name]
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cell, order = np.array([[1, 0, 0], [-1, 1, 0], [1, -1, 1]]), rng.permutation(len(crystal))
    shifted = crystal.positions @ np.linalg.inv(cell) + rng.random(3)
    moved = Crystal(cell @ crystal.lattice @ rotation, shifted[order], crystal.numbers[order])
    told = encoder(batch_of(crystal, moved, larger(crystal, (2, 1, 2))))
    torch.testing.assert_close(told, told[:1].expand(3, -1), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_crystal_is_answered_alike_in_every_company(encoder: Matformer) -> None:
    together = encoder(batch_of(*CUT.values()))
    alone = torch.cat([encoder(batch_of(crystal)) for crystal in CUT.values()])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_supercells_and_folded_graphs_say_and_teach_the_same() -> None:
    graphs = [build([larger(crystal, times) for crystal in CUT.values()]) for times in ((1, 1, 1), (2, 1, 2))]
    told, states = [], []
    for some in (*graphs, fold(graphs[1])):
        torch.manual_seed(0)
        encoder, push = Matformer(16, 3).train(), torch.randn(len(CUT), 16)
        said = encoder(Batch.of(some.batch(np.arange(len(CUT)))))
        (said * push).sum().backward()
        told.append(said.detach())
        states.append({name: p.grad for name, p in encoder.named_parameters() if not name.endswith("mix.bias")})
        states[-1] |= {name: b for name, b in encoder.named_buffers() if name.endswith("running_mean")}
    for said, state in zip(told[1:], states[1:], strict=True):
        torch.testing.assert_close(said, told[0], atol=1e-5, rtol=1e-5)
        for name, wanted in states[0].items():
            close(state[name], wanted, 1e-4)


def written_out(layer: GatedAttention, atoms: torch.Tensor, edges: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The layer as the paper writes it: join the three parts for every edge, head by head, then gate and add up."""
    told = layer.of_atoms(atoms).unflatten(1, (8, layer.heads, -1))
    bond = layer.of_edges(edges).unflatten(1, (4, layer.heads, -1))
    i, j, sums = batch.atom, batch.index, []
    for h in range(layer.heads):
        query, key = told[:, 0, h], told[:, 1, h]
        joined = torch.cat([key[i], key[j], bond[:, 0, h]], dim=1)
        gate = torch.sigmoid(layer.norm_gate(query[i].repeat(1, 3) * joined / joined.shape[1] ** 0.5))
        value = told[i, 2:5, h] + told[j, 5:, h] + bond[:, 1:, h]
        message = gate.view_as(value) * value * batch.weight[:, None, None]
        sums.append(torch.stack([message[i == atom].sum(dim=0) for atom in range(len(atoms))]))
    mixed = layer.mix(torch.stack(sums, dim=2).flatten(1))
    return atoms + silu(torch.nn.BatchNorm1d.forward(layer.norm_atoms, mixed))


def learnt(layer: GatedAttention, atoms: torch.Tensor, edges: torch.Tensor, which: torch.Tensor, batch: Batch) -> list:
    """What the layer says, and the gradients of all that it heard."""
    inputs = [atoms.clone().requires_grad_(), edges.clone().requires_grad_(), *layer.parameters()]
    said = layer(*inputs[:2], which, batch)
    push = torch.linspace(-1, 1, said.numel(), dtype=said.dtype).view_as(said)
    return [said.detach(), *torch.autograd.grad((said * push).sum(), inputs)]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("width", [8, 12, 6])
def test_a_layer_is_the_papers_written_out(width: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(matformer, "fused", lambda told: compiled)
    layer, batch, atoms, edges = GatedAttention(width), untied(9), torch.randn(9, width), torch.randn(108, width)
    torch.nn.init.normal_(layer.norm_gate.weight), torch.nn.init.normal_(layer.norm_gate.bias)
    batch.weight[::3] = 0.25
    which = torch.randperm(len(edges))
    found = layer(atoms, edges, which, batch)
    torch.testing.assert_close(found, written_out(layer, atoms, edges[which], batch), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("width", [12, 64])
def test_both_ways_of_computing_say_and_learn_the_same(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, batch, atoms, edges = GatedAttention(width), untied(40), torch.randn(40, width), torch.randn(50, width)
    torch.nn.init.normal_(layer.norm_gate.weight), torch.nn.init.normal_(layer.norm_gate.bias)
    batch.weight[::3] = 0.25
    which = torch.randint(0, len(edges), (len(batch.index),))
    compiled, again = (learnt(layer, atoms, edges, which, batch) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(compiled, again, strict=True))
    monkeypatch.setattr(matformer, "fused", lambda told: False)
    for found, wanted in zip(compiled, learnt(layer, atoms, edges, which, batch), strict=True):
        close(found, wanted, 1e-4 if wanted.abs().max() > 1e-2 else 1.0)  # the norm takes the last bias out again


def test_gradients_are_those_of_finite_differences() -> None:
    """Of the plain way, in float64, to which the compiled one is held."""
    torch.manual_seed(0)
    layer, batch = GatedAttention(4).double(), untied(4, k=3)
    batch = replace(batch, weight=batch.weight.double())
    atoms, edges = (torch.randn(n, 4, dtype=torch.float64, requires_grad=True) for n in (4, 12))
    assert torch.autograd.gradcheck(lambda a, e: layer(a, e, torch.arange(12), batch), (atoms, edges))


def test_atoms_without_neighbours_and_without_company_are_told() -> None:
    encoder = Matformer(8, 2)
    apart = [Crystal(np.eye(3) * 30.0, [[0, 0, 0]], [2]), CUT["lone atom"]]
    assert encoder.train()(batch_of(*apart)).isfinite().all()
    with torch.no_grad():
        assert encoder.eval()(batch_of(apart[0])).isfinite().all()
