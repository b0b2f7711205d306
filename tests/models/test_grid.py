"""The grid: trained once, gone on with from the ledger alone, and its verdicts say no more than the seeds do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lake.store import Lake
from lake.tables import GRID
from models.dataset import TaskError
from models.grid import asha, full
from models.grid.asha import asha_ledger, rungs, train_asha, waiting
from models.grid.cost import cost, pace, seconds_left
from models.grid.full import FINALISTS, FRESH, How, lines_of
from models.grid.ground import Ground
from models.grid.sizes import BUDGETS, FOUND_BEFORE, SIZES, Size, recipe, size_of
from models.grid.table import Ledgers, grounds_of, left, teachable, write_grid
from models.grid.verdict import agreement, verdict
from models.ledger import Ledger
from models.run import Run
from models.study import BASELINES

TWO = (Size(1, 1, 64), Size(1, 2, 64))


@pytest.fixture(scope="module")
def ground(salts: Lake) -> Ground:
    return Ground(salts.root, "band_gap", "sample")


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Ledgers:
    folder = tmp_path_factory.mktemp("ledgers")
    return Ledgers(Ledger.of("grid", folder), asha_ledger(folder))


@pytest.fixture(scope="module")
def told(ground: Ground, ledgers: Ledgers) -> list[str]:
    """Both modes trained on two sizes; the runs that the books were told of."""
    heard: list[str] = []
    how = How(1, tell=lambda run, graphs: heard.append(run.recipe.slug))
    write_grid([ground], "full", how, ledgers, TWO)
    write_grid([ground], "asha", how, ledgers, TWO)
    return heard


def test_the_grid_is_the_missions(salts: Lake) -> None:
    assert len(set(SIZES)) == 40 and set(FOUND_BEFORE) == set(BASELINES)
    assert all(before.size in SIZES for before in FOUND_BEFORE.values())
    digests = {recipe(name, size, 0, "real").digest for name in BASELINES for size in SIZES}
    assert len(digests) == 160
    assert BUDGETS["real"]["epochs"] >= 30 and BUDGETS["real"]["limit"] >= 3000


def test_every_size_is_trained_once_and_the_finalists_from_fresh_seeds(told, ground, ledgers) -> None:
    lines = lines_of(ground, ledgers.full)
    assert len(lines) == len(ledgers.full.rows()) == len(TWO) * (1 + len(FRESH))
    assert lines["seed"].to_list().count(0) == len(TWO) <= FINALISTS
    assert len(set(told)) == len(lines) and set(lines["graphs"]) == {ground.graphs}


def test_a_finished_recipe_is_never_trained_again_not_even_where_nothing_but_the_ledger_is(
    told, ground, ledgers, tmp_path, salts, monkeypatch
) -> None:
    rows = salts.read(GRID)
    for module in (full, asha):
        monkeypatch.setattr(module, "train_one", lambda *_: pytest.fail("trained again"))
    for checkpoint in (salts.root / "models" / full.CHECKPOINTS).glob("*.safetensors"):
        checkpoint.unlink()
    salts.replace(GRID, GRID.empty())
    runs: list[Run] = []
    for mode in ("full", "asha"):
        write_grid([ground], mode, How(1, lambda run, graphs: runs.append(run)), ledgers, TWO)
    assert salts.read(GRID).sort(GRID.key).equals(rows.sort(GRID.key))
    assert {run.recipe.slug for run in runs} == set(told) and all(run.licences for run in runs)


def test_other_rows_and_other_graphs_are_trained_anew(told, ground, ledgers, monkeypatch) -> None:
    assert not len(lines_of(Ground(ground.root, "bulk_modulus", "sample"), ledgers.full))
    monkeypatch.setattr(Ground, "graphs", "other")
    assert not len(lines_of(ground, ledgers.full)) and len(waiting(ground, ledgers.asha, TWO)) == 2


def test_what_is_finished_stays_where_a_later_run_fails(ground, tmp_path, monkeypatch) -> None:
    ledger, train = Ledger.of("grid", tmp_path), full.train_one

    def failing(some: Ground, run: object, licences: tuple[str, ...]) -> Run:
        if len(ledger.rows()):
            raise KeyboardInterrupt
        return train(some, run, licences)

    monkeypatch.setattr(full, "train_one", failing)
    with pytest.raises(KeyboardInterrupt):
        full.train_full([ground], ledger, How(1), TWO)
    # the longest came first
    assert [size_of(r) for r in full.first_runs(ground, ledger, TWO) if full.finished(ground, ledger, r)] == [TWO[1]]


def test_the_table_keeps_both_modes_with_units_and_licences(told, salts) -> None:
    rows = salts.read(GRID)
    assert rows.group_by("mode").len().sort("mode").rows() == [("asha", 2), ("full", 8)]
    assert set(rows["unit"]) == {"eV"} and rows["licences"].list.len().min() > 0
    both = rows.filter(seed=0, state="finished").group_by("gnn_layers", "decoder_layers", "width")
    assert (both.agg(pl.col("mae_validation").n_unique())["mae_validation"] == 1).all()  # one recipe, one run


def test_a_size_worse_than_those_in_the_ledger_is_stopped_at_the_first_rung(told, ground, ledgers, tmp_path) -> None:
    """Also where another machine wrote the ledger: the marks of optuna's pruner are rebuilt from the lines."""
    before = asha_ledger(tmp_path)
    lines = ledgers.asha.rows().head(1)
    unbeatable = lines.with_columns(rungs=pl.lit("0.0000001"), state=pl.lit("finished"))
    unbeatable.write_csv(before.path)
    train_asha([ground], before, How(1), TWO)
    late = before.rows().row(1, named=True)
    assert (late["state"], late["epochs"]) == ("stopped", rungs(BUDGETS["sample"]["epochs"])[0])


