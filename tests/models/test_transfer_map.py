"""The map of a lake and of one's own table: nothing is trained twice, confirmation is on what was not seen before."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lake.tables import GROUPS, TRANSFER_MAP
from models.dataset import TaskError
from models.recipe import Recipe
from models.transfer_map.ledger import RunLedger
from models.transfer_map.map import How, left, train
from models.transfer_map.networks.size import Size
from models.transfer_map.plan import FRESH, Budget, of_pairs
from models.transfer_map.runs import trained_runs
from models.transfer_map.statistics.confirmation import confirmed
from models.transfer_map.statistics.gains import gains_of
from models.transfer_map.table import csv_study, drawn_in, lake_study, write_map
from models.transfer_map.worlds.drawn import drawn
from models.transfer_map.worlds.own_table import BadTable, keep
from tests.models._made import PAIRS, rock_salt

SMALLEST = Size(width=4, layers=1, steps=2, batch=8)
TINY = Budget(SMALLEST, labels=60, fewest=20, seeds=2, more=3, claims=2, knowing=1, harm=True)


@pytest.fixture(scope="module")
def asked(salts):
    """Gap and modulus follow from the same length, so they are told to be of two families."""
    return replace(lake_study(salts, budget=TINY), families={"band_gap": "gap", "bulk_modulus": "modulus"})


@pytest.fixture
def study(asked, tmp_path):
    return replace(asked, ledger=RunLedger(tmp_path / "runs.csv"))


def lines(study):
    return study.ledger.path.read_text().splitlines()


@pytest.fixture(scope="module")
def crystals():
    return {
        f"{at}.cif": rock_salt(cation, anion, 4.2 + 2.4 * ((at * 37) % 96) / 96)
        for at, (cation, anion) in enumerate(PAIRS)
    }


def table(path, crystals, **columns):
    """A CSV of these files with these columns of text."""
    frame = pl.DataFrame({"file": list(crystals), **columns})
    frame.write_csv(path)
    return path


def lengths(crystals):
    return [c.lattice[0, 1] for c in crystals.values()]


def test_a_formula_is_in_one_part_and_no_property_has_more_labels_than_allowed(salts, study):
    problem = study.world.problem(3)
    assert len(set(zip(problem.groups, problem.split, strict=True))) == len(set(problem.groups))
    few = drawn(study.world.stock(), 3, 20)
    assert all(0 < np.isfinite(few.column(name)).sum() <= 20 for name in few.names)


def test_every_seed_draws_anew_and_the_same_seed_the_same(study):
    assert study.world.problem(0).digest != study.world.problem(1).digest
    again = drawn(study.world.stock(), 0, study.world.labels)
    assert again.digest == study.world.problem(0).digest


def test_the_map_never_sees_a_test_crystal_and_the_confirmation_is_measured_on_nothing_else(study):
    stock = study.world.stock()
    held = set(stock.at[stock.held].tolist())
    for seed in (0, 1, FRESH):
        assert not held & set(study.world.problem(seed).at.tolist())
        problem = study.world.confirmation().problem(seed)
        tested = set(problem.at[problem.split == "test"].tolist())
        assert tested and tested <= held and not held & set(problem.at[problem.split == "train"].tolist())


def test_claims_are_tried_on_seeds_that_the_map_never_used(study):
    waves = list(study.waves(guess=True))
    used = {one.seed for wave in waves if wave.world == study.world for one in wave.asked}
    fresh = {one.seed for wave in waves if wave.world != study.world for one in wave.asked}
    assert len(fresh) == TINY.fresh and not used & fresh


def test_a_stopped_map_goes_on_trains_nothing_twice_and_ends_the_same(study, tmp_path):
    assert not train(study, How(1, hours=0))
    assert train(study, How(1)) and train(study, How(1))
    told = [line.split(",")[0:5] for line in lines(study)]
    assert len({tuple(line) for line in told}) == len(told)
    other = replace(study, ledger=RunLedger(tmp_path / "other.csv"))
    train(other, How(1))
    assert sorted(lines(other)) == sorted(lines(study)) and other.latest().equals(study.latest())


def test_tables_have_a_row_per_ordered_pair_and_groups_that_can_be_trained_at_once(salts, study):
    assert write_map(salts, study, How(1))
    rows, groups = salts.read(TRANSFER_MAP), salts.read(GROUPS)
    assert rows.select("target", "source").rows() == [
        ("band_gap", "bulk_modulus"), ("bulk_modulus", "band_gap"),
    ]  # fmt: skip
    assert rows["gain_knowing"].null_count() == 0 and (rows["n"] >= 2).all()
    assert set(groups["method"]) == {"greedy", "exact"} and set(groups["target"]) == {"", "band_gap", "bulk_modulus"}
    for task, recipe in groups.select("task", "recipe").iter_rows():
        assert task in Recipe.from_json(recipe).tasks
    assert len(study.why().predicted) == 2


def test_claims_between_families_are_confirmed_or_not_with_their_number_of_seeds(study):
    claims = pl.DataFrame({"target": ["band_gap"], "source": ["bulk_modulus"], "gain": [0.1]})
    asked = of_pairs(claims.select("target", "source").rows(), range(FRESH, FRESH + TINY.fresh))
    world = study.world.confirmation()
    told = confirmed(claims, gains_of(trained_runs(world, asked, TINY.size, study.ledger, 1)), range(TINY.more))
    assert told["n"].to_list() == [TINY.fresh] and told["confirmed"].null_count() == 0


def test_without_time_there_is_a_table_without_rows(salts, study):
    assert not write_map(salts, study, How(1, hours=0))
    assert not len(salts.read(TRANSFER_MAP).filter(study="lake")) and not len(salts.read(GROUPS).filter(study="lake"))


def test_one_target_trains_its_own_pairs_alone_and_an_unknown_one_is_refused(study, salts):
    mine = replace(study, target="band_gap")
    assert mine.pairs == [("band_gap", "bulk_modulus")]
    with pytest.raises(KeyError, match="band_gap, bulk_modulus"):
        replace(study, target="hardness")


def test_a_dry_run_tells_runs_and_time_and_trains_nothing(study):
    told = left(study, 1)
    total = told.row(-1, named=True)
    assert total["stage"] == "all" and total["left"] == told["left"][:-1].sum() > 0 and total["time"]
    assert not study.ledger.path.exists()


def test_a_lake_without_labels_enough_is_refused_by_name(salts):
    with pytest.raises(TaskError, match="two columns with 450 training labels"):
        lake_study(salts, budget=replace(TINY, fewest=450))


def test_gains_of_pure_noise_are_drawn_to_nought_and_sure_ones_stay():
    noise = pl.DataFrame({"gain": [0.1, -0.1], "error": [0.2, 0.2]})
    sure = pl.DataFrame({"gain": [0.1, -0.1], "error": [0.001, 0.001]})
    assert drawn_in(noise)["gain"].abs().max() == 0.0
    assert drawn_in(sure)["gain"].to_list() == pytest.approx([0.1, -0.1], rel=1e-3)


def test_a_table_of_one_s_own_tells_each_bad_cell_and_poor_property(crystals, tmp_path):
    good = [f"{value:.4f}" for value in lengths(crystals)]
    bad = ["much", "inf", *good[2:]]
    path = table(tmp_path / "labels.csv", crystals, a=good, b=bad, few=["1", *[""] * 47], same=["2"] * 48)
    world, told = keep(path, crystals, tmp_path / "kept")
    assert world.names == ("a", "b")
    assert told[:2] == [
        "b of 0.cif must be a finite number, found 'much': left out",
        "b of 1.cif must be a finite number, found 'inf': left out",
    ]
    assert "few needs 30 labels" in told[2] and "labels of same are 2" in told[3]
    with pytest.raises(BadTable, match="two properties"):
        keep(table(tmp_path / "one.csv", crystals, a=good, few=[""] * 48), crystals, tmp_path / "kept")


def test_a_table_of_one_s_own_has_the_same_map_whose_groups_say_what_to_train(crystals, salts, tmp_path):
    a = np.array(lengths(crystals))
    columns = {"a": a, "twice": 2 * a, "other": np.random.default_rng(0).normal(size=48)}
    path = table(tmp_path / "labels.csv", crystals, **{name: list(map(str, v)) for name, v in columns.items()})
    world, told = keep(path, crystals, tmp_path / "kept")
    study = csv_study(tmp_path, "mine", world, budget=replace(TINY, labels=1500))
    assert not told and study.families["a"] == study.families["twice"] != study.families["other"]
    assert write_map(salts, study, How(1))
    rows = salts.read(TRANSFER_MAP).filter(study="mine")
    assert len(rows) == 6 and set(rows["licences"].explode()) == {"private"}
    recipes = salts.read(GROUPS).filter(study="mine")["recipe"]
    assert all(Size(**json.loads(recipe)["size"]) == TINY.size for recipe in recipes)
