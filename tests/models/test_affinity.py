"""Affinity: the joint run is the one of compiled code, and what is read off it depends on the labels alone."""

from dataclasses import replace

import numpy as np
import pytest

from models.planted.dials import Dials
from models.planted.world import PlantedWorld
from models.transfer_map.networks.affinity import AFFINITIES, COSINE, LOOKAHEAD, affinities, joint
from models.transfer_map.networks.small import Size, beginning, draws, lesson_of, walked

SIZE = Size(width=8, steps=6, batch=16)
NAMES = ("shape", "twin", "noise")
PAIRS = {(a, b) for a in NAMES for b in NAMES if a != b}


@pytest.fixture(scope="module")
def problem():
    """The mean length of a crystal's edges, the same turned round in another unit, and the same of other crystals."""
    whole = PlantedWorld(Dials(crystals=400, labels=20)).problem(0)
    graphs, rng = whole.graphs.batch(whole.at), np.random.default_rng(0)
    edges = np.split(graphs.distance, graphs.starts[np.cumsum(graphs.counts)[:-1]])
    shape = np.array([of_one.mean() for of_one in edges])
    return replace(whole, names=NAMES, targets=np.stack([shape, 3 - 2 * shape, rng.permutation(shape)], axis=1))


def told(problem, seed=0, size=SIZE, every=3):
    """Of each method: affinity by (target, source)."""
    table = affinities(problem, seed, size, every)
    assert dict(table.schema) == AFFINITIES
    return {method: {(t, s): a for m, t, s, _, a in table.iter_rows() if m == method} for method in (LOOKAHEAD, COSINE)}


def test_the_joint_run_is_that_of_compiled_code(problem):
    names = sorted(NAMES)
    lessons = [lesson_of(problem, task, 0, False, False) for task in names]
    rows, bounds = draws([lesson.rows for lesson in lessons], names, 0, SIZE)
    labels = np.stack([lesson.labels for lesson in lessons], axis=1)
    _, wanted, _ = walked(problem, labels, rows, bounds, SIZE, *beginning(names, 0, SIZE), np.array([0]))
    losses = [np.mean([loss.item() for loss in moment.losses]) for moment in joint(problem, 0, SIZE)]
    assert losses == pytest.approx(wanted, rel=1e-4)


def test_looking_does_not_change_the_run(problem):
    looked = []
    for moment in joint(problem, 0, SIZE):
        assert len(moment.gradients) == len(NAMES)
        moment.losses_at({name: weight * 2 for name, weight in moment.shared.items()})
        looked.append(moment.losses[0].item())
    assert looked == [moment.losses[0].item() for moment in joint(problem, 0, SIZE)]


def test_every_ordered_pair_has_both_affinities_and_a_cosine_has_no_direction(problem):
    found = told(problem)
    assert set(found[LOOKAHEAD]) == set(found[COSINE]) == PAIRS
    assert all(
        found[COSINE][a, b] == pytest.approx(found[COSINE][b, a]) and abs(found[COSINE][a, b]) < 1 for a, b in PAIRS
    )
    assert any(found[LOOKAHEAD][a, b] != pytest.approx(found[LOOKAHEAD][b, a]) for a, b in PAIRS)


def test_order_and_unit_of_tasks_change_nothing(problem):
    turned = problem.of("noise", "shape", "twin")
    other = told(replace(turned, targets=turned.targets * np.float32([1000, 0.01, 5]) + np.float32([-2000, 0.1, 7])))
    known = told(problem)
    for method in known:
        assert other[method] == pytest.approx(known[method], rel=0.01, abs=1e-4)


def test_two_tasks_that_are_one_like_each_other_more_than_noise(problem):
    size = Size(width=16, steps=30, batch=32)
    found = [told(problem, seed, size, every=5) for seed in range(3)]
    for method in (LOOKAHEAD, COSINE):
        mean = {pair: np.mean([one[method][pair] for one in found]) for pair in PAIRS}
        assert min(mean["shape", "twin"], mean["twin", "shape"]) > max(mean[p] for p in PAIRS if "noise" in p)