def test_two_that_ask_at_once_never_get_the_same_size_and_see_each_others_rungs(tmp_path) -> None:
    here, there = (asha._study(tmp_path / "journal.log", 30) for _ in range(2))
    for size in TWO:
        here.enqueue_trial(size._asdict())
    first, second = here.ask(), there.ask()
    given = [Size(*(t.suggest_categorical(n, some) for n, some in asha.SPACE.items())) for t in (first, second)]
    assert given == list(TWO)
    first.report(0.1, 3)
    second.report(0.2, 3)
    assert not first.should_prune() and second.should_prune()


def test_rungs_are_thirds_and_none_is_near_the_end() -> None:
    assert rungs(30) == [3, 9] and rungs(3) == [1] and rungs(90) == [9, 27]


def test_a_forecast_counts_what_is_left_and_learns_from_the_ledger(told, ground, ledgers) -> None:
    done, wrong = left([ground], "full", 2, ledgers, TWO)
    assert not wrong and done.row(0, named=True)["left"] == 0 and done["done"][0] == 8
    some, _ = left([ground], "full", 2, ledgers, (*TWO, Size(8, 5, 128)))
    assert some["left"][0] == 1 + FINALISTS * len(FRESH)  # which ones is not known before all sizes are done
    lines = ledgers.full.rows()
    slower = lines.with_columns(pl.col("seconds") * 2)
    assert pace(slower) == pytest.approx(2 * pace(lines))
    assert cost(ground.recipe(Size(8, 1, 64))) > cost(ground.recipe(Size(1, 5, 64)))
    assert seconds_left([4, 3, 2, 1], 2.0, 2) == 10 and seconds_left([9, 1], 1.0, 2) == 9


def test_what_a_lake_cannot_teach_is_said_and_nothing_is_trained(salts, ground, ledgers, tmp_path) -> None:
    grounds = grounds_of(salts, ["band_gap", "magnetization_per_atom"], "sample")
    able, wrong = teachable(grounds)
    assert [some.name for some in able] == ["band_gap"] and "magnetization_per_atom" in wrong[0]
    empty = Ledgers(Ledger.of("grid", tmp_path), asha_ledger(tmp_path))
    with pytest.raises(TaskError, match="magnetization_per_atom"):
        write_grid(grounds, "full", How(1), empty, TWO)
    assert not len(empty.full.rows())


def made(errors: dict[Size, list[float]], mode: str = "full", **more: dict[Size, object]) -> pl.DataFrame:
    """Rows of GRID with these validation errors by seed."""
    return pl.DataFrame([
        {
            **size._asdict(), "mode": mode, "seed": seed, "mae_validation": error, "mae_test": error, "seconds": 1.0,
            "epochs": more.get("epochs", {}).get(size, 30), "state": more.get("state", {}).get(size, "finished"),
            "rungs": more.get("rungs", {}).get(size, []),
        }
        for size, by_seed in errors.items() for seed, error in enumerate(by_seed)
    ], schema_overrides={"rungs": pl.List(pl.Float64)})  # fmt: skip


