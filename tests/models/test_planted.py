"""The planted benchmark is what it says: of its latents, its tasks, its labels and its files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from lake.crystal import Crystal
from lake.graphs.build import build
from models.planted import files, structures
from models.planted import planted as planted_module
from models.planted.dials import Dials
from models.planted.labels import BENDS, SHARES
from models.planted.latents import latents
from models.planted.menu import MENU
from models.planted.planted import Planted, planted

SMALL = Dials(crystals=330, labels=16)


@cache
def made(seed: int = 0, **dials: object) -> Planted:
    """A small benchmark, each once."""
    return planted(replace(SMALL, **dials), seed)


def of_kind(benchmark: Planted, kind: str) -> int:
    """Column of the first task of this kind."""
    return benchmark.tasks["kind"].to_list().index(kind)


def columns(benchmark: Planted, *fields: str) -> np.ndarray:
    return benchmark.truth.select(fields).to_numpy()


def test_white_latents_are_uncorrelated_and_of_unit_variance():
    white = made().white
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(8), atol=1e-9)
    np.testing.assert_allclose(white.mean(axis=0), 0.0, atol=1e-9)


def test_latents_ask_neither_for_the_cell_nor_for_direction_nor_for_the_order_of_sites():
    draw = np.random.default_rng(1)
    crystals = made().crystals[:12]
    turn = np.linalg.qr(draw.standard_normal((3, 3)))[0]
    twice, swapped = np.diag([1, 2, 1]), np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])

    def again(crystal: Crystal) -> Crystal:
        cell = swapped @ twice @ crystal.lattice
        sites = np.concatenate([crystal.positions, crystal.positions + np.array([0, 1, 0])]) @ crystal.lattice
        order = draw.permutation(len(sites))
        numbers = np.tile(crystal.numbers, 2)[order]
        return Crystal(cell @ turn, (sites @ np.linalg.inv(cell))[order] % 1.0, numbers)

    others = [again(crystal) for crystal in crystals]
    np.testing.assert_allclose(latents(others, build(others)), latents(crystals, build(crystals)), rtol=1e-4, atol=1e-5)


def test_pair_latents_are_linear_in_plain_sums_over_edges():
    benchmark = made()
    graphs = benchmark.graphs.graphs
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.offsets))
    atom = np.repeat(np.arange(len(graphs.numbers)), np.diff(graphs.starts))
    own, other = graphs.numbers[atom], graphs.numbers[graphs.index + graphs.offsets[crystal[atom]]]
    charge = np.zeros(119)
    charge[list(structures.CHARGES)] = list(structures.CHARGES.values())
    product = charge[own] * charge[other] * graphs.weight / np.diff(graphs.offsets)[crystal[atom]]
    shells = [product * np.exp(-(((graphs.distance - centre) / 0.4) ** 2)) for centre in np.arange(1.6, 4.5, 0.4)]
    sums = np.stack([np.bincount(crystal[atom], shell, len(graphs)) for shell in shells], axis=1)
    madelung = latents(benchmark.crystals, graphs)[:, 5]
    sums = np.column_stack([sums, np.ones(len(sums))])
    left = madelung - sums @ np.linalg.lstsq(sums, madelung, rcond=None)[0]
    assert left.var() < 0.05 * madelung.var()


def test_charges_balance_and_cells_stay_small():
    for crystal in made().crystals:
        assert sum(structures.CHARGES[z] for z in crystal.numbers.tolist()) == 0
        assert 2 <= len(crystal) <= 12
    assert len(set(made().prototypes)) == len(structures.templates(12))
    assert max(map(len, made(largest=14).crystals)) == 14  # spinels


def test_more_crystals_begin_with_the_same_ones():
    fewer, more = (structures.crystals(count, 12, 3) for count in (5, 9))
    assert [one.crystal.structure_hash for one in fewer] == [one.crystal.structure_hash for one in more[:5]]


@pytest.mark.parametrize("tasks, turned", [(12, True), (48, True), (24, False)])
def test_straight_tasks_correlate_as_their_directions_do(tasks, turned):
    straight = made(tasks=tasks, nonlinear=False, overlap=1.0, turned=turned)
    plain = ~pl.col("kind_target").is_in(["gated", "permuted"]) & ~pl.col("kind_source").is_in(["gated", "permuted"])
    truth = straight.truth.filter(plain)
    np.testing.assert_allclose(truth["cosine"], truth["correlation"], atol=1e-9)


def test_the_first_dozen_has_enough_pairs_of_each_class():
    told = made().truth["expected"].value_counts()
    assert dict(told.iter_rows()) == {"help": 16, "conflict": 14, "none": 102}
    cosines = sorted({round(abs(cosine), 2) for (cosine,) in columns(made(), "cosine")})
    assert {0.0, 0.4, 0.7, 0.95, 1.0} <= set(cosines)


def test_tasks_at_right_angles_share_no_latent_unless_directions_are_turned():
    kept, turned = (np.abs(made(turned=way).tasks["loading"].to_numpy()) for way in (False, True))
    assert ((kept > 1e-9).sum(axis=1) <= 2).all()
    assert (turned[turned.any(axis=1)] > 1e-9).all()


def test_tasks_of_the_menu_differ_and_bends_are_monotone():
    assert len({item.key for item in MENU}) == len(MENU) == 48
    x = np.linspace(-6, 6, 500)
    assert all((np.diff(BENDS[item.bend](x)) > 0).all() for item in MENU)


@pytest.mark.parametrize("overlap", [0.0, 0.3, 1.0])
def test_labels_and_their_overlap_are_counted_exactly(overlap):
    benchmark = made(overlap=overlap)
    for part, n in (("train", 16), ("validation", 4)):
        known = np.isfinite(benchmark.targets[benchmark.split == part])
        assert (known.sum(axis=0) == n).all()
        shared = {int((known[:, a] & known[:, b]).sum()) for a, b in combinations(range(12), 2)}
        assert shared == {round(overlap * n)}
    assert np.isfinite(benchmark.targets[benchmark.split == "test"]).all()


def test_labels_may_differ_from_task_to_task():
    counts = tuple(range(4, 16))
    train = made().split == "train"
    assert (np.isfinite(made(labels=counts).targets[train]).sum(axis=0) == counts).all()
    assert (np.isfinite(made(imbalance=0.5).targets[train]).sum(axis=0) == [16, 8] * 6).all()


def test_no_formula_crosses_the_split_and_shares_hold():
    benchmark = made()
    assert len(set(zip(benchmark.groups, benchmark.split, strict=True))) == len(set(benchmark.groups))
    for part, share in SHARES.items():
        assert abs((benchmark.split == part).mean() - share) < 0.03


def test_the_rescaled_task_is_the_other_one_in_another_unit():
    benchmark = made()
    at = of_kind(benchmark, "rescaled")
    copied = benchmark.targets[:, benchmark.names.index(benchmark.tasks["copy_of"][at])]
    both = np.isfinite(copied) & np.isfinite(benchmark.targets[:, at])
    assert both.sum() > (benchmark.split == "test").sum()
    np.testing.assert_allclose(benchmark.targets[both, at], 1000 * copied[both] + 250, rtol=1e-5, atol=1e-3)


def test_the_permuted_task_has_the_values_of_the_other_one_elsewhere():
    benchmark = made()
    at, test = of_kind(benchmark, "permuted"), benchmark.split == "test"
    copied = benchmark.targets[test, benchmark.names.index(benchmark.tasks["copy_of"][at])]
    np.testing.assert_array_equal(np.sort(benchmark.targets[test, at]), np.sort(copied))
    assert abs(np.corrcoef(benchmark.targets[test, at], copied)[0, 1]) < 0.5


def test_gates_turn_half_of_the_prototypes():
    straight = made(nonlinear=False)
    at = of_kind(straight, "gated")
    factor = straight.white @ straight.tasks["loading"].to_numpy()[at]
    for prototype in set(straight.prototypes):
        mine = straight.prototypes == prototype
        assert mine.sum() < 3 or abs(np.corrcoef(factor[mine], straight.clean[mine, at])[0, 1]) > 1 - 1e-9
    assert abs(straight.truth["correlation"].filter(straight.truth["expected"] == "conflict")).max() < 0.6


def test_noise_is_the_share_of_the_signal_that_was_asked_for():
    benchmark = made(noise=0.5)
    test = benchmark.split == "test"
    signal = np.where(benchmark.tasks["kind"] == "noise", 2.0, benchmark.clean.std(axis=0))
    shares = (benchmark.targets[test] - benchmark.clean[test]).std(axis=0) / signal
    np.testing.assert_allclose(shares, 0.5, rtol=0.35)
    assert shares.mean() == pytest.approx(0.5, rel=0.1)


def test_low_values_alone_are_measured_where_high_ones_are_missing():
    low, all_values = made(missing="low", labels=8), made()
    for part, n in (("train", 8), ("validation", 2)):
        rows = low.split == part
        for column, whole in zip(low.targets[rows].T, all_values.targets[rows].T, strict=True):
            np.testing.assert_array_equal(np.sort(column)[:n], np.sort(whole)[:n])
            assert np.isfinite(column).sum() == n
    assert np.isfinite(low.targets[low.split == "test"]).all()


def test_units_alone_differ_where_the_scale_is_turned():
    plain, scaled = made(), made(scale=100.0)
    for at, kind in enumerate(plain.tasks["kind"]):
        known = np.isfinite(plain.targets[:, at])
        ratio = (scaled.targets[known, at] - 250 * (kind == "rescaled")) / (
            plain.targets[known, at] - 250 * (kind == "rescaled")
        )
        assert 0.01 <= np.median(ratio) <= 100
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)


def test_a_dozen_more_tasks_change_nothing_of_the_first():
    dozen, more = made(labels=4), made(labels=4, tasks=24)
    np.testing.assert_array_equal(more.targets[:, :12], dozen.targets)
    assert more.tasks[:12].equals(dozen.tasks)


def test_what_a_name_stands_for_depends_on_the_seed():
    assert made(0).tasks["kind"].to_list() != made(1).tasks["kind"].to_list()
    assert sorted(made(0).tasks["kind"]) == sorted(made(1).tasks["kind"])


def test_files_are_the_same_bytes_again_and_read_back_as_they_were(tmp_path):
    wrote = planted(SMALL, 7)
    files.write(wrote, tmp_path / "one")
    planted_module._population.cache_clear()
    files.write(planted(SMALL, 7), tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    found = files.read(tmp_path / "one")
    assert found.dials == wrote.dials and found.seed == 7 and found.names == wrote.names
    for name in ("prototypes", "groups", "split", "targets", "clean", "white"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wrote, name))
    assert found.tasks.equals(wrote.tasks) and found.truth.equals(wrote.truth)
    assert [c.structure_hash for c in found.crystals] == [c.structure_hash for c in wrote.crystals]


@pytest.mark.parametrize(
    "wrong",
    [{"tasks": 13}, {"overlap": 1.2}, {"missing": "high"}, {"labels": (3, 4)}, {"noise": -1}, {"largest": 1}],
)
def test_dials_that_cannot_be_are_refused_with_what_was_found(wrong):
    with pytest.raises(ValueError, match="found"):
        replace(SMALL, **wrong)


def test_too_few_crystals_are_told_with_how_many_it_takes():
    with pytest.raises(ValueError, match="ask for some"):
        made(labels=128)


def test_digests_tell_dials_apart():
    assert SMALL.digest == replace(SMALL).digest != replace(SMALL, noise=0.4).digest


def test_what_is_handed_to_a_method_is_a_problem():
    pytest.importorskip("models.transfer_map.problem")
    benchmark = made()
    problem = benchmark.problem()
    assert problem.names == benchmark.names
    np.testing.assert_array_equal(problem.targets, benchmark.targets)
    counts = problem.graphs.whole(problem.at).counts
    assert counts.tolist() == [len(crystal) for crystal in benchmark.crystals]
