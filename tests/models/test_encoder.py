"""The encoder is CGCNN's function, by either way of computing it, and cannot tell how a crystal was written down."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import softplus

from lake.crystal import Crystal
from lake.graphs.build import build
from lake.graphs.folded import fold
from models.batch import Batch
from models.elements import element_table
from models.encoders.cgcnn import CGCNN, GAUSSIANS, STEP, Convolution, gaussians
from models.encoders.exchange import Edges
from models.network import network, outputs
from models.recipe import Recipe
from tests.models._made import rock_salt

CUBE = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
PEROVSKITE = Crystal(
    np.eye(3) * 3.99, [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.51], [0, 0.5, 0.51]], [56, 22, 8, 8, 8]
)
LONE = Crystal(np.diag([7.0, 7.0, 40.0]), [[0, 0, 0]], [84])
# Shells that twelve neighbours cut: of 8 and 6, of 6 and 12, of 4, 12 and 12, and what a perovskite has.
CUT = {
    "rock salt": rock_salt(11, 17, 5.6),
    "caesium chloride": Crystal(np.eye(3) * 4.1, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17]),
    "face-centred": Crystal(np.eye(3) * 3.6, CUBE, [29] * 4),
    "body-centred": Crystal(np.eye(3) * 2.87, [[0, 0, 0], [0.5, 0.5, 0.5]], [26, 26]),
    "zinc blende": Crystal(np.eye(3) * 5.4, np.vstack([CUBE, CUBE + 0.25]), [30] * 4 + [16] * 4),
    "diamond": Crystal(np.eye(3) * 5.43, np.vstack([CUBE, CUBE + 0.25]), [14] * 8),
    "perovskite": Crystal(np.eye(3) * 3.9, np.vstack([CUBE, [[0.5] * 3]]), [38, 8, 8, 8, 22]),
    "leaning perovskite": PEROVSKITE,
    "fluorite": Crystal(np.eye(3) * 5.46, np.vstack([CUBE, CUBE + 0.25, CUBE + 0.75]), [20] * 4 + [9] * 8),
    "lone atom": LONE,
}  # fmt: skip


def learnt(layers: int, width: int = 16) -> torch.nn.Module:
    """Two tasks, with running statistics that are not their first values."""
    net = network(Recipe(("band_gap", "bulk_modulus"), sharing="hard", width=width, gnn_layers=layers))
    batch = Batch.of(build(list(CUT.values())).batch(np.arange(len(CUT))))
    net.train()
    for _ in range(20):
        net(batch)
    return net


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    return learnt(4)


def said(net: torch.nn.Module, *crystals: Crystal) -> np.ndarray:
    return outputs(net, build(crystals), np.arange(len(crystals)))


def larger(crystal: Crystal, times: tuple[int, int, int]) -> Crystal:
    """The same crystal in a cell that holds several of it."""
    shifts = np.array(list(itertools.product(*map(range, times))))
    positions = (crystal.positions[:, None] + shifts).reshape(-1, 3) / times
    return Crystal(crystal.lattice * np.array(times)[:, None], positions, np.repeat(crystal.numbers, len(shifts)))


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(["", *CUT]))
def test_rotation_shift_site_order_and_choice_of_cell_change_nothing(net, seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    any_crystal = Crystal(np.eye(3) * 6 + rng.normal(size=(3, 3)) * 0.5, rng.random((4, 3)), rng.integers(1, 90, 4))
    crystal = CUT.get(name, any_crystal)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cell = np.array([[1, 0, 0], [rng.integers(-1, 2), 1, 0], [rng.integers(-1, 2), rng.integers(-1, 2), 1]])
    order = rng.permutation(len(crystal))
    shifted = crystal.positions @ np.linalg.inv(cell) + rng.random(3)
    moved = Crystal(cell @ crystal.lattice @ rotation, shifted[order], crystal.numbers[order])
    np.testing.assert_allclose(said(net, moved), said(net, crystal), atol=1e-5)


@pytest.mark.parametrize("name", CUT)
def test_a_supercell_changes_nothing(net, name: str) -> None:
    np.testing.assert_allclose(said(net, larger(CUT[name], (2, 3, 1))), said(net, CUT[name]), atol=1e-5)


def test_a_crystal_is_answered_alike_in_every_company(net) -> None:
    together = said(net, *CUT.values())
    alone = np.concatenate([said(net, crystal) for crystal in CUT.values()])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_training_learns_the_same_from_a_crystal_and_its_supercell() -> None:
    states = []
    for times in ((1, 1, 1), (2, 1, 2)):
        net = network(Recipe(("band_gap",), width=16, gnn_layers=3)).train()
        batch = Batch.of(build([larger(crystal, times) for crystal in CUT.values()]).batch(np.arange(len(CUT))))
        net(batch).square().sum().backward()
        states.append({name: p.grad for name, p in net.named_parameters() if not name.endswith("mix.bias")})
        states[-1] |= {name: b for name, b in net.named_buffers() if name.endswith("running_mean")}
    for name, gradient in states[0].items():
        close(states[1][name], gradient, 1e-4)


def close(found: torch.Tensor, wanted: torch.Tensor, tolerance: float = 1e-5) -> None:
    """Equal to the tolerance, of the largest number there is."""
    torch.testing.assert_close(found, wanted, atol=tolerance * max(float(wanted.abs().max()), 1e-3), rtol=0)


def published_layer(layer: Convolution, atoms, edges, index) -> torch.Tensor:
    """Xie and Grossman's layer as it is written in the paper: concatenate first, one linear map, two batch norms."""
    n, k = index.shape
    joined = torch.cat([atoms.unsqueeze(1).expand(n, k, -1), atoms[index], edges], dim=2)
    gated = torch.nn.BatchNorm1d.forward(layer.norm_edges, layer.mix(joined).view(n * k, -1)).view(n, k, -1)
    gate, core = gated.chunk(2, dim=2)
    return softplus(atoms + layer.norm_atoms((torch.sigmoid(gate) * softplus(core)).sum(dim=1), None))