A, B, C, D = Size(1, 1, 64), Size(2, 1, 64), Size(4, 1, 64), Size(8, 1, 64)


def test_seeds_that_chose_nothing_tell_the_best_from_the_second() -> None:
    rows = made({A: [0.5, 1.00, 1.02, 0.98], B: [0.9, 1.10, 1.13, 1.07], C: [3.0]})
    said = verdict(rows)
    assert (said.best, said.second, said.seeds, said.sizes) == (A, B, 3, 3)
    assert said.distinguishable and said.low < said.excess < said.high
    assert said.error == pytest.approx(1.0)  # without the seed that chose
    assert "n = 3" in said.words and " distinguishable" in said.words and "not d" not in said.words


def test_seeds_that_disagree_make_no_claim() -> None:
    said = verdict(made({A: [0.9, 1.0, 1.2, 0.9], B: [1.0, 1.1, 0.9, 1.2]}))
    assert not said.distinguishable and "not distinguishable" in said.words and said.near == 2


def test_one_seed_makes_no_claim_and_half_a_study_none_of_its_fresh_seeds() -> None:
    one = verdict(made({A: [1.0], B: [2.0]}))
    assert one.best == A and not one.distinguishable and "one seed" in one.words
    half = verdict(made({A: [1.0, 3.0], B: [2.0]}))
    assert (half.best, half.error, half.seeds) == (A, 1.0, 1)
    assert verdict(made({A: [1.0]}).filter(seed=5)) is None


def test_the_ranking_of_asha_is_held_to_the_full_grids() -> None:
    ends = made({A: [1.0], B: [2.0], C: [3.0], D: [4.0]})
    tried = made(
        {A: [1.0], B: [2.5], C: [3.5], D: [4.5]}, "asha",
        state={B: "stopped", C: "stopped", D: "stopped"}, epochs={B: 9, C: 3, D: 3},
        rungs={A: [0.1, 0.05], B: [0.2, 0.07], C: [0.3], D: [0.4]},
    )  # fmt: skip
    said = agreement(pl.concat([ends, tried]), [3, 9])
    assert said.kept and said.chosen == said.best == A and said.excess == 0
    assert said.share == pytest.approx((30 + 9 + 3 + 3) / 120)
    assert [(rung.runs, rung.spearman) for rung in said.rungs] == [(4, pytest.approx(1.0)), (2, None)]
    assert "kept" in said.words and "the same size" in said.words and "38 %" in said.words
    assert agreement(ends, [3, 9]) is None and agreement(pl.concat([ends, tried.head(3)]), [3, 9]) is None


def test_asha_that_stopped_the_best_says_what_it_lost() -> None:
    ends = made({A: [1.0], B: [1.5], C: [3.0]})
    tried = made({A: [2.0], B: [1.5], C: [3.5]}, "asha", state={A: "stopped", C: "stopped"},
                 epochs={A: 3, C: 3}, rungs={A: [0.3], B: [0.1], C: [0.2]})  # fmt: skip
    said = agreement(pl.concat([ends, tried]), [3])
    assert not said.kept and said.chosen == B and said.excess == pytest.approx(0.5)
    assert said.rungs[0].spearman == pytest.approx(-0.5) and "stopped" in said.words and "50.0 % larger" in said.words


def test_a_sample_lake_keeps_its_own_ledgers(tmp_path: Path) -> None:
    from models.ledger import FOLDER

    assert Ledgers.of(Lake(tmp_path)).full.path.parent == FOLDER
    (tmp_path / "SAMPLE").touch()
    assert tmp_path in Ledgers.of(Lake(tmp_path)).full.path.parents


def test_a_recipe_of_a_ledger_line_is_the_recipe(told, ground, ledgers) -> None:
    line = lines_of(ground, ledgers.full).row(0, named=True)
    run = full.run_of(ground, line)
    assert run.recipe.digest == line["recipe"] and replace(run.recipe, seed=9).digest != line["recipe"]
    assert run.scores["band_gap"]["mae_validation"] == line["mae_validation"]
