"""Multi-gate mixture of experts: what gates weigh, what is kept of them, its forms of one task and of one expert."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.checkpoint import read
from models.dataset import training_rows
from models.fit import fit
from models.network import network
from models.recipe import Recipe, RecipeError
from tests.models._schemes import TASKS, recipe_of
from tests.models.test_encoder import CUT, larger
from tests.models.test_sharing import BATCH, TARGETS, said, warm

ENCODERS = (("expert", "encoder"), ("experts", 2))


def test_of_one_expert_it_is_hard_sharing_with_a_layer_more() -> None:
    net = network(recipe_of("mmoe", options=(("experts", 1),))).eval()
    with torch.no_grad():
        more = softplus(net.experts[0](net.encoder(BATCH)))
        told = torch.stack([decoder(more) for decoder in net.decoders.values()], dim=1)
        torch.testing.assert_close(net(BATCH), told)


def test_of_one_task_it_learns_what_it_learns_beside_a_task_without_labels() -> None:
    alone, beside = network(recipe_of("mmoe", TASKS[:1])), network(recipe_of("mmoe"))
    silent = TARGETS.index_fill(1, torch.tensor([1]), torch.nan)
    one, two = alone.losses(BATCH, TARGETS[:, :1], "l1")[0], beside.losses(BATCH, silent, "l1")[0]
    torch.testing.assert_close(one, two[:1])
    one.sum().backward()
    two.sum().backward()
    found = dict(beside.named_parameters())
    for name, weight in alone.named_parameters():
        torch.testing.assert_close(found[name].grad, weight.grad, msg=name)


@pytest.mark.parametrize("options", [(("experts", 3),), (*ENCODERS[:1], ("experts", 3))])
def test_experts_added_leave_the_first_weights_of_the_others_alone(options: tuple) -> None:
    fewer = network(recipe_of("mmoe", options=(*options[:-1], ("experts", 2)))).experts.state_dict()
    more = network(recipe_of("mmoe", options=options)).experts.state_dict()
    assert all(torch.equal(more[name], tensor) for name, tensor in fewer.items())


def test_gates_shown_are_their_mean_over_labelled_rows_and_nothing_where_there_are_none() -> None:
    net = network(recipe_of("mmoe")).train()
    known = TARGETS.index_fill(1, torch.tensor([1]), torch.nan)
    known[3:, 0] = torch.nan
    with torch.no_grad():
        net.gates[TASKS[0]].weight *= 20  # so that crystals differ
        gates = net.gates[TASKS[0]](net.encoder(BATCH)).softmax(dim=-1)
    net.losses(BATCH, known, "l1")
    (shown,) = net.structures()
    assert (shown.rows, shown.values.shape) == (TASKS, (2, 4))
    np.testing.assert_allclose(shown.values[0], gates[:3].mean(dim=0).numpy(), atol=1e-6)
    assert np.isnan(shown.values[1]).all()
    net.eval().losses(BATCH, TARGETS, "l1")
    assert np.isnan(net.structures()[0].values[1]).all()  # nothing is learnt, nothing is kept


@pytest.mark.parametrize("options", [(), ENCODERS])
def test_gates_come_back_from_the_file_of_a_run(salts: Lake, tmp_path: Path, options: tuple) -> None:
    recipe = recipe_of("mmoe", options=options)
    run = fit(recipe, training_rows(salts, TASKS), GraphStore(salts), tmp_path)
    (shown,) = read(run.checkpoint).network().structures()
    np.testing.assert_allclose(shown.values.sum(axis=1), 1.0, rtol=1e-5)
    assert shown.columns[:2] == ("expert 1", "expert 2")
    assert run.history[-1]["loss_train"] < run.history[0]["loss_train"]


def test_experts_that_are_encoders_cannot_tell_a_crystal_from_its_supercell() -> None:
    net = warm(recipe_of("mmoe", options=ENCODERS))
    here = CUT["leaning perovskite"]
    np.testing.assert_allclose(said(net, larger(here, (2, 1, 2))), said(net, here), atol=1e-5)
    assert sorted(map(id, net.shared())) == sorted(map(id, net.experts.parameters()))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"options": (("experts", 0),)}, "experts must be 1 or more, found 0"),
        ({"options": (("expert", "oracle"),)}, "expert must be one of layer, encoder, found 'oracle'"),
        ({"options": ENCODERS, "starts": ("a run",)}, "would begin alike"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        network(Recipe(TASKS, sharing="mmoe", **fields))
