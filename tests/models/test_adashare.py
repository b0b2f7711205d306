"""AdaShare: what tasks decide, what it costs, and what a search leaves to the second run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from lake.crystal import Crystal
from lake.graphs.build import build
from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.batch import Batch
from models.checkpoint import read
from models.dataset import training_rows
from models.fit import fit
from models.network import network
from models.recipe import Recipe, RecipeError
from models.sharing.policies import drawn, gumbel, sharing_price, sparsity_price
from models.sharing.scheme import Start, key
from models.stages import stages
from models.streams import stream
from models.training import Training
from tests.models._schemes import TASKS, recipe_of
from tests.models.test_encoder import CUT

BATCH = Batch.of(build(list(CUT.values())).batch(np.arange(len(CUT))))
TARGETS = torch.linspace(-1, 1, 2 * len(CUT)).reshape(-1, 2)
DEEP = {"gnn_layers": 4, "epochs": 20}


def chains(n: int, seed: int) -> tuple[list[Crystal], np.ndarray]:
    """Two chains of four atoms and a lone one, all further apart than neighbours are sought; and two labels (n, 2).

    The first is told by the lone atom's element, the second by which ends belong together, three bonds apart: who is
    next to whom is always the same, so that one convolution cannot know.
    """
    rng = np.random.default_rng(seed)
    lone, swapped = rng.integers(0, 4, n), rng.integers(0, 2, n)
    places = [[5 * k, row, 0] for row in (0, 15) for k in range(4)] + [[0, 0, 15]]
    crystals = [
        Crystal(
            np.eye(3) * 30,
            ((np.array(places) + rng.normal(size=(9, 3)) * 0.1) / 30) % 1,
            [3, 13, 13, (9, 17)[end], 19, 13, 13, (17, 9)[end], (6, 7, 8, 26)[which]],
        )
        for which, end in zip(lone, swapped, strict=True)
    ]
    labels = np.stack([lone, swapped], axis=1).astype(np.float32)
    return crystals, (labels - labels.mean(axis=0)) / labels.std(axis=0)


def taught(recipe: Recipe, crystals: list[Crystal], labels: np.ndarray) -> torch.nn.Module:
    """A network that learnt these labels."""
    graphs, targets = build(crystals), torch.from_numpy(labels)
    with stream(recipe.seed, "training"):
        training = Training(recipe, network(recipe), len(targets))
        while not training.over:
            for turn, part in training.left():
                training.step(Batch.of(graphs.batch(part)), targets[part], turn)
            training.close(None)
    return training.finish()


def search(**options: float) -> Recipe:
    """Of a second block, that is needed for what lies three bonds apart."""
    asked = {"tau": 1.0, "warm_up": 0.5, "policy_rate": 5.0, "sparsity": 0.01, **options}
    fields = {"epochs": 25, "batch_size": 16, "learning_rate": 2e-2, "seed": 4}
    return recipe_of("adashare", options=tuple(asked.items()), **fields)


def begun(policy: list[list[float]], **fields: object) -> torch.nn.Module:
    """A second run whose search was certain of this policy."""
    first = recipe_of("adashare", **{"gnn_layers": len(policy[0])} | fields)
    weights = {
        f"policies.{key(task)}": torch.tensor([[100.0 * run, 100.0 - 100.0 * run] for run in runs])
        for task, runs in zip(first.tasks, policy, strict=True)
    }
    net = network(replace(first, starts=(first.slug,)))
    net.begin([Start(first, weights | {"under_policy": torch.tensor(len(policy[0]))})])
    return net


def calls(net: torch.nn.Module, run: Callable[[], object]) -> int:
    """How often a convolution is computed in this."""
    counted: list[object] = []
    hooks = [layer.register_forward_hook(lambda *_: counted.append(1)) for layer in net.encoder.layers]
    run()
    for hook in hooks:
        hook.remove()
    return len(counted)


def test_tasks_at_odds_part_and_the_one_that_needs_no_layer_skips_it() -> None:
    # so in 11 of the seeds 0 to 11: under seed 0 the second task is not learnt in so few epochs, and both skip
    (lone, ends), *_ = taught(search(sharing=0.005), *chains(128, 4)).chances()[:, 1:].T.tolist()
    assert lone < 0.3 < 0.6 < ends


def test_equal_tasks_agree() -> None:
    crystals, labels = chains(128, 4)
    (one, other), *_ = taught(search(sharing=0.5), crystals, labels[:, [1, 1]]).chances()[:, 1:].T.tolist()
    assert one == pytest.approx(other, abs=0.1) and one > 0.6


def test_a_block_before_its_time_is_run_exactly_and_nothing_is_added() -> None:
    net, hard = network(recipe_of("adashare", **DEEP)).train(), network(recipe_of("hard", **DEEP)).train()
    with torch.no_grad():
        for logits in net.policies.values():
            logits[:, 1] = 50.0  # all that is asked would be skipped
    net.at(0.1)
    assert torch.equal(net(BATCH), hard(BATCH)) and net.losses(BATCH, TARGETS, "l1")[2] is None
    net.at(0.2)  # the last block only
    layers = net.encoder.layers
    last = calls(net, lambda: net(BATCH))
    told = net(BATCH)
    with torch.no_grad():
        for logits in net.policies.values():
            logits[:3, 1] = -50.0
    assert torch.equal(net(BATCH), told) and last == len(layers)
    assert not torch.equal(told, hard(BATCH))


def test_one_more_block_comes_under_policy_after_each_few_passes_and_the_temperature_falls() -> None:
    net = network(recipe_of("adashare", gnn_layers=4, epochs=10))
    seen = []
    for epoch in range(10):
        for part in (0.0, 0.5, 0.99):
            net.at((epoch + part) / 10)
            seen.append((int(net.under_policy), round(float(net.temperature), 4), net.settled))
    each = seen[::3]
    assert seen[1::3] == each and seen[2::3] == each  # whole passes
    assert [count for count, *_ in each] == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert [warmth for _, warmth, _ in each[2:]] == [round(5 * 0.965**n, 4) for n in range(8)]
    assert [done for *_, done in each] == [False] * 8 + [True] * 2


def test_noise_is_the_steps_and_the_tasks_own() -> None:
    two, three = (network(recipe_of("adashare", tasks)) for tasks in (TASKS, (*TASKS, "shear_modulus")))
    noise = []
    for progress in (0.5, 0.6):
        two.at(progress)
        three.at(progress)
        for at, task in enumerate(two.recipe.tasks):
            assert torch.equal(two.noise[at], three.noise[three.recipe.tasks.index(task)])
        noise.append(two.noise)
    assert not torch.equal(*noise) and not torch.equal(*noise[0])
    assert float(gumbel((20_000,), 0, "any").mean()) == pytest.approx(0.5772, abs=0.03)


@pytest.mark.parametrize(
    ("policy", "computed"),
    [
        ([[1, 1, 1], [1, 1, 1]], 3),  # what hard sharing takes
        ([[1, 0, 0], [1, 0, 0]], 1),
        ([[1, 1, 1], [1, 0, 0]], 3),  # the second leaves the path of the first
        ([[1, 1, 0], [1, 0, 1]], 3),
        ([[1, 1, 1], [1, 0, 1]], 4),  # the third on two paths
    ],
)
def test_a_block_costs_only_those_who_run_it_and_once_what_is_common(policy: list, computed: int) -> None:
    net = begun(policy)
    assert net.structures()[0].values.tolist() == policy
    assert calls(net.train(), lambda: net.losses(BATCH, TARGETS, "l1")) == computed
    assert calls(net.eval(), lambda: net(BATCH)) == computed


def test_a_skipped_layer_of_a_decoder_costs_nothing_and_one_of_another_width_is_run() -> None:
    wide = {"decoder_layers": 2, "gnn_layers": 2, "options": (("decoders", 1),), "decoders": ((TASKS[1], 1, 5),)}
    net = begun([[1, 1, 0, 0], [1, 1, 0, 0]], **wide).eval()
    values = net.structures()[0].values
    assert net.structures()[0].columns[2:] == ("decoder 1", "decoder 2")
    np.testing.assert_array_equal(values, [[1, 1, 0, 0], [1, 1, 1, np.nan]])
    counted = []
    for decoder in net.decoders.values():
        for step in decoder.steps:
            step.register_forward_hook(lambda step, *_: counted.append(isinstance(step, torch.nn.Linear)))
    net(BATCH)
    assert sum(counted) == 3  # the last of one, both of the other
    soft = network(replace(net.recipe, starts=())).train()
    soft.at(0.99)
    *_, price = soft.losses(BATCH, TARGETS, "l1")
    price.backward()
    assert torch.isfinite(price) and all(torch.isfinite(logits.grad).all() for logits in soft.policies.values())


@pytest.mark.parametrize("tasks", [TASKS, TASKS[:1]])
def test_a_second_run_that_skips_nothing_is_hard_sharing_weight_for_weight(tasks: tuple[str, ...]) -> None:
    net, hard = begun([[1, 1, 1]] * len(tasks), tasks=tasks), network(recipe_of("hard", tasks, gnn_layers=3))
    for one in (net, hard):
        training = Training(one.recipe, one.train(), len(TARGETS))
        for _ in range(3):
            training.step(BATCH, TARGETS[:, : len(tasks)])
    for (name, mine), theirs in zip(net.named_parameters(), hard.parameters(), strict=True):
        assert torch.equal(mine, theirs), name
    assert torch.equal(net.eval()(BATCH), hard.eval()(BATCH))


def test_norms_know_what_came_their_tasks_way_and_nothing_else() -> None:
    net = begun([[1, 1, 1], [1, 0, 1]]).train()
    net(BATCH)
    first, _, last = (layer.norm_atoms.means for layer in net.encoder.layers)
    assert torch.equal(first[0], first[1]) and not torch.equal(last[0], last[1])
    assert len(net.shared()) == len(list(net.encoder.parameters()))
    assert len(begun([[1, 0, 1], [1, 0, 1]]).shared()) == len(net.shared()) - len([*net.encoder.layers[1].parameters()])
    before = last[0].clone()
    net.losses(BATCH, TARGETS.index_fill(1, torch.tensor(0), torch.nan), "l1")
    assert torch.equal(last[0], before) and torch.equal(first[0], first[1])


def test_a_task_without_labels_here_learns_nothing_of_its_policy() -> None:
    net = network(recipe_of("adashare", **DEEP)).train()
    net.at(0.99)
    losses, present, price = net.losses(BATCH, TARGETS.index_fill(1, torch.tensor(1), torch.nan), "l1")
    (losses.sum() + price).backward()
    there, absent = net.policies.values()
    assert there.grad[1:].all() and not there.grad[0].any() and present.tolist() == [True, False]
    assert absent.grad is None or not absent.grad.any()


def test_differing_costs_more_below_and_no_more_with_many_tasks() -> None:
    weights = torch.tensor([1.0, 0.5])
    one, two = torch.tensor([[1.0, 0.2], [0.0, 0.2]]), torch.tensor([[0.2, 1.0], [0.2, 0.0]])
    assert float(sharing_price(one, weights)) == 2 * float(sharing_price(two, weights)) == 0.5
    assert float(sharing_price(one[:1], weights)) == 0.0
    assert float(sharing_price(one.repeat(10, 1), weights)) < 0.5
    logits = torch.zeros(3, 2, requires_grad=True)
    sparsity_price([logits]).backward()
    assert (logits.grad[:, 0] > 0).all() and (logits.grad[:, 1] < 0).all()  # down it goes towards `skip`


def test_policies_are_drawn_as_often_as_their_chances_say_and_tasks_of_one_mind_draw_the_same() -> None:
    chances = torch.tensor([[1.0, 0.3, 0.8], [1.0, 0.3, 0.1]])
    draws = torch.stack([drawn(chances, 0, draw) for draw in range(2000)])
    np.testing.assert_allclose(draws.mean(dim=0), chances, atol=0.04)
    assert torch.equal(draws[:, 0, :2], draws[:, 1, :2])
    assert torch.equal(draws[5][1:], drawn(chances[1:], 0, 5))


def test_a_second_run_takes_the_searchs_policy_and_no_weights(salts: Lake, tmp_path) -> None:
    options = (("passes_per_block", 1), ("policy_rate", 30.0))
    (first,), seconds = stages(recipe_of("adashare", gnn_layers=3, epochs=4, options=options))
    rows, store = training_rows(salts, TASKS), GraphStore(salts)
    found = read(fit(first, rows, store, tmp_path).checkpoint).network()
    assert found.settled and (found.chances()[:, 1:] != 0.5).all()  # no state of before is kept as the best
    second = replace(seconds[0], epochs=1)
    net = network(second)
    fresh = {name: weight.clone() for name, weight in net.named_parameters()}
    net.begin([Start(first, found.state_dict())])
    assert all(torch.equal(weight, fresh[name]) for name, weight in net.named_parameters())
    kept = read(fit(second, rows, store, tmp_path).checkpoint).network()
    assert torch.equal(kept.policy, net.policy)
    assert torch.equal(kept.policy, drawn(found.chances(), second.seed, 0))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"encoder": "matformer"}, "layers of the encoder 'cgcnn', found 'matformer'"),
        ({"gnn_layers": 1}, "needs gnn_layers 2 or more"),
        ({"starts": ("any",), "start_rate": 0.1}, "start_rate must be 1, found 0.1"),
        ({"options": (("tau", 0.0),)}, "option tau must be 0.001 or more, found 0"),
        ({"options": (("warm_up", 1.0),)}, "warm_up must be 0 or more and below 1, found 1"),
    ],
)
def test_what_it_cannot_decide_is_refused(fields: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        network(recipe_of("adashare", **fields))


def test_a_second_run_begins_with_a_search_of_the_same_tasks_and_layers() -> None:
    second = network(recipe_of("adashare", starts=("any",)))
    for other, said in (
        (recipe_of("hard"), "sharing must be that of the search begun with, 'hard'"),
        (recipe_of("adashare", gnn_layers=3), "gnn_layers must be"),
        (second.recipe, "begins with a search"),
    ):
        with pytest.raises(RecipeError, match=said):
            second.begin([Start(other, {})])