def untied(atoms: int, k: int = 12) -> Batch:
    """So many atoms with k neighbours each at any distances, every edge counting one."""
    starts = torch.arange(atoms + 1, dtype=torch.int32) * k
    index = torch.randint(0, atoms, (atoms * k,), dtype=torch.int32)
    distance = torch.rand(atoms * k) * 8
    numbers, graph = torch.randint(1, 90, (atoms,)), torch.zeros(atoms, dtype=torch.int64)
    return Batch(numbers, graph, torch.tensor([float(atoms)]), starts, index, distance, torch.ones(atoms * k))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_equals_the_published_one_on_the_same_weights(fused: bool, training: bool) -> None:
    torch.manual_seed(0)
    layer, other, batch, atoms = Convolution(8), Convolution(8), untied(9), torch.randn(9, 8)
    other.load_state_dict(layer.state_dict())
    layer.train(training), other.train(training)
    known = gaussians(batch.distance, torch.linspace(0, 8, GAUSSIANS))
    with torch.set_grad_enabled(training or not fused):
        wanted = published_layer(other, atoms, known.view(9, 12, -1), batch.index.view(9, 12))
        found = layer(atoms, Edges(batch, STEP, GAUSSIANS) if fused else known, batch)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    if found.requires_grad:
        push = torch.randn(9, 8)
        (wanted * push).sum().backward(), (found * push).sum().backward()
        for (name, p), q in zip(layer.named_parameters(), other.parameters(), strict=True):
            if not (training and name == "mix.bias"):  # which the norm takes out again
                close(p.grad, q.grad)
    for (name, p), q in zip(layer.named_buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-5, rtol=1e-5, msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.parametrize(("width", "layers"), [(12, 2), (64, 1), (128, 2)])
def test_both_ways_of_computing_say_and_learn_the_same(width: int, layers: int) -> None:
    torch.manual_seed(0)
    compiled, plain = CGCNN(width, layers).train(), CGCNN(width, layers).train()
    plain.load_state_dict(compiled.state_dict())
    plain.fused = lambda atoms: False
    crystals = [*CUT.values(), Crystal(np.eye(3) * 30.0, [[0, 0, 0]], [2])]  # the last has no neighbour within 8 A
    rng = np.random.default_rng(0)  # alone a small crystal would have channels that hardly vary, where rounding grows
    alone = [Crystal(np.eye(3) * 9, rng.random((24, 3)), rng.integers(1, 90, 24))]
    batch, one = (Batch.of(build(some).batch(np.arange(len(some)))) for some in (crystals, alone))
    assert (batch.weight < 1).any() and (batch.starts.diff() == 0).any()
    push = torch.randn(len(crystals), width)
    for some in (one, batch):
        told, wanted = compiled(some), plain(some)
        torch.testing.assert_close(told, wanted, atol=1e-5, rtol=1e-5)
    (told * push).sum().backward(), (wanted * push).sum().backward()
    for (name, p), q in zip(compiled.named_parameters(), plain.named_parameters(), strict=True):
        if not name.endswith("mix.bias"):
            close(p.grad, q[1].grad, 3e-5)
    for p, q in zip(compiled.eval().buffers(), plain.eval().buffers(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-6, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(compiled(batch), plain(batch), atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    """Of the plain way, in float64, where the compiled one has been held to it."""
    torch.manual_seed(0)
    layer, batch = Convolution(3).double(), untied(5, k=4)
    batch.weight[::3] = 0.25
    known = gaussians(batch.distance, torch.linspace(0, 8, GAUSSIANS)).double()
    atoms = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    batch = replace(batch, weight=batch.weight.double())
    assert torch.autograd.gradcheck(lambda atoms, w: layer_of(layer, w, atoms, known, batch), (atoms, layer.mix.weight))


def layer_of(layer: Convolution, weight, atoms, known, batch) -> torch.Tensor:
    return torch.func.functional_call(layer, {"mix.weight": weight}, (atoms, known, batch))


def test_the_same_step_gives_the_same_bits_and_may_be_taken_back_twice() -> None:
    batch = Batch.of(build(list(CUT.values())).batch(np.arange(len(CUT))))
    encoder = CGCNN(16, 3).train()
    gradients = []
    for _ in range(2):
        loss = encoder(batch).square().sum()
        for keep in (True, False):
            gradients.append(torch.autograd.grad(loss, list(encoder.parameters()), retain_graph=keep))
    for others in gradients[1:]:
        assert all(torch.equal(p, q) for p, q in zip(gradients[0], others, strict=True))


def test_a_folded_graph_says_and_teaches_what_the_whole_one_does() -> None:
    graphs = build([larger(crystal, (2, 1, 2)) for crystal in CUT.values()])
    folded = fold(graphs)
    assert len(folded.numbers) < len(graphs.numbers) / 6
    rows = np.arange(len(graphs))[::-1]
    one, other = CGCNN(16, 3).train(), CGCNN(16, 3).train()
    other.load_state_dict(one.state_dict())
    push = torch.randn(len(graphs), 16)
    for encoder, some in ((one, graphs), (other, folded)):
        (encoder(Batch.of(some.batch(rows))) * push).sum().backward()
    for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
        if not name.endswith("mix.bias"):
            close(q.grad, p.grad, 1e-4)
    with torch.no_grad():
        torch.testing.assert_close(
            one.eval()(Batch.of(graphs.batch(rows))), one(Batch.of(folded.batch(rows))), atol=1e-5, rtol=1e-5
        )


def test_what_diverges_shows_it() -> None:
    encoder, batch = CGCNN(8, 2).train(), Batch.of(build([PEROVSKITE, LONE]).batch(np.arange(2)))
    with torch.no_grad():
        encoder.layers[0].mix.weight[0, 0] = torch.nan
    assert encoder(batch).isnan().any()


def test_no_two_elements_look_the_same() -> None:
    assert len(np.unique(element_table(), axis=0)) == 119
