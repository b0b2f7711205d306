"""What every sharing scheme owes: it cannot tell how a crystal was written, nor what order tasks and rows stand in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lake.crystal import Crystal
from lake.graphs.build import build
from lake.graphs.folded import fold
from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.batch import Batch
from models.checkpoint import read
from models.dataset import TrainingRows, training_rows
from models.evaluate import values
from models.fit import fit
from models.network import network, outputs, told_of
from models.recipe import Recipe, RecipeError
from models.run import Run
from tests.models._schemes import EXPERTS, TASKS, THERE, recipe_of
from tests.models.test_encoder import CUT, larger
from tests.models.test_fit import Interrupted, Stopping, weights

BATCH = Batch.of(build(list(CUT.values())).batch(np.arange(len(CUT))))
TARGETS = torch.linspace(-1, 1, 2 * len(CUT)).reshape(-1, 2)


def warm(recipe: Recipe) -> torch.nn.Module:
    """A network whose running statistics are not their first values."""
    net = network(recipe).train()
    for _ in range(10):
        net(BATCH)
    return net


def said(net: torch.nn.Module, *crystals: Crystal) -> np.ndarray:
    return outputs(net, build(crystals), np.arange(len(crystals)))


@pytest.fixture(scope="module", params=THERE)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def net(name: str) -> torch.nn.Module:
    return warm(recipe_of(name))


@pytest.fixture(scope="module")
def folder(salts: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are that `experts` begins with."""
    made = tmp_path_factory.mktemp("schemes")
    for recipe in EXPERTS:
        fit(recipe, training_rows(salts, recipe.tasks), GraphStore(salts), made)
    return made


@pytest.fixture(scope="module")
def rows(salts: Lake) -> TrainingRows:
    return training_rows(salts, TASKS)


@pytest.fixture(scope="module")
def run(name: str, salts: Lake, rows: TrainingRows, folder: Path) -> Run:
    return fit(recipe_of(name), rows, GraphStore(salts), folder)


@pytest.mark.parametrize("loss", ["l1", "laplace"])
def test_it_tells_every_crystal_every_task_and_a_vector(name: str, loss: str) -> None:
    net = network(recipe_of(name, loss=loss)).eval()
    told, vectors = told_of(net, BATCH)
    assert told.shape == (len(CUT), 2, 2 if loss == "laplace" else 1)
    assert vectors.shape[0] == len(CUT) and vectors.ndim == 2
    assert np.isfinite(told).all() and np.isfinite(vectors).all()


@pytest.mark.parametrize("crystal", ["rock salt", "perovskite", "leaning perovskite", "lone atom"])
def test_rotation_shift_site_order_and_supercell_change_nothing(net, crystal: str) -> None:
    rng = np.random.default_rng(3)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    here = CUT[crystal]
    order = rng.permutation(len(here))
    moved = Crystal(here.lattice @ rotation, (here.positions + rng.random(3))[order], here.numbers[order])
    np.testing.assert_allclose(said(net, moved, larger(here, (2, 1, 2))), said(net, here, here), atol=1e-5)


def test_folded_graphs_and_company_change_nothing(net) -> None:
    graphs = build(list(CUT.values()))
    whole = outputs(net, graphs, np.arange(len(CUT)))
    np.testing.assert_allclose(outputs(net, fold(graphs), np.arange(len(CUT))), whole, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(CUT))
    np.testing.assert_allclose(outputs(net, graphs, order), whole[order], atol=1e-5)
    np.testing.assert_allclose(outputs(net, graphs, order[:1]), whole[order[:1]], atol=1e-5)


def test_a_task_added_leaves_what_the_others_say_alone_before_training(name: str) -> None:
    two = said(warm(recipe_of(name)), *CUT.values())
    three = said(warm(recipe_of(name, (*TASKS, "shear_modulus"))), *CUT.values())
    np.testing.assert_allclose(three[:, [list(recipe_of(name, (*TASKS, "shear_modulus")).tasks).index(t) for t in
                                         recipe_of(name).tasks]], two, atol=1e-6)  # fmt: skip


def test_a_missing_label_changes_no_other_loss_and_teaches_its_decoder_nothing(name: str) -> None:
    told = []
    for targets in (TARGETS, TARGETS.index_fill(1, torch.tensor([1]), torch.nan)):
        net = network(recipe_of(name)).train()
        torch.manual_seed(0)
        losses, present, _ = net.losses(BATCH, targets, "l1")
        told.append((losses, present))
    assert told[1][1].tolist() == [True, False]
    torch.testing.assert_close(told[1][0][0], told[0][0][0])
    assert float(told[1][0][1].detach()) == 0.0
    losses.sum().backward()
    silent = [w.grad for n, w in net.named_parameters() if recipe_of(name).tasks[1] in n and w.grad is not None]
    assert all(not g.any() for g in silent)


def test_a_run_repeated_is_the_same_run_and_so_is_one_that_was_stopped(
    name: str, run: Run, salts: Lake, rows: TrainingRows, folder: Path, tmp_path: Path
) -> None:
    for recipe in EXPERTS:
        (tmp_path / f"{recipe.slug}.safetensors").symlink_to(folder / f"{recipe.slug}.safetensors")
    torch.manual_seed(7)  # what happened before cannot matter
    for batches in itertools.cycle((2, 5, 12)):
        try:
            again = fit(run.recipe, rows, Stopping(GraphStore(salts), batches), tmp_path, every=0)
            break
        except Interrupted:
            pass
    assert (again.history, again.scores) == (run.history, run.scores)
    assert weights(again) == weights(run)


def test_a_run_comes_back_from_its_file_with_equal_answers(run: Run, salts: Lake, rows: TrainingRows) -> None:
    kept, store = read(run.checkpoint), GraphStore(salts)
    at = store.rows(rows.frame["structure_hash"][rows.of("test")])
    said = values(kept.network(), kept.scaler, store, at)
    errors = np.nanmean(np.abs(said - rows.targets[rows.of("test")]), axis=0)
    np.testing.assert_allclose(errors, [run.scores[task]["mae_test"] for task in rows.tasks], rtol=1e-6)


def test_the_scale_of_one_tasks_labels_is_nothing_to_the_others(
    run: Run, salts: Lake, rows: TrainingRows, folder: Path
) -> None:
    scaled = replace(rows, targets=rows.targets * np.array([1.0, 1000.0], dtype=np.float32))
    other = fit(replace(run.recipe, transform="none"), scaled, GraphStore(salts), folder)
    plain = fit(replace(run.recipe, transform="none"), rows, GraphStore(salts), folder)
    task = rows.tasks[0]
    assert other.scores[task]["mae_test"] == pytest.approx(plain.scores[task]["mae_test"], abs=1e-4)


def test_options_that_it_has_not_are_refused_with_those_it_has(name: str) -> None:
    with pytest.raises(RecipeError, match="has the options"):
        network(recipe_of(name, options=(("speed", 1),)))
