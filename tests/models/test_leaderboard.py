"""The leaderboard: validation ranks, spreads are those of seeds, groups are by chemistry, and pictures draw it."""

from __future__ import annotations

import json

import polars as pl
import pytest
from matplotlib.figure import Figure

import models.figures
from lake.store import Lake
from lake.tables import ENTRIES, ERRORS_BY_GROUP, FEATURES, LEADERBOARD, LEARNING_CURVES, RUNS
from models.baselines import BASELINES
from models.chemistry import family_of, system_of
from models.error_groups import by_group, support
from models.leaderboard import Standing, standing

PICTURES = ("leaderboard", "learning_curves", "errors_by_chemistry", "errors_by_element")


def runs() -> pl.DataFrame:
    """A good network and one that is lucky on test, three seeds each, for one property of the salts."""
    rows = []
    for width, validation, test in ((8, 0.01, 0.5), (9, 5.0, 0.0)):
        for seed in range(3):
            rows.append({
                "run": f"{width}-{seed}", "study": "single", "property": "band_gap", "unit": "eV", "seed": seed,
                "recipe": json.dumps({"encoder": "cgcnn", "width": width, "seed": seed}), "n_train": 64,
                "n_validation": 16, "n_test": 16, "mae_validation": validation, "mae_test": test + 0.1 * seed,
                "mae_mean_predictor": 0.9, "epochs": 1, "seconds": 1.0, "checkpoint": "x.safetensors",
                "licences": ["CC BY 4.0"], "snapshot": "",
            })  # fmt: skip
    return RUNS.frame(rows)


@pytest.fixture(scope="module")
def found(salts: Lake) -> Standing:
    before = salts.read(RUNS)
    salts.replace(RUNS, runs())
    half = (
        salts.read(ENTRIES)
        .head(48)
        .select("structure_hash", model=pl.lit("half"), vector=pl.lit([1.0]), licence=pl.lit("x"))
    )
    salts.replace(FEATURES, half.select(FEATURES.schema.names()))
    told = standing(salts, trees=3, seeds=2, processes=1)
    salts.replace(RUNS, before)
    salts.replace(FEATURES, FEATURES.empty())
    return told


def test_every_model_has_a_row_and_validation_ranks(found):
    board = found.leaderboard
    assert set(board["model"]) == {"cgcnn", *BASELINES}
    assert board["place"].to_list() == [1, 2, 3, 4, 5]
    assert board["mae_validation"].is_sorted()
    assert (board["mae_test"] / board["mae_mean_predictor"] - board["ratio"]).abs().max() < 1e-12


def test_the_network_is_the_recipe_that_validated_best_with_its_spread(found):
    row = found.leaderboard.row(by_predicate=pl.col("model") == "cgcnn", named=True)
    assert row["mae_test"] == pytest.approx(0.6) and row["mae_test_spread"] == pytest.approx(0.1) and row["seeds"] == 3
    assert json.loads(row["fields"])["width"] == 8 and row["place"] == 1
    assert set(found.curves.filter(model="cgcnn")["mae_validation"]) == {0.01}


def test_methods_without_chance_have_one_seed_and_no_spread(found):
    alone = found.leaderboard.filter(pl.col("model").is_in(["mean", "median"]))
    assert set(alone["seeds"]) == {1} and alone["mae_test_spread"].null_count() == 2
    assert set(found.leaderboard.filter(pl.col("model").is_in(["composition", "structure"]))["seeds"]) == {2}


def test_vectors_of_some_structures_alone_are_left_out_with_the_reason(found):
    assert found.left_out == {"features:half of band_gap": "48 of 96 structures have no vector"}


def test_curves_grow_on_one_test_set_and_end_at_the_leaderboard(found):
    curve = found.curves.filter(model="structure", seed=0).sort("share")
    assert curve["share"].to_list() == [0.1, 0.3, 1.0] and curve["n_train"].to_list() == [6, 19, 64]
    assert set(curve["n_test"]) == {16}
    ends = found.curves.filter(model="structure", share=1.0)["mae_test"].mean()
    assert ends == pytest.approx(
        found.leaderboard.row(by_predicate=pl.col("model") == "structure", named=True)["mae_test"]
    )


def test_licences_are_inherited(found):
    assert all("made for a test" in told for told in found.leaderboard.filter(model="structure")["licences"])


def test_errors_of_a_group_are_those_by_hand_and_small_groups_are_not_told():
    tested = pl.DataFrame({"entry_id": [str(i) for i in range(14)], "label": [0.0] * 14, "grouping": ["family"] * 14,
                           "member": ["oxide"] * 10 + ["halide"] * 4})  # fmt: skip
    said = tested.select("entry_id", value=pl.int_range(14).cast(pl.Float64), model=pl.lit("m"), licences=pl.lit(["x"]))
    floor = tested.select("entry_id", floor=pl.lit(2.0))
    rows = by_group("band_gap", tested, said, floor)
    assert rows.select("member", "n", "mae", "mae_mean_predictor").rows() == [("oxide", 10, 4.5, 2.0)]


@pytest.mark.parametrize(
    ("formula", "family"),
    [("SiO2", "oxide"), ("NaCl", "halide"), ("CaF2", "halide"), ("LiOF", "halide"), ("MoS2", "chalcogenide"),
     ("GaAs", "pnictide"), ("AlNi", "intermetallic"), ("Cu", "intermetallic"), ("SiC", "other"), ("C", "other")],
)  # fmt: skip
def test_families_are_of_the_most_electronegative_element(formula, family):
    from models.chemistry import elements_of

    assert family_of(elements_of(formula)) == family


def test_systems_and_ranges():
    assert system_of("SiO2") == system_of("Si2O") == "O-Si"
    assert [support(n) for n in (0, 1, 9, 10, 999, 5000)] == ["0", "1-9", "1-9", "10-99", "100-999", "1000+"]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_draw_what_was_found(found, tmp_path, name):
    lake = Lake(tmp_path)
    whole = found.groups.filter(grouping="all")
    salt = whole.with_columns(grouping=pl.lit("element"), member=pl.lit("Na"))  # of sixteen rows, no element has ten
    tables = {
        LEADERBOARD: found.leaderboard,
        LEARNING_CURVES: found.curves,
        ERRORS_BY_GROUP: pl.concat([found.groups, salt]),
    }
    for table, rows in tables.items():
        lake.replace(table, rows)
    figure = getattr(models.figures, name)(lake)
    assert isinstance(figure, Figure) and figure.get_axes()
