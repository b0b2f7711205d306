"""Runs that begin with others take what they say they take, are bound to it, and else are runs like any; and the
criterion `each`.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lake.graphs.shards import GraphStore
from lake.store import Lake
from models.checkpoint import read
from models.dataset import TrainingRows, training_rows
from models.evaluate import values
from models.fit import fit
from models.network import network
from models.optimisers import optimiser_for, schedule_for
from models.recipe import Recipe, RecipeError
from models.run import Run
from models.sharing.scheme import Start
from models.stages import stages
from models.starts import digest
from models.study import finished, folder
from tests.models.test_fit import Interrupted, Stopping, weights

TASKS = ("band_gap", "bulk_modulus")
SMALL = {"width": 8, "gnn_layers": 2, "batch_size": 32, "epochs": 2, "learning_rate": 1e-2}
FIRST = Recipe(("band_gap",), **SMALL)
TUNED = Recipe(("bulk_modulus",), starts=(FIRST.slug,), **SMALL)
PROBE = replace(TUNED, start_rate=0.0)


def part(rows: TrainingRows, kept: np.ndarray) -> TrainingRows:
    return replace(rows, frame=rows.frame[kept], targets=rows.targets[kept])


def stopped(recipe: Recipe, rows: TrainingRows, store: GraphStore, where: Path) -> Run:
    """The run, interrupted again and again."""
    lives = 0
    for batches in itertools.cycle((2, 5, 12)):
        lives += 1
        try:
            run = fit(recipe, rows, Stopping(store, batches), where, every=0)
            break
        except Interrupted:
            pass
    assert lives > 2
    return run


@pytest.fixture(scope="module")
def store(salts: Lake) -> GraphStore:
    return GraphStore(salts)


@pytest.fixture(scope="module")
def rows(salts: Lake) -> TrainingRows:
    return training_rows(salts, TUNED.tasks)


@pytest.fixture(scope="module")
def lake(salts: Lake, store: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Where the run is that the others begin with."""
    made = Lake(tmp_path_factory.mktemp("starts"))
    fit(FIRST, training_rows(salts, FIRST.tasks), store, folder(made), ("CC-BY-4.0",))
    return made


@pytest.fixture(scope="module")
def start(lake: Lake) -> Start:
    return Start(FIRST, read(folder(lake) / f"{FIRST.slug}.safetensors").weights())


@pytest.fixture(scope="module")
def tuned(lake: Lake, rows: TrainingRows, store: GraphStore) -> Run:
    """Fine-tuned on crystals that have a light element."""
    at = store.rows(rows.frame["structure_hash"])
    light = [row for row in range(len(rows)) if store.batch(at[[row]]).numbers.min() < 10]
    return fit(TUNED, part(rows, np.array(light)), store, folder(lake), ("CC0-1.0",))


def test_a_run_begins_with_exactly_the_encoder_of_the_other_and_decoders_of_its_own(start: Start) -> None:
    new, net = network(replace(TUNED, starts=())).state_dict(), network(TUNED)
    net.begin([start])
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, (start.weights if name.startswith("encoder.") else new)[name]), name


def test_a_probe_leaves_weights_and_running_statistics_bit_for_bit_and_learns(
    lake: Lake, start: Start, rows: TrainingRows, store: GraphStore, tuned: Run
) -> None:
    probe = fit(PROBE, rows, store, folder(lake))
    kept, other = read(probe.checkpoint).weights(), read(tuned.checkpoint).weights()
    carried = [name for name in kept if name.startswith("encoder.")]
    assert all(torch.equal(kept[name], start.weights[name]) for name in carried)
    assert not all(torch.equal(other[name], start.weights[name]) for name in carried)
    new = network(PROBE).state_dict()
    assert not any(torch.equal(tensor, new[name]) for name, tensor in kept.items() if name.startswith("decoders."))
    assert probe.history[-1]["loss_train"] < probe.history[0]["loss_train"]


def test_what_a_probe_keeps_has_no_gradient_that_could_shorten_those_that_count(start: Start) -> None:
    net = network(PROBE)
    net.begin([start])
    learning = {id(weight) for group in net.groups() for weight in group.parameters}
    assert {id(weight) for weight in net.parameters() if weight.requires_grad} == learning
    assert net.shared() == []


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_weights_that_came_learn_at_their_own_rate_from_the_first_step_to_the_last(rate: float) -> None:
    recipe = replace(TUNED, start_rate=rate)
    net = network(recipe)
    groups = net.groups()
    assert sorted(id(w) for group in groups for w in group.parameters) == sorted(map(id, net.parameters()))
    optimiser = optimiser_for(groups, recipe)
    schedule, told = schedule_for(optimiser, recipe, 3, 5), []
    for _ in range(15):
        told.append(schedule.get_last_lr())
        optimiser.step()
        schedule.step()
    told = np.array(told)
    assert told.max() == pytest.approx(recipe.learning_rate, rel=0.05)
    np.testing.assert_allclose(told[:, -1], told[:, 0] * rate, rtol=1e-9)


def test_a_start_that_does_not_fit_or_is_missing_is_refused_before_training(
    lake: Lake, rows: TrainingRows, store: GraphStore
) -> None:
    unread = Stopping(store, 0)
    for other, says in (
        (replace(TUNED, width=12), r"width must be that of the run begun with, 8, found 12"),
        (replace(TUNED, gnn_layers=1), r"gnn_layers must be that of the run begun with, 2, found 1"),
        (replace(TUNED, starts=("nobody",)), r"finished runs of the same folder.*nobody"),
        (replace(TUNED, starts=(FIRST.slug, FIRST.slug)), r"begins with one run, found 2"),
    ):
        with pytest.raises(RecipeError, match=says):
            fit(other, rows, unread, folder(lake))


