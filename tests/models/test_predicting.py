"""What the models say: the same of an entry and of its crystal, with intervals where they were counted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import models
from lake.crystal import CrystalError
from lake.store import Lake
from lake.tables import CALIBRATION, RUNS
from models.checkpoint import read
from models.conformal import FILE
from models.predicting import predict_crystals, predict_entries
from models.run import runs_frame
from models.study import folder, run_study, single_recipes
from tests.models._made import PAIRS, entry, filled, material, observation, rock_salt, split

SIZE = {"width": 8, "gnn_layers": 1, "steps": 40, "batch_size": 16, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """240 rock salts with a gap, sixty of them to calibrate on; every other one has a modulus."""
    entries, observations, materials, splits = [], [], [], []
    for at, (cation, anion) in enumerate(PAIRS * 5):
        length, name = 4.2 + 2.4 * ((at * 37) % 240) / 240, f"mp:{at}"
        entries.append(entry(name, rock_salt(cation, anion, length)) | {"reduced_formula": f"X{at}"})
        where = ("train", "validation", "train", "test")[(at + at // 48) % 4]
        materials.append(material(f"m{at}", [name], f"X{at}"))
        splits.append(split(f"m{at}", where, f"X{at}"))
        observations.append(observation(name, "band_gap", 12.0 - 1.5 * length))
        if at % 8 < 3:
            observations.append(observation(name, "bulk_modulus", 4000.0 / length**3))
    lake = filled(tmp_path_factory.mktemp("salts"), entries, observations, materials, splits)
    recipes = [
        *single_recipes("band_gap", (0, 1), loss="laplace", **SIZE),
        *single_recipes("bulk_modulus", (0, 1), **SIZE),
    ]
    lake.replace(RUNS, runs_frame(run_study(lake, recipes, processes=1)))
    return lake


@pytest.fixture(scope="module")
def told(lake) -> tuple[pl.DataFrame, pl.DataFrame]:
    said, calibration = predict_entries(lake, processes=1)
    lake.replace(CALIBRATION, calibration)
    return said, calibration


def test_entries_have_intervals_that_hold_their_labels_unless_they_are_far(told):
    said, calibration = told
    gaps = said.filter(property="band_gap")
    assert calibration.filter(property="band_gap")["n"].item() >= 55
    assert (gaps["low"].is_null() == gaps["far"]).all() and 0 < gaps["low"].count() < 241
    inside = gaps.drop_nulls("low").filter(pl.col("label").is_between("low", "high"), split="test")
    share = len(inside) / len(gaps.drop_nulls("low").filter(split="test"))
    assert share == pytest.approx(calibration.filter(property="band_gap")["coverage"].item()) and share > 0.7


def test_a_property_with_few_labels_has_values_and_no_interval(lake, told):
    said, calibration = told
    row = calibration.row(by_predicate=pl.col("property") == "bulk_modulus", named=True)
    said = said.filter(property="bulk_modulus")
    if row["n"] >= 20:
        assert said["low"].count()
    else:
        assert row["quantile"] is None and not said["low"].count() and said["value"].count() == 240


def test_a_crystal_has_the_interval_of_its_entry(lake, told):
    crystals = {f"mp:{at}": rock_salt(*PAIRS[at], 4.2 + 2.4 * (at * 37 % 240) / 240) for at in range(12)}
    mine = models.predict(crystals, lake).sort("name", "property")
    theirs = told[0].filter(pl.col("entry_id").is_in(list(crystals))).sort("entry_id", "property")
    for column in ("value", "low", "high", "spread"):
        np.testing.assert_allclose(mine[column].to_numpy(), theirs[column].to_numpy(), rtol=1e-4, atol=1e-5)
    assert mine["far"].to_list() == theirs["far"].to_list()
    assert mine["label"][0] == "Band gap (computed, DFT); PBE or PBE+U" and mine["unit"][0] == "eV"


def test_pymatgen_structures_are_taken_one_after_another(lake, told):
    salt = rock_salt(11, 17, 5.6)
    mine = models.predict([salt.to_pymatgen(), salt], lake, ["band_gap"])
    assert mine["name"].to_list() == ["0", "1"] and mine["value"][0] == pytest.approx(mine["value"][1])


def test_the_order_of_crystals_and_the_company_they_keep_change_nothing(lake, told):
    crystals = {str(at): rock_salt(*PAIRS[at % 48], 4.3 + 0.01 * at) for at in range(150)}
    mine = models.predict(crystals, lake)
    turned = models.predict(dict(reversed(crystals.items())), lake)
    assert mine["name"].unique(maintain_order=True).to_list() == list(crystals)
    joined = mine.join(turned, on=["name", "property"], suffix="_turned")
    np.testing.assert_allclose(joined["value"], joined["value_turned"], rtol=1e-4, atol=1e-5)


def test_a_far_crystal_has_a_value_and_no_interval_and_a_foreign_one_neither(lake, told):
    said = models.predict({"far": rock_salt(3, 9, 14.0), "foreign": rock_salt(79, 17, 5.5)}, lake, ["band_gap"])
    far, foreign = said.iter_rows(named=True)
    assert far["far"] and math.isfinite(far["value"]) and far["low"] is far["high"] is None
    assert "far from everything trained on" in far["note"]
    assert foreign["far"] and foreign["value"] is foreign["low"] is None and "had no Au" in foreign["note"]


def test_a_folder_of_checkpoints_has_intervals_where_their_calibration_lies_beside_them(lake, told):
    crystal = {"mine": rock_salt(19, 17, 5.0)}
    without = predict_crystals(folder(lake), crystal, ["band_gap"])
    assert without["low"].to_list() == [None] and without["note"].str.contains("not calibrated|far from").all()
    (folder(lake) / FILE).write_text(told[1].write_json())
    assert predict_crystals(folder(lake), crystal).equals(predict_crystals(lake, crystal))
    (folder(lake) / FILE).unlink()


def test_intervals_of_other_models_are_not_lent(lake, told):
    lake.replace(CALIBRATION, told[1].with_columns(models=pl.lit("of yesterday")))
    said = models.predict({"mine": rock_salt(19, 17, 5.0)}, lake)
    lake.replace(CALIBRATION, told[1])
    assert not said["low"].count() and said["value"].count() == 2


def test_what_is_no_crystal_is_named(lake):
    with pytest.raises(CrystalError, match="flat"):
        models.predict({"flat": replace(rock_salt(3, 9, 4.2), lattice=np.zeros((3, 3)))}, lake)


def test_a_checkpoint_without_reference_calls_nothing_far(lake, tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    path = next(folder(lake).glob("single-band_gap*"))
    with safe_open(path, framework="numpy") as file:
        header = file.metadata()
    save_file(
        {k: v for k, v in load_file(path).items() if not k.startswith("reference.")}, tmp_path / path.name, header
    )
    assert read(tmp_path / path.name).reference() is None
    said = models.predict({"stretched": rock_salt(3, 9, 14.0)}, tmp_path)
    assert said["far"].to_list() == [None] and said["value"].count() == 1
