"""The map's answer depends on what is known of the crystals, not on the order of tasks or on the units they are in."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.transfer_map.asked import alone, placebos, together
from models.transfer_map.networks.small import Size, trained
from models.transfer_map.statistics.gains import KEYS, OVER_PLACEBO, RAW, gains_of
from models.transfer_map.statistics.intervals import PAIR, estimated
from models.transfer_map.worlds.permuted import PermutedWorld, permuted_name

WORLD = PlantedWorld(Dials(crystals=400, labels=20))
NAMES = ("t01", "t02", "t03")
SIZE = Size(width=4, steps=6, batch=8)
TOLERANCE = 1e-4  # of a log ratio: float32 after six steps


@pytest.fixture(scope="module")
def problem():
    return WORLD.problem(0).of(*NAMES)


def gains(problem, seeds=(0, 1)):
    """GAINS of all ordered pairs, both estimands."""
    names = problem.names
    asked = [*alone(names, seeds), *together(names, seeds), *placebos(names, seeds)]
    rows = [
        (one.tasks, one.placebo, one.seed, task, errors.test)
        for one in asked
        for task, errors in trained(problem, one.tasks, one.seed, SIZE, one.placebo).items()
    ]
    return gains_of(pl.DataFrame(rows, schema=["tasks", "placebo", "seed", "task", "error"], orient="row"))


@pytest.fixture(scope="module")
def known(problem):
    return gains(problem)


def apart(one, other):
    """The largest difference of any gain."""
    both = one.join(other, on=KEYS, suffix="_other", validate="1:1")
    assert len(both) == len(one) == len(other)
    return max((both[name] - both[f"{name}_other"]).abs().max() for name in (RAW, OVER_PLACEBO))


def test_order_of_tasks_changes_nothing(problem, known):
    turned = gains(problem.of(*reversed(NAMES)))
    assert apart(known, turned) == 0
    assert estimated(turned).equals(estimated(known))


@pytest.mark.parametrize("task", NAMES)
def test_unit_of_a_task_changes_nothing(problem, known, task):
    units = np.where(np.array(NAMES) == task, 1000, 1).astype(np.float32)
    shifts = np.where(np.array(NAMES) == task, 2500, 0).astype(np.float32)
    other = gains(replace(problem, targets=problem.targets * units + shifts))
    assert apart(known, other) < TOLERANCE
    for moderated in (True, False):
        before, after = (estimated(of, moderated=moderated) for of in (known, other))
        for name in ("gain", "low", "high"):
            assert (before[name] - after[name]).abs().max() < 100 * TOLERANCE  # two seeds: t is 12.7


def test_what_is_not_known_of_a_task_changes_nothing_between_others(problem, known):
    targets = problem.targets.copy()
    targets[problem.rows("t03", "train")[::3], 2] = np.nan
    other = gains(replace(problem, targets=targets))
    without = (pl.col("target") != "t03") & (pl.col("source") != "t03")
    assert other.filter(without).equals(known.filter(without))
    assert not other.filter(~without).equals(known.filter(~without))


def test_a_task_more_changes_nothing_between_others(problem, known):
    two = gains(problem.of("t01", "t02"))
    assert two.equals(known.join(two, on=KEYS, how="semi"))
    assert set(estimated(two).select(PAIR).rows()) == {("t01", "t02"), ("t02", "t01")}


def test_a_permuted_task_has_the_same_labels_on_the_same_crystals_of_each_part():
    world = PermutedWorld(WORLD, NAMES[:2], NAMES[1:], lots=3)
    real, permuted = WORLD.problem(0), world.problem(0)
    assert permuted.names == ("t01", "t02", permuted_name("t02"), permuted_name("t03"))
    assert np.array_equal(permuted.column("t01"), real.column("t01"), equal_nan=True)
    for task in NAMES[1:]:
        before, after = real.column(task), permuted.column(permuted_name(task))
        assert not np.array_equal(before, after, equal_nan=True)
        for part in ("train", "validation", "test"):
            assert np.array_equal(real.rows(task, part), permuted.rows(permuted_name(task), part))
            rows = real.rows(task, part)
            assert np.array_equal(np.sort(before[rows]), np.sort(after[rows]))


def test_permutations_are_of_the_world_and_of_the_seed_where_it_is_asked():
    once, anew = (PermutedWorld(WORLD, (), NAMES, lots=3, anew=anew) for anew in (False, True))
    assert once.problem(0) is once.problem(1)
    other = PermutedWorld(WORLD, (), NAMES, lots=4)
    assert len({once.problem(0).digest, anew.problem(0).digest, anew.problem(1).digest, other.problem(0).digest}) == 4