def test_licences_and_elements_of_the_start_are_inherited(
    lake: Lake, rows: TrainingRows, store: GraphStore, tuned: Run
) -> None:
    first, found = read(folder(lake) / f"{FIRST.slug}.safetensors"), read(tuned.checkpoint)
    assert found.run.licences == tuned.licences == ("CC-BY-4.0", "CC0-1.0")
    alone = read(fit(replace(TUNED, starts=()), part(rows, np.arange(12)), store, folder(lake)).checkpoint)
    begun = read(fit(TUNED, part(rows, np.arange(12)), store, folder(lake)).checkpoint)
    assert set(begun.elements) == set(first.elements) > set(alone.elements)


def test_rows_alone_are_their_own_digest_and_every_start_changes_it(rows: TrainingRows, lake: Lake) -> None:
    first = read(folder(lake) / f"{FIRST.slug}.safetensors")
    other = replace(first, run=replace(first.run, data="other rows"))
    found = [digest(rows, starts) for starts in ([], [first], [other], [first, other])]
    assert found[0] == rows.digest
    assert len(set(found)) == 4


def test_a_run_is_trained_again_where_its_start_was_trained_on_other_rows_or_is_gone(
    salts: Lake, rows: TrainingRows, store: GraphStore, tmp_path: Path
) -> None:
    here, first = Lake(tmp_path), training_rows(salts, FIRST.tasks)
    begun = fit(FIRST, first, store, folder(here))
    run = fit(TUNED, rows, store, folder(here))
    assert finished(here, TUNED, rows, ()) == run
    fit(FIRST, part(first, np.arange(4, len(first))), store, folder(here))
    assert finished(here, TUNED, rows, ()) is None
    assert fit(TUNED, rows, store, folder(here)).data != run.data
    begun.checkpoint.unlink()
    assert finished(here, TUNED, rows, ()) is None


def test_fine_tuning_that_is_interrupted_goes_on_exactly(
    lake: Lake, rows: TrainingRows, store: GraphStore, tmp_path: Path
) -> None:
    (tmp_path / f"{FIRST.slug}.safetensors").symlink_to(folder(lake) / f"{FIRST.slug}.safetensors")
    for recipe in (replace(TUNED, start_rate=0.1), PROBE):
        whole, run = fit(recipe, rows, store, folder(lake)), stopped(recipe, rows, store, tmp_path)
        assert (run.history, run.scores, weights(run)) == (whole.history, whole.scores, weights(whole))


def test_the_runs_that_experts_begin_with_are_plain_single_ones() -> None:
    whole = Recipe(TASKS, sharing="experts", criterion="each", start_rate=0.1, temperature=2.0, **SMALL)
    alone, (last,) = stages(whole)
    assert alone == [Recipe((task,), **SMALL) for task in whole.tasks]
    assert last == replace(whole, starts=tuple(recipe.slug for recipe in alone))


@pytest.fixture(scope="module")
def both(salts: Lake) -> TrainingRows:
    return training_rows(salts, TASKS)


@pytest.fixture(scope="module")
def each() -> Recipe:
    """Of steps so long that no state is good for both."""
    size = SMALL | {"epochs": 6, "learning_rate": 0.1, "schedule": "steps", "transform": "none"}
    return Recipe(TASKS, sharing="hard", criterion="each", **size)


@pytest.fixture(scope="module")
def own(lake: Lake, store: GraphStore, both: TrainingRows, each: Recipe) -> Run:
    return fit(each, both, store, folder(lake))


def test_each_task_keeps_a_state_at_least_as_good_for_it_as_the_joint_one(
    lake: Lake, store: GraphStore, both: TrainingRows, each: Recipe, own: Run
) -> None:
    joint = fit(replace(each, criterion="joint"), both, store, folder(lake))
    assert own.history == joint.history
    gains = [joint.scores[task]["mae_validation"] / own.scores[task]["mae_validation"] for task in TASKS]
    assert min(gains) > 1 - 1e-5
    assert max(gains) > 1 + 1e-3  # so that the comparison says something


def test_states_of_each_task_come_back_from_their_file_and_from_an_interruption(
    store: GraphStore, both: TrainingRows, each: Recipe, own: Run, tmp_path: Path
) -> None:
    kept, at = read(own.checkpoint), store.rows(both.frame["structure_hash"][both.of("test")])
    errors = np.abs(values(kept.network(), kept.scaler, store, at) - both.targets[both.of("test")])
    np.testing.assert_allclose(np.nanmean(errors, axis=0), [own.scores[t]["mae_test"] for t in TASKS], rtol=1e-6)
    run = stopped(each, both, store, tmp_path)
    assert (run.history, run.scores, weights(run)) == (own.history, own.scores, weights(own))


def test_a_task_without_validation_labels_keeps_its_last_state(
    store: GraphStore, both: TrainingRows, each: Recipe, tmp_path: Path
) -> None:
    hidden = both.targets.copy()
    hidden[both.of("validation"), TASKS.index("bulk_modulus")] = np.nan
    run = fit(each, replace(both, targets=hidden), store, tmp_path)
    seen = fit(replace(each, tasks=TASKS, criterion="joint"), both.without("validation"), store, tmp_path)
    own, last = read(run.checkpoint).weights(), read(seen.checkpoint).weights()
    assert run.scores["bulk_modulus"]["mae_validation"] is None
    assert all(torch.equal(own[f"networks.bulk_modulus.{name}"], tensor) for name, tensor in last.items())
