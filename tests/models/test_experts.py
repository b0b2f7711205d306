"""Experts of earlier runs: what stays as it came, what learns, which of them are heard, and what is shown of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.checkpoint import read
from models.dataset import training_rows
from models.fit import fit
from models.network import batch_of, network, trained
from models.recipe import Recipe, RecipeError
from models.run import Run
from models.sharing import frozen
from models.sharing.experts import learnt
from models.sharing.scheme import Start
from tests.models._schemes import EXPERTS, SMALL, TASKS, recipe_of
from tests.models.test_sharing import BATCH, TARGETS

ONE = recipe_of("experts", ("bulk_modulus",))  # the published use: one small target


@pytest.fixture(scope="module")
def folder(salts: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("experts")
    for recipe in EXPERTS:
        fit(recipe, training_rows(salts, recipe.tasks), GraphStore(salts), made)
    return made


@pytest.fixture(scope="module")
def starts(folder: Path) -> list[Start]:
    return [Start(recipe, read(folder / f"{recipe.slug}.safetensors").weights()) for recipe in EXPERTS]


@pytest.fixture(scope="module")
def run(salts: Lake, folder: Path) -> Run:
    return fit(ONE, training_rows(salts, ONE.tasks), GraphStore(salts), folder)


def begun(starts: list[Start], recipe: Recipe = ONE, **options: float) -> torch.nn.Module:
    net = network(replace(recipe, options=tuple(options.items())))
    net.begin(starts)
    return net


def test_before_training_it_hears_the_mean_of_what_the_earlier_runs_encoders_say(starts: list[Start]) -> None:
    net, alone = begun(starts).eval(), []
    for start in starts:
        other = network(start.recipe).eval()
        other.load_state_dict(start.weights)
        alone.append(other.heard(BATCH)[1])
    told, vectors = net.heard(BATCH)
    torch.testing.assert_close(vectors, torch.stack(alone).mean(dim=0), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(told[:, 0], net.decoders["bulk_modulus"](vectors))


def test_of_one_expert_it_is_the_run_fine_tuned_weight_for_weight(starts: list[Start]) -> None:
    told = []
    for sharing in ("experts", "single"):
        net = network(replace(ONE, sharing=sharing, starts=ONE.starts[:1])).eval()
        net.begin(starts[:1])
        told.append(net(BATCH))
    torch.testing.assert_close(*told, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "learning"),
    [
        ({}, 1),
        ({"options": (("unfrozen", 0),)}, 0),
        ({"options": (("unfrozen", 2),)}, 2),
        ({"start_rate": 0.0}, 0),
    ],
)
def test_all_before_the_last_convolutions_stays_bit_for_bit_and_the_rest_learns(
    salts: Lake, folder: Path, starts: list[Start], fields: dict, learning: int
) -> None:
    recipe = replace(ONE, epochs=1, **fields)
    run = fit(recipe, training_rows(salts, ONE.tasks), GraphStore(salts), folder)
    moved = set()
    for name, tensor in load_file(run.checkpoint).items():
        if name.startswith("experts."):
            _, number, rest = name.split(".", 2)
            if not torch.equal(tensor, starts[int(number)].weights[f"encoder.{rest}"]):
                moved.add(".".join(rest.split(".")[:2]))
    assert moved == {f"layers.{layer}" for layer in range(2 - learning, 2)}


def test_what_is_frozen_has_no_gradient_and_what_learns_has_its_own_rate(starts: list[Start]) -> None:
    net = begun(starts).train()
    net.losses(BATCH, TARGETS[:, :1], "l1")[0].sum().backward()
    groups = net.groups()
    taught = {id(weight) for weight in net.parameters() if weight.grad is not None}
    assert {id(weight) for group in groups for weight in group.parameters} == taught
    assert [group.rate for group in groups] == [1.0, 1.0, 0.5]
    assert {id(weight) for weight in net.shared()} == {id(weight) for weight in groups[-1].parameters}


def test_both_ways_of_computing_say_the_same_and_one_has_gradients(starts: list[Start]) -> None:
    net = begun(starts).eval()
    with torch.no_grad():
        fused = net(BATCH)
    plain = net(BATCH)
    torch.testing.assert_close(plain, fused, atol=1e-5, rtol=1e-5)
    plain.sum().backward()
    assert all(weight.grad.any() for weight in net.shared() if weight.ndim > 1)


def test_gates_close_in_the_course_of_a_run_and_who_is_not_asked_is_not_computed(starts: list[Start]) -> None:
    net = begun(starts, recipe_of("experts"), top_k=1)
    with torch.no_grad():
        net.gates["band_gap"] += torch.tensor([[1.0, 0.0]])
        net.gates["bulk_modulus"] += torch.tensor([[2.0, 0.0]])
    net.at(0.1)
    assert (net.shares() > 0).all()
    net.at(0.5)
    assert net.shares().squeeze(1).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    net.experts[1].layers[0].register_forward_pre_hook(lambda *_: pytest.fail("computed"))
    net.train().losses(BATCH, TARGETS, "l1")[0].sum().backward()
    assert net.experts[0].layers[1].mix.weight.grad.any()
    assert net.experts[1].layers[1].mix.weight.grad is None
    other = network(net.recipe)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other.shares(), net.shares())


def test_the_price_is_that_of_mixtures_alike_and_only_tasks_present_pay_it(starts: list[Start]) -> None:
    net = begun(starts, recipe_of("experts"), heads=2, apart=1.0)
    silent = TARGETS.index_fill(1, torch.tensor([1]), torch.nan)
    assert float(net.losses(BATCH, TARGETS, "l1")[2].detach()) == pytest.approx(2 * 0.5**2 + 2 * 0.5**2)
    with torch.no_grad():
        net.gates["band_gap"] += torch.tensor([[100.0, 0.0], [0.0, 100.0]])
    price = net.losses(BATCH, silent, "l1")[2]
    price.backward()
    assert float(price.detach()) == pytest.approx(0.0, abs=1e-6)
    assert not net.gates["bulk_modulus"].grad.any()
    assert begun(starts, apart=0.0).losses(BATCH, TARGETS[:, :1], "l1")[2] is None


def test_a_low_gate_temperature_hears_fewer(starts: list[Start]) -> None:
    found = []
    for temperature in (10.0, 1.0, 0.1):
        net = begun(starts, gate_temperature=temperature)
        with torch.no_grad():
            net.gates["bulk_modulus"] += torch.tensor([[0.0, 1.0]])
        found.append(float(net.shares()[0, 0, 1].detach()))
    assert found == sorted(found) and found[0] < 0.55 and found[-1] > 0.99


def test_the_gate_finds_the_expert_that_knows(salts: Lake, folder: Path, starts: list[Start]) -> None:
    """One had learnt the target itself, which follows from distances; the other does not hear of distances."""
    blind = {name: w * (0.0 if name.endswith("mix.weight") else 1.0) for name, w in starts[0].weights.items()}
    recipe = replace(ONE, options=(("unfrozen", 0), ("apart", 0.0)), epochs=1)
    net = network(recipe)
    net.begin([Start(EXPERTS[0], blind), starts[1]])
    rows, store = training_rows(salts, ONE.tasks), GraphStore(salts)
    train = rows.of("train")
    batch = BATCH.of(store.batch(store.rows(rows.frame["structure_hash"])[train]))
    targets = torch.from_numpy((rows.targets[train] - rows.targets[train].mean()) / rows.targets[train].std())
    optimiser = torch.optim.Adam([w for group in net.groups() for w in group.parameters], 0.05)
    for _ in range(40):
        optimiser.zero_grad()
        net.losses(batch, targets, "l1")[0].sum().backward()
        optimiser.step()
    shown = net.structures()[0]
    assert shown.columns == TASKS
    assert shown.values[0, TASKS.index("bulk_modulus")] > 0.6


def test_gates_are_named_by_what_was_learnt_without_the_files_of_the_starts(run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "alone.safetensors"
    moved.write_bytes(run.checkpoint.read_bytes())
    (shown,) = read(moved).network().structures()
    assert (shown.rows, shown.columns) == (("bulk_modulus",), tuple(recipe.tasks[0] for recipe in EXPERTS))
    assert shown.values.sum() == pytest.approx(1.0)


def test_under_the_criterion_each_a_task_shows_the_gates_of_its_own_state() -> None:
    net = trained(recipe_of("experts", criterion="each"))
    for number, task in enumerate(TASKS):
        with torch.no_grad():
            net.networks[task].gates[task] += torch.tensor([[0.0, number]])
    (shown,) = net.structures()
    assert (shown.rows, shown.columns) == (TASKS, TASKS)
    np.testing.assert_allclose(shown.values[:, 1], 1 / (1 + np.exp([0.0, -1.0])), rtol=1e-6)


def test_starts_are_told_apart_by_task_where_that_does_it_and_else_by_their_slugs() -> None:
    gap = [Recipe(("band_gap",), seed=seed, **SMALL).slug for seed in (0, 1)]
    many = Recipe(("chang2022.expt_eform", "shear_modulus"), sharing="hard", **SMALL).slug
    assert learnt([gap[0], many, "other"]) == ("band_gap", "2tasks", "other")
    assert learnt([*gap, many]) == (*gap, "2tasks")
    dotted = Recipe(("chang2022.expt_eform",), starts=("a",), **SMALL).slug
    assert learnt([dotted]) == ("chang2022.expt_eform",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"starts": ()}, "begins with finished runs, found none"),
        ({"starts": ("nobody",)}, "finished runs of the same folder.*nobody"),
        ({"width": 12}, "width must be that of the run begun with, 8, found 12"),
        ({"options": (("top_k", 3),)}, "top_k must be at most the number of experts, 2, found 3"),
        ({"options": (("unfrozen", 3),)}, "unfrozen must be at most gnn_layers, 2, found 3"),
        ({"options": (("heads", 0),)}, "heads must be 1 or more, found 0"),
        ({"options": (("gate_temperature", 0.0),)}, "gate_temperature must be above 0"),
    ],
)
def test_what_cannot_be_is_refused_before_training(salts: Lake, folder: Path, fields: dict, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        fit(replace(ONE, **fields), training_rows(salts, ONE.tasks), GraphStore(salts), folder)


def test_what_began_with_nothing_of_its_like_is_refused(starts: list[Start]) -> None:
    with pytest.raises(RecipeError, match="begins with 2 runs, found 1"):
        network(ONE).begin(starts[:1])


def test_gates_move_in_a_run(run: Run) -> None:
    logits = load_file(run.checkpoint)["gates.bulk_modulus"]
    assert logits.any() and np.isfinite(logits.numpy()).all()


def test_what_is_computed_once_for_the_run_is_what_each_batch_would_have_computed(
    salts: Lake, folder: Path, starts: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs, rows = GraphStore(salts), training_rows(salts, ONE.tasks)
    kept = fit(replace(ONE, epochs=2), rows, graphs, folder)
    once = load_file(kept.checkpoint)
    kept.checkpoint.unlink()
    monkeypatch.setattr(frozen, "MOST", 0)
    anew = load_file(fit(replace(ONE, epochs=2), rows, graphs, folder).checkpoint)
    for name, tensor in anew.items():
        torch.testing.assert_close(once[name], tensor, atol=1e-4, rtol=1e-3)
    net = begun(starts)
    monkeypatch.undo()
    at = graphs.rows(rows.frame["structure_hash"])
    net.meets(graphs, at[:-1])
    batch, other = (batch_of(graphs, part, torch.device("cpu")) for part in (at[5:2:-1], at[-2:]))
    known = net._frozen.of(batch, [1, 0])
    for number, atoms in zip((1, 0), known, strict=True):
        torch.testing.assert_close(atoms, net._stays(batch, [number])[0], atol=1e-6, rtol=1e-6)
    assert net._frozen.of(other, [0]) is None, "a crystal that was not announced"
    assert net._frozen.of(replace(batch, source=None), [0]) is None
    assert net._frozen.of(replace(batch, source=(GraphStore(salts), at[5:2:-1])), [0]) is None, "another store"
