"""The asset of predictions: both tables in one step, and the calibration beside the checkpoints too."""

from __future__ import annotations

import dagster as dg
import polars as pl

from assets.training import speaking
from lake.tables import CALIBRATION, PREDICTIONS, RUNS
from models.conformal import FILE
from models.run import runs_frame
from models.study import folder, run_study, single_recipes
from tests.models._made import PAIRS, entry, filled, material, observation, rock_salt, split


def test_predictions_and_their_calibration_are_made_together(tmp_path):
    entries, observations, materials, splits = [], [], [], []
    for at, (cation, anion) in enumerate(PAIRS * 3):
        name, formula = f"mp:{at}", f"X{at}"
        entries.append(entry(name, rock_salt(cation, anion, 4.2 + at / 60)) | {"reduced_formula": formula})
        materials.append(material(f"m{at}", [name], formula))
        splits.append(split(f"m{at}", ("train", "validation", "train", "test")[(at + at // 48) % 4], formula))
        observations.append(observation(name, "band_gap", 5 - at / 60))
    lake = filled(tmp_path, entries, observations, materials, splits)
    recipes = single_recipes("band_gap", (0,), width=8, gnn_layers=1, steps=5, batch_size=16)
    lake.replace(RUNS, runs_frame(run_study(lake, recipes, processes=1)))
    made = dg.materialize([speaking], resources={"lake": lake})
    assert made.success and all(check.passed for check in made.get_asset_check_evaluations())
    (row,) = lake.read(CALIBRATION).iter_rows(named=True)
    assert (row["property"], row["level"], row["licences"]) == ("band_gap", 0.9, ["CC BY 4.0", "made for a test"])
    assert len(lake.read(PREDICTIONS)) == 144 and lake.read(PREDICTIONS)["low"].count()
    beside = pl.read_json(folder(lake) / FILE, schema=CALIBRATION.schema)
    assert beside.equals(lake.read(CALIBRATION))
