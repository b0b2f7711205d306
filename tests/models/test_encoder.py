"""The encoder is CGCNN's function, and cannot tell how a crystal was written down."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import softplus

from lake.crystal import Crystal
from lake.graphs.build import build
from models.batch import Batch
from models.elements import element_table
from models.encoders.cgcnn import Convolution
from models.network import network, outputs
from models.recipe import Recipe
from tests.models._made import rock_salt

PEROVSKITE = Crystal(
    np.eye(3) * 3.99, [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.51], [0, 0.5, 0.51]], [56, 22, 8, 8, 8]
)
LONE = Crystal(np.diag([7.0, 7.0, 40.0]), [[0, 0, 0]], [84])


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    """Two tasks, three layers, with running statistics that are not their first values."""
    net = network(Recipe(("band_gap", "bulk_modulus"), sharing="hard", width=16, gnn_layers=3))
    graphs = build([rock_salt(11, 17, 5.6), PEROVSKITE, rock_salt(12, 8, 4.2)])
    net.train()
    for _ in range(20):
        net(Batch.of(graphs.batch(np.arange(3))))
    return net


def said(net: torch.nn.Module, *crystals: Crystal) -> np.ndarray:
    return outputs(net, build(crystals), np.arange(len(crystals)))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_rotation_shift_and_site_order_change_nothing(net: torch.nn.Module, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    crystal = Crystal(np.eye(3) * 6 + rng.normal(size=(3, 3)) * 0.5, rng.random((4, 3)), rng.integers(1, 90, 4))
    order = rng.permutation(4)
    moved = Crystal(crystal.lattice @ rotation, (crystal.positions + rng.random(3))[order], crystal.numbers[order])
    np.testing.assert_allclose(said(net, moved), said(net, crystal), atol=1e-4)


@pytest.mark.parametrize("crystal", [PEROVSKITE, rock_salt(11, 17, 5.6), LONE])
def test_a_supercell_changes_nothing(net: torch.nn.Module, crystal: Crystal) -> None:
    shifts = np.array(list(itertools.product(range(2), range(3), range(1))))
    positions = (crystal.positions[:, None] + shifts).reshape(-1, 3) / [2, 3, 1]
    big = Crystal(crystal.lattice * [[2], [3], [1]], positions, np.repeat(crystal.numbers, len(shifts)))
    np.testing.assert_allclose(said(net, big), said(net, crystal), atol=1e-4)


def test_a_crystal_is_answered_alike_in_every_company(net: torch.nn.Module) -> None:
    together = said(net, LONE, PEROVSKITE, rock_salt(11, 17, 5.6))
    alone = np.concatenate([said(net, c) for c in (LONE, PEROVSKITE, rock_salt(11, 17, 5.6))])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def published_layer(layer: Convolution, atoms, edges, index) -> torch.Tensor:
    """Xie and Grossman's layer as it is written in the paper: concatenate first, one linear map, two batch norms."""
    n, k = index.shape
    joined = torch.cat([atoms.unsqueeze(1).expand(n, k, -1), atoms[index], edges], dim=2)
    gated = layer.norm_edges(layer.mix(joined).view(n * k, -1)).view(n, k, -1)
    gate, core = gated.chunk(2, dim=2)
    return softplus(atoms + layer.norm_atoms((torch.sigmoid(gate) * softplus(core)).sum(dim=1)))


def test_a_layer_equals_the_published_one_on_the_same_weights() -> None:
    torch.manual_seed(0)
    layer = Convolution(8)
    atoms, edges, index = torch.randn(7, 8), torch.rand(7, 12, 41), torch.randint(0, 7, (7, 12))
    wanted = published_layer(layer, atoms, edges, index)
    torch.testing.assert_close(layer(atoms, edges, index, None), wanted, atol=1e-5, rtol=1e-5)
    real = torch.ones(7, 12, dtype=torch.bool)
    torch.testing.assert_close(layer(atoms, edges, index, real), wanted, atol=1e-5, rtol=1e-5)


def test_empty_slots_are_masked_in_sum_and_normalisation() -> None:
    torch.manual_seed(0)
    layer = Convolution(8)
    atoms, edges, index = torch.randn(5, 8), torch.rand(5, 6, 41), torch.randint(0, 5, (5, 6))
    real = torch.ones(5, 6, dtype=torch.bool)
    real[:, 4:] = False
    wanted = layer(atoms, edges[:, :4], index[:, :4], None)
    torch.testing.assert_close(layer(atoms, edges, index, real), wanted, atol=1e-5, rtol=1e-5)


def test_no_two_elements_look_the_same() -> None:
    assert len(np.unique(element_table(), axis=0)) == 119
