"""Neighbours are those that brute force finds, however the crystal is written."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.graphs.brute_force import by_brute_force
from benchmarks.graphs.structures import random_crystals
from lake.crystal import Crystal
from lake.graphs.build import CUTOFF, TIE, VERSION, K, build
from lake.graphs.by_vesin import nearest_by_vesin
from lake.graphs.nearest import nearest
from lake.graphs.reduced import reduced
from tests.lake.graphs._cells import SYMMETRIC, assert_seen_alike, by_shell, crystals, packed, repeated, seen

QUICK = settings(max_examples=25, deadline=None)
ROOT = Path(__file__).parents[3]


def by_referee(crystal: Crystal, k: int = K, cutoff: float = CUTOFF) -> list[list[tuple[float, int, float]]]:
    atoms = []
    for told in by_brute_force(crystal, k, cutoff, TIE):
        far, elements, weight = (np.array([edge[part] for edge in told]) for part in range(3))
        atoms.append(by_shell(far, elements, weight))
    return atoms


@given(crystals(), st.sampled_from([1, 4, 12]), st.sampled_from([3.0, 8.0]))
@QUICK
def test_neighbours_and_weights_are_those_of_brute_force(crystal: Crystal, k: int, cutoff: float) -> None:
    assert_seen_alike(seen(build([crystal], k, cutoff)), by_referee(crystal, k, cutoff))


@given(crystals(), st.sampled_from([4, 12]), st.sampled_from([3.0, 8.0]))
@QUICK
def test_weights_sum_to_the_limit_or_to_how_many_lie_within_the_cutoff(crystal: Crystal, k: int, cutoff: float) -> None:
    batch = build([crystal], k, cutoff).batch(np.array([0]))
    within = [len(atom) for atom in by_referee(crystal, 10**6, cutoff)]
    sums = [batch.weight[low:high].sum() for low, high in zip(batch.starts[:-1], batch.starts[1:], strict=True)]
    np.testing.assert_allclose(sums, np.minimum(within, k), rtol=1e-6)


@given(crystals(), st.integers(0, 10**6))
@QUICK
def test_rotation_shift_and_site_order_change_nothing(crystal: Crystal, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(len(crystal))
    moved = Crystal(crystal.lattice @ rotation, (crystal.positions + rng.normal(size=3))[order], crystal.numbers[order])
    atoms = seen(build([crystal]))
    assert_seen_alike(seen(build([moved])), [atoms[site] for site in order])


@given(crystals(most=3), st.tuples(*[st.integers(1, 3)] * 3))
@QUICK
def test_a_supercell_changes_nothing(crystal: Crystal, times: tuple[int, int, int]) -> None:
    big = seen(build([repeated(crystal, times)]))
    assert_seen_alike(big, [atom for atom in seen(build([crystal])) for _ in range(int(np.prod(times)))])


@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_supercell_of_a_symmetric_crystal_changes_nothing(name: str) -> None:
    small = SYMMETRIC[name]
    big = seen(build([repeated(small, (2, 1, 3))]))
    assert_seen_alike(big, [atom for atom in seen(build([small])) for _ in range(6)])


def test_a_shell_that_the_limit_cuts_is_whole_and_shares_what_is_left() -> None:
    octahedron = np.array([[x, 0, 0] for x in (2, -2)] + [[0, x, 0] for x in (2, -2)] + [[0, 0, x] for x in (2, -2)])
    sites = np.concatenate([[[0, 0, 0], [0, 1, 1]], octahedron]) / 30 + 0.5
    batch = build([Crystal(np.eye(3) * 30, sites, [26, 1, 17, 9, 17, 9, 17, 9])], k=4).batch(np.array([0]))
    mine = slice(0, batch.starts[1])
    np.testing.assert_allclose(batch.weight[mine], [1, *[3 / 6] * 6])
    assert sorted(batch.numbers[batch.index[mine]]) == [1, 9, 9, 9, 17, 17, 17]


def test_an_atom_with_few_neighbours_has_few_edges() -> None:
    sheet = build([Crystal(np.diag([7.0, 7.0, 40.0]), [[0, 0, 0]], [84])])
    assert (len(sheet.index), sheet.weight.tolist()) == (4, [1] * 4)
    lone = build([Crystal(np.eye(3) * 15, [[0, 0, 0]], [2])])
    assert (len(lone.index), lone.starts.tolist(), len(lone.weight)) == (0, [0, 0], 0)


def test_two_atoms_on_one_site_are_neighbours_at_no_distance() -> None:
    crystal = Crystal(np.eye(3) * 4.0, [[0, 0, 0], [1, 0, 0]], [11, 17])
    graphs = build([crystal])
    assert graphs.distance[[0, graphs.starts[1]]].tolist() == [0.0, 0.0]
    assert graphs.index[[0, graphs.starts[1]]].tolist() == [1, 0]
    assert_seen_alike(seen(graphs), by_referee(crystal))


def test_a_badly_skewed_cell_is_searched_as_its_reduced_self() -> None:
    good = Crystal(np.diag([3.0, 4.0, 5.0]), [[0, 0, 0], [0.3, 0.4, 0.5]], [11, 17])
    lattice = good.lattice.copy()
    lattice[1] += 40 * lattice[0]
    lattice[2] += 30 * lattice[1] - 7 * lattice[0]
    bad = Crystal(lattice, good.positions @ good.lattice @ np.linalg.inv(lattice), good.numbers)
    assert_seen_alike(seen(build([bad])), seen(build([good])))


EXTREME = {
    "flat": Crystal(np.diag([30.0, 28.0, 2.5]), np.random.default_rng(1).random((20, 3)), np.arange(1, 21)),
    "long": Crystal(np.diag([2.6, 2.9, 200.0]), np.random.default_rng(2).random((40, 3)), np.arange(1, 41)),
    "slab in vacuum": Crystal(
        np.diag([9.0, 9.5, 45.0]), np.random.default_rng(3).random((24, 3)) * [1, 1, 0.2], np.arange(1, 25)
    ),
    "400 atoms": packed(400),
}


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_cells_have_the_neighbours_of_brute_force(name: str) -> None:
    crystal = EXTREME[name]
    assert_seen_alike(seen(build([crystal])), by_referee(crystal))


def test_2000_atoms_take_memory_by_the_atom_and_have_the_neighbours_of_their_order_reversed() -> None:
    crystal = packed(2000)
    build([packed(50)])
    tracemalloc.start()
    graphs = build([crystal])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000 * len(crystal)
    back = build([Crystal(crystal.lattice, crystal.positions[::-1], crystal.numbers[::-1])])
    np.testing.assert_array_equal(np.diff(back.starts)[::-1], np.diff(graphs.starts))
    np.testing.assert_array_equal(np.concatenate(np.split(back.weight, back.starts[1:-1])[::-1]), graphs.weight)
    np.testing.assert_allclose(
        np.concatenate(np.split(back.distance, back.starts[1:-1])[::-1]), graphs.distance, atol=1e-5
    )


def test_a_cell_thinner_than_any_atom_ends() -> None:
    needle = Crystal(np.diag([0.01, 0.01, 10_000.0]), [[0, 0, 0]], [1])
    np.testing.assert_allclose(build([needle]).distance, [0.01] * 4 + [0.01 * 2**0.5] * 4 + [0.02] * 4, rtol=1e-4)


@given(crystals(), st.sampled_from([1, 4, 12]), st.sampled_from([3.0, 8.0]))
@settings(max_examples=12, deadline=None)
def test_vesin_finds_the_same_edges(crystal: Crystal, k: int, cutoff: float) -> None:
    cells, sites = reduced(crystal.lattice[None], crystal.positions, offsets := np.array([0, len(crystal)]))
    ours, theirs = (search(cells, sites, offsets, k, cutoff, TIE) for search in (nearest, nearest_by_vesin))
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(ours[3], theirs[3], atol=1e-5)
    for low, high in zip(ours[0][:-1], ours[0][1:], strict=True):
        pairs = [by_shell(r[3][low:high].astype(float), r[2][low:high], np.ones(high - low)) for r in (ours, theirs)]
        assert_seen_alike(pairs[:1], pairs[1:])


def test_where_nothing_is_compiled_vesin_builds_the_same_graphs() -> None:
    code = (
        "from lake.graphs.build import build; from tests.lake.graphs._cells import SYMMETRIC, packed; "
        "g = build([*SYMMETRIC.values(), packed(30)]); print(g.starts.tolist(), g.weight.tolist(), g.distance.sum())"
    )
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    graphs = build([*SYMMETRIC.values(), packed(30)])
    edges, total = done.stdout.rsplit(" ", 1)
    assert edges == f"{graphs.starts.tolist()} {graphs.weight.tolist()}"
    assert float(total) == pytest.approx(float(graphs.distance.sum()), rel=1e-6)


def test_many_crystals_at_once_are_each_by_itself() -> None:
    salt, other, lone = SYMMETRIC["rock salt"], packed(30), Crystal(np.eye(3) * 15, [[0, 0, 0]], [2])
    together = build([salt, lone, other, salt])
    for row, crystal in enumerate((salt, lone, other, salt)):
        assert seen(together, row) == seen(build([crystal]))
    batch = together.batch(np.array([2, 1, 0]))
    assert batch.counts.tolist() == [30, 1, 2]
    assert batch.index[batch.starts[31] :].min() == 31
    np.testing.assert_array_equal(batch.distance[batch.starts[31] :], build([salt]).distance)


def test_no_crystals_are_no_graphs() -> None:
    assert len(build([])) == 0
    assert len(build([]).batch(np.array([], dtype=np.int64)).counts) == 0


def test_the_version_names_what_makes_a_graph() -> None:
    assert (VERSION, K, CUTOFF, TIE) == ("nearest12-8a-v2", 12, 8.0, 1e-3)


def test_real_structures_have_the_neighbours_of_brute_force() -> None:
    try:
        real = random_crystals(12, seed=1)
    except FileNotFoundError:
        pytest.skip("no real data: set CRYSTAL_LAKE_REAL_DATA")
    graphs = build(real)
    for row, crystal in enumerate(real):
        assert_seen_alike(seen(graphs, row), by_referee(crystal))
