"""Architecture search: never over its budget, gone on with from the ledger alone, and judged without flattery."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.learning import search as command
from lake.store import Lake
from models.dataset import TaskError
from models.grid.full import FRESH, How
from models.grid.sizes import SIZES, Size
from models.grid.sizes import recipe as grid_recipe
from models.ledger import SCHEMA, Ledger
from models.recipe import Recipe
from models.search import study, trainer
from models.search.explore import explore, together
from models.search.judge import judged, random_search
from models.search.ladder import heights, ladder
from models.search.purse import Ask, Purse
from models.search.space import SearchError, grid_space, group_space, wide_space
from models.search.study import Found, group_point, judge, search, search_group
from models.search.surrogate import expected
from models.search.tpe import tpe

TWO = ("band_gap", "bulk_modulus")
BUDGET = 120
FEW = {"ladder": 120, "tpe": 60}  # epochs of a quick search


def errors(asks: list[Ask]) -> list[float]:
    """A made world: deep decoders are good for the one, shallow ones for the other; short runs are worse and rough."""
    told = []
    for ask in asks:
        size, want = Size(*ask.point[:3]), 5 if ask.space == "band_gap" else 1
        rough = 0.02 * np.sin(sum(k * value for k, value in zip((7, 13, 29), size, strict=True)) + ask.epochs)
        told.append(
            1 + 0.1 * abs(size.decoder_layers - want) + 0.05 * abs(size.gnn_layers - 4) + 3 / ask.epochs + rough
        )
    return told


def walk(strategy: str, seed: int = 0, budget: int = 0, answer=errors) -> tuple[dict, Purse]:
    budget = budget or FEW[strategy]
    spaces, purse = [grid_space(name) for name in TWO], Purse(2 * budget)
    steps = ladder(spaces, budget, seed)
    if strategy == "tpe":
        steps = together([tpe(space, budget, seed) for space in spaces])
    return explore(steps, purse, answer), purse


@pytest.mark.parametrize("strategy", study.STRATEGIES)
@pytest.mark.parametrize("budget", [41, 100])
def test_the_budget_is_never_exceeded_and_holds_a_whole_run_of_the_choice(strategy: str, budget: int) -> None:
    choices, purse = walk(strategy, budget=budget)
    for name in TWO:
        assert sum(ask.epochs for ask in purse.paid if ask.space == name) <= budget
        assert Ask(name, choices[name], 30) in purse.paid
    with pytest.raises(SearchError, match="found"):
        walk(strategy, budget=30)


def test_a_purse_refuses_what_it_cannot_pay_and_nothing_is_paid_twice() -> None:
    purse, ask = Purse(10), Ask("band_gap", (1, 1, 64), 6)
    purse.pay([ask, ask])
    purse.pay([ask])
    with pytest.raises(SearchError, match="10 epochs, found 6 spent and 6"):
        purse.pay([Ask("band_gap", (2, 1, 64), 6)])
    assert purse.spent == 6


@given(st.integers(1, 400), st.integers(2, 60), st.integers(1, 100))
def test_rungs_fit_beside_a_whole_run(budget: int, whole: int, n: int) -> None:
    rungs = heights(budget, whole, n)
    assert sum(epochs * many for epochs, many in rungs) <= max(budget - whole, 0)
    assert all(1 <= many <= n and epochs >= 1 for epochs, many in rungs)


@pytest.mark.parametrize("strategy", study.STRATEGIES)
def test_the_same_seed_is_the_same_search_and_a_killed_one_asks_the_same_again(strategy: str) -> None:
    choices, purse = walk(strategy)
    heard: list[Ask] = []

    def killed(asks: list[Ask]) -> list[float]:
        if len(heard) > 2:
            raise KeyboardInterrupt
        heard.extend(asks)
        return errors(asks)

    with pytest.raises(KeyboardInterrupt):
        walk(strategy, answer=killed)
    again, other = walk(strategy), walk(strategy, seed=1)[1]
    assert again == (choices, purse) and set(heard) <= purse.paid and other.paid != purse.paid


@pytest.mark.parametrize("strategy", study.STRATEGIES)
def test_what_is_planted_is_found(strategy: str) -> None:
    choices, _ = walk(strategy, budget=BUDGET)
    assert choices["band_gap"][1] >= 3 and choices["bulk_modulus"][1] <= 3
    assert choices["band_gap"][1] > choices["bulk_modulus"][1]


def test_properties_lend_to_each_other_and_units_do_not_matter() -> None:
    spaces = {name: grid_space(name) for name in TWO}
    lent = {Ask("band_gap", (g, d, 64), 6): 1 + 0.1 * g for g in (1, 2, 4, 8) for d in (1, 3, 5)}
    seen = lent | {Ask("bulk_modulus", (4, 3, 64), 6): 50.0}
    told = expected(spaces, seen)
    points = spaces["bulk_modulus"].points()
    assert points[told["bulk_modulus"].argmin()][0] == 1
    scaled = expected(spaces, {ask: 1000 * e if ask.space == "band_gap" else e for ask, e in seen.items()})
    assert all(np.argmin(told[name]) == np.argmin(scaled[name]) for name in TWO)


def test_spaces_hold_the_grids_own_recipes_and_what_lies_beyond() -> None:
    space, wide = grid_space("band_gap"), wide_space("band_gap")
    assert [Size(*point) for point in space.points()] == list(SIZES) and len(wide) == 80
    assert space.recipe((4, 2, 64)) == grid_recipe("band_gap", Size(4, 2, 64), 0, "real")
    assert wide.recipe((4, 2, 64, 64)) == space.recipe((4, 2, 64))
    assert wide.recipe((4, 2, 64, 128)).decoders == (("band_gap", 2, 128),)
    assert space.recipe((4, 2, 64), 6).epochs == 6


def test_what_cannot_be_searched_or_judged_is_said(salts: Lake, tmp_path: Path) -> None:
    for asked, rule in (({"strategy": "luck"}, "strategy must be"), ({"share": 0.01}, "a whole run")):
        with pytest.raises(SearchError, match=rule):
            search(salts, ["band_gap"], budget="sample", **asked)
    with pytest.raises(SearchError, match="needs a property"):
        search(salts, [])
    with pytest.raises(TaskError, match="magnetization_per_atom"):
        search(salts, ["band_gap", "magnetization_per_atom"], budget="sample", ledgers=[Ledger.of("search", tmp_path)])
    with pytest.raises(SearchError, match="beyond"):
        judge(salts, Found({"band_gap": wide_space("band_gap")}, {"band_gap": (1, 1, 64, 128)}, {"band_gap": 9}, 9))


def test_a_groups_recipe_has_a_decoder_for_each_and_begins_with_what_was_found_alone() -> None:
    names = ("magnetization_per_atom", "band_gap")
    space = group_space(names)
    point = group_point(names, {"band_gap": Size(2, 4, 64), "magnetization_per_atom": Size(4, 1, 128)})
    found = space.recipe(point)
    assert (found.gnn_layers, found.width, found.loss, found.sharing) == (4, 128, "huber", "hard")
    assert found.decoders == (("band_gap", 4, 64),) and found.decoder_layers == 1
    with pytest.raises(SearchError, match="two properties"):
        group_space(["band_gap"])
    heard: list[Ask] = []
    explore(tpe(space, 40, first=[point]), Purse(40), lambda asks: heard.extend(asks) or [1.0] * len(asks))
    assert heard[0].point == point


@settings(max_examples=25)
@given(st.lists(st.floats(-2, 5), min_size=3, max_size=8), st.integers(1, 3))
def test_random_search_is_counted_as_brute_force_counts_it(regrets: list[float], runs: int) -> None:
    draws = [regrets[min(draw)] for draw in combinations(range(len(regrets)), runs)]
    counted = random_search(regrets, runs, 1.0)
    assert counted.mean == pytest.approx(np.mean(draws), abs=1e-9)
    assert counted.no_better == pytest.approx(np.mean(np.array(draws) >= 1 - 1e-9))
    assert sorted(draws)[0] <= counted.low <= counted.high <= sorted(draws)[-1]


def made_lines(fresh: tuple[Size, ...]) -> pl.DataFrame:
    """A ledger of all sizes from the first seed, the error growing in their order, and of some from fresh seeds."""
    ran = [(size, 0) for size in SIZES] + [(size, seed) for size in fresh for seed in FRESH]
    rows = []
    for size, seed in ran:
        recipe, error = grid_recipe("band_gap", size, seed, "real"), 1 + 0.1 * SIZES.index(size)
        rows.append({
            "property": "band_gap", "recipe": recipe.digest, "seed": seed, "epochs": 30, "fields": recipe.to_json(),
            "mae_validation": error, "mae_test": error + 0.05 * (seed - 2),
        })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def test_regret_is_zero_where_the_choice_is_the_grids_best_and_is_told_in_seed_deviations() -> None:
    lines = made_lines(SIZES[:3])
    best = judged("band_gap", SIZES[0], 100, lines, 30, BUDGET)
    assert best.best == SIZES[0] and best.regret == 0 and best.seeds == 3 and best.share == pytest.approx(100 / 1200)
    assert best.deviation == pytest.approx(0.05) and best.random.runs == 4
    assert judged("band_gap", SIZES[2], 100, lines, 30, BUDGET).regret == pytest.approx(0.2 / 0.05)


def test_runs_that_only_judge_a_choice_do_not_move_the_grids_best() -> None:
    lines = made_lines((*SIZES[:3], SIZES[9]))
    lucky = pl.col("recipe").is_in([grid_recipe("band_gap", SIZES[9], seed, "real").digest for seed in FRESH])
    better = lines.with_columns(pl.when(lucky).then(0.5).otherwise("mae_validation").alias("mae_validation"))
    found = judged("band_gap", SIZES[9], 100, better, 30, BUDGET)
    assert found.best == SIZES[0] and found.seeds == 3 and found.regret == pytest.approx(0.9 / found.deviation)
    once = judged("band_gap", SIZES[5], 100, lines, 30, BUDGET)
    assert once.seeds == 1 and once.regret == pytest.approx(0.5 / once.deviation)


def test_nothing_is_judged_before_the_grid_is_finished() -> None:
    assert judged("band_gap", SIZES[0], 100, made_lines(()), 30, BUDGET) is None
    assert judged("band_gap", SIZES[0], 100, made_lines(SIZES[:2]), 30, BUDGET) is None
    part = made_lines(SIZES[:3]).filter(pl.col("recipe") != grid_recipe("band_gap", SIZES[7], 0, "real").digest)
    assert judged("band_gap", SIZES[0], 100, part, 30, BUDGET) is None


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four tiny sizes, so that a search takes a moment."""
    from models.search import space

    monkeypatch.setattr(space, "GNN_LAYERS", (1, 2))
    monkeypatch.setattr(space, "DECODER_LAYERS", (1, 2))
    monkeypatch.setattr(space, "WIDTHS", (8,))


