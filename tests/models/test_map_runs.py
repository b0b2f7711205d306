"""Runs of a map: what is asked for, and that nothing is trained twice."""

import pytest

from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.transfer_map.asked import Asked, alone, knowing, placebos, together
from models.transfer_map.ledger import RunLedger
from models.transfer_map.networks.size import Size
from models.transfer_map.runs import missing, trained_runs
from models.transfer_map.statistics.gains import gains_of

WORLD = PlantedWorld(Dials(crystals=500, labels=20))
SIZE = Size(width=4, layers=1, steps=4, batch=8)
NAMES = ("t01", "t02", "t03")


def asked(seeds=(0, 1)):
    return [*alone(NAMES, seeds), *together(NAMES, seeds), *placebos(NAMES, seeds)]


@pytest.fixture
def ledger(tmp_path):
    return RunLedger(tmp_path / "runs.csv")


def test_every_ordered_pair_and_seed_has_both_gains(ledger):
    gains = gains_of(trained_runs(WORLD, asked(), SIZE, ledger, processes=1))
    assert len(gains) == 2 * 6 and gains.null_count().sum_horizontal().item() == 0


def test_what_is_in_the_ledger_is_not_trained_again_and_reads_the_same(ledger):
    first = trained_runs(WORLD, asked(), SIZE, ledger, processes=1)
    lines = ledger.path.read_text()
    assert trained_runs(WORLD, asked(), SIZE, ledger, processes=1).equals(first)
    assert ledger.path.read_text() == lines


def test_a_stopped_study_goes_on_where_it_stopped_and_ends_as_if_it_never_had(ledger, tmp_path):
    trained_runs(WORLD, asked((0,)), SIZE, ledger, processes=1)
    whole = trained_runs(WORLD, asked(), SIZE, ledger, processes=1)
    other = trained_runs(WORLD, asked(), SIZE, RunLedger(tmp_path / "other.csv"), processes=1)
    key = ["tasks", "placebo", "seed", "task"]
    assert whole.sort(key).equals(other.sort(key))


def test_without_time_nothing_is_begun_and_what_is_missing_is_told(ledger):
    assert trained_runs(WORLD, asked(), SIZE, ledger, processes=1, seconds=0).is_empty()
    digests = {seed: WORLD.problem(seed).digest for seed in (0, 1)}
    assert missing(asked(), digests, SIZE, ledger) == sorted(asked())


def test_another_size_or_problem_is_another_run(ledger):
    trained_runs(WORLD, alone(NAMES, (0,)), SIZE, ledger, processes=1)
    other = PlantedWorld(WORLD.dials, seed=1)
    digests = {0: other.problem(0).digest}
    assert len(missing(alone(NAMES, (0,)), digests, SIZE, ledger)) == 3


def test_sources_that_know_the_test_crystals_tell_the_target_s_error_alone(ledger):
    runs = trained_runs(WORLD, knowing(NAMES[:2], (0,)), SIZE, ledger, processes=1)
    assert runs.select("task", "target").rows() == [("t01", "t01"), ("t02", "t02")]


def test_a_run_does_not_know_the_order_in_which_its_tasks_were_named():
    assert Asked(0, ("b", "a"), ("b",)) == Asked(0, ("a", "b"), ("b",))