def test_a_killed_search_goes_on_from_its_ledger_and_trains_nothing_twice(
    small: None, salts: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers, train = [Ledger.of("search", tmp_path)], trainer.train_one
    asked: list[Recipe] = []

    def failing(ground, recipe: Recipe, licences: tuple[str, ...]):
        if len(asked) == 1:
            raise KeyboardInterrupt
        asked.append(recipe)
        return train(ground, recipe, licences)

    told = {"share": 0.05, "budget": "sample", "how": How(1), "ledgers": ledgers}
    before = search(salts, ["band_gap"], dry=True, **told)
    assert before.left > 0 and not before.choices and not asked
    monkeypatch.setattr(trainer, "train_one", failing)
    with pytest.raises(KeyboardInterrupt):
        search(salts, ["band_gap"], **told)
    assert len(ledgers[0].rows()) == 1
    monkeypatch.setattr(trainer, "train_one", lambda *piece: asked.append(piece[1]) or train(*piece))
    found = search(salts, ["band_gap"], **told)
    assert found.left is None and sum(ledgers[0].rows()["epochs"]) == found.epochs["band_gap"] <= found.budget
    assert len({recipe.digest for recipe in asked}) == len(asked) == len(ledgers[0].rows())
    monkeypatch.setattr(trainer, "train_one", lambda *_: pytest.fail("trained again"))
    assert search(salts, ["band_gap"], **told) == found
    assert judge(salts, found, train=False, ledgers=ledgers) == {"band_gap": None}
    assert "not finished" in command.table({"band_gap": None}) and "band_gap: " in command.spent(found)


def test_a_group_is_searched_under_hard_sharing(small: None, salts: Lake, tmp_path: Path) -> None:
    ledgers = [Ledger.of("search", tmp_path)]
    found = search_group(salts, TWO, share=0.05, budget="sample", how=How(1), ledgers=ledgers)
    lines = ledgers[0].rows()
    assert (
        set(lines["property"]) == set(TWO) and found.epochs["+".join(found.spaces["band_gap+bulk_modulus"].tasks)] <= 6
    )
    assert all(Recipe.from_json(fields).sharing == "hard" for fields in lines["fields"])
    assert set(found.choices) == {"band_gap+bulk_modulus"}
    told = study.errors(salts, found, ledgers=ledgers)
    assert set(told["property"]) == set(TWO) and "| band_gap | eV |" in command.beside(told, told)
