"""A model, what it says, and what it gained carry the licences of all that it learnt from; the door knows."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lake.export import Refused, export
from lake.graphs.shards import GraphStore
from lake.licences import strictest
from lake.snapshots import at, take
from lake.store import Lake
from lake.tables import OBSERVATIONS, PREDICTIONS, RUNS, TRANSFER
from models.checkpoint import read
from models.dataset import training_rows
from models.fit import fit
from models.licences import learnt_from, of_candidates, of_labels
from models.predicting import predict_entries
from models.recipe import Recipe
from models.run import runs_frame
from models.study import run_study
from models.transfer import gains
from tests.models._made import PAIRS, entry, filled, material, observation, rock_salt, split

AFLOW = "see aflow.org (unverified)"
SIZE = {"width": 4, "gnn_layers": 1, "steps": 2, "batch_size": 16}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """48 rock salts under CC BY whose gaps are, and of which AFLOW tells the bulk modulus of one, and one is CC0."""
    entries, observations, materials, splits = [], [], [], []
    for number, (cation, anion) in enumerate(PAIRS):
        crystal, name = rock_salt(cation, anion, 4.2 + 0.05 * number), f"mp:{number}"
        entries.append(entry(name, crystal) | {"licence": "CC0-1.0" if number == 3 else "CC BY 4.0"})
        materials.append(material(f"m{number}", [name], crystal.reduced_formula))
        where = {0: "test", 1: "validation"}.get((number // 6 + number) % 6, "train")
        splits.append(split(f"m{number}", where, crystal.reduced_formula))
        observations.append(observation(name, "band_gap", 9.0 - 0.1 * number))
        modulus = observation(name, "bulk_modulus", 30.0 + number)
        observations.append(modulus | ({"licence": AFLOW, "source": "aflow"} if number == 5 else {}))
    return filled(tmp_path_factory.mktemp("terms"), entries, observations, materials, splits)


@pytest.fixture(scope="module")
def runs(lake: Lake) -> pl.DataFrame:
    recipes = [Recipe((name,), **SIZE) for name in ("band_gap", "bulk_modulus")]
    joint = Recipe(("band_gap", "bulk_modulus"), sharing="hard", **SIZE)
    tonight = take(lake, name="tonight")
    frame = runs_frame(run_study(at(lake, tonight), [*recipes, joint], processes=1, snapshot=tonight))
    lake.replace(RUNS, frame)
    return frame


def test_a_run_has_the_licences_of_its_structures_and_its_own_labels(runs: pl.DataFrame) -> None:
    told = {(study, name): row for study, name, row in runs.select("study", "property", "licences").iter_rows()}
    assert told["single", "band_gap"] == ["CC BY 4.0", "CC0-1.0"]
    assert told["single", "bulk_modulus"] == ["CC BY 4.0", "CC0-1.0", AFLOW]
    assert told["joint", "band_gap"] == told["joint", "bulk_modulus"] == ["CC BY 4.0", "CC0-1.0", AFLOW]


def test_a_run_names_the_snapshot_that_it_learnt_from(runs: pl.DataFrame) -> None:
    assert set(runs["snapshot"]) == {"tonight"}


def test_a_checkpoint_carries_its_terms_in_its_header(lake: Lake, runs: pl.DataFrame) -> None:
    for row in runs.iter_rows(named=True):
        found = read(lake.root / "models" / row["checkpoint"]).run
        assert (list(found.licences), found.snapshot) == (row["licences"], "tonight")


def test_a_checkpoint_of_before_is_under_terms_that_nobody_stated(
    lake: Lake, runs: pl.DataFrame, tmp_path: Path
) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = lake.root / "models" / runs["checkpoint"][0]
    with safe_open(path, framework="numpy") as file:
        header = {name: told for name, told in file.metadata().items() if name not in ("licences", "terms", "snapshot")}
    save_file(load_file(path), tmp_path / "old.safetensors", header)
    assert strictest(read(tmp_path / "old.safetensors").run.licences).name == "not stated"


def test_predictions_inherit_from_model_structure_and_label(lake: Lake, runs: pl.DataFrame) -> None:
    said = predict_entries(lake, runs, processes=1)[0]
    rows = said.select("study", "property", "entry_id", "licences").iter_rows()
    told = {(study, name, entry_id): licences for study, name, entry_id, licences in rows}
    assert told["single", "band_gap", "mp:0"] == ["CC BY 4.0", "CC0-1.0"]
    assert all(AFLOW in row for (study, name, _), row in told.items() if (study, name) != ("single", "band_gap"))


def test_a_label_under_other_terms_binds_the_prediction_that_stands_beside_it(lake: Lake, runs: pl.DataFrame) -> None:
    observations = lake.read(OBSERVATIONS)
    private = (pl.col("entry_id") == "mp:7") & (pl.col("property") == "band_gap")
    licence = pl.when(private).then(pl.lit("private")).otherwise("licence")
    lake.replace(OBSERVATIONS, observations.with_columns(licence=licence))
    said = predict_entries(lake, runs.filter(pl.col("study") == "single"), processes=1)[0].filter(
        pl.col("property") == "band_gap"
    )
    lake.replace(OBSERVATIONS, observations)
    assert said.filter(pl.col("licences").list.contains("private"))["entry_id"].to_list() == ["mp:7"]


def test_gains_inherit_from_both_ways_of_training(runs: pl.DataFrame) -> None:
    assert all(row == ["CC BY 4.0", "CC0-1.0", AFLOW] for row in gains(runs)["licences"].to_list())


def test_only_the_label_that_was_learnt_binds_not_another_of_the_same_entry(lake: Lake) -> None:
    observations = lake.read(OBSERVATIONS)
    beside = observation("mp:0", "band_gap", 1.0, level="LDA") | {"licence": "private", "reading": "labels:x"}
    lake.replace(OBSERVATIONS, pl.concat([observations, OBSERVATIONS.frame([beside])]))
    licences = dict(of_labels(lake, "band_gap").select("entry_id", "licences").iter_rows())
    lake.replace(OBSERVATIONS, observations)
    assert licences["mp:0"] == ["CC BY 4.0"]


def test_a_limit_takes_the_terms_of_the_rows_it_keeps_and_no_others(lake: Lake) -> None:
    rows = training_rows(lake, ("bulk_modulus",))
    kept = rows.frame["entry_id"] != "mp:5"
    fewer = replace(rows, frame=rows.frame.filter(kept), targets=rows.targets[kept.to_numpy()])
    assert learnt_from(lake, rows) == ("CC BY 4.0", "CC0-1.0", AFLOW)
    assert learnt_from(lake, fewer) == ("CC BY 4.0", "CC0-1.0")


def test_what_a_fit_is_told_of_its_rows_stands_in_the_checkpoint(lake: Lake, tmp_path: Path) -> None:
    rows = training_rows(lake, ("band_gap",))
    run = fit(Recipe(("band_gap",), **SIZE), rows, GraphStore(lake), tmp_path, ("private",), "s")
    assert read(run.checkpoint).run.licences == ("private",) and read(run.checkpoint).run.snapshot == "s"


def test_candidates_inherit_from_entries_cells_and_predictions(lake: Lake) -> None:
    found = of_candidates(lake, pl.DataFrame({"material_id": ["m3", "m4", "nobody"]}), "band_gap")
    assert found["licences"].to_list() == [["CC0-1.0"], ["CC BY 4.0"], []]


def test_what_a_model_says_that_learnt_from_aflow_is_not_exported(
    lake: Lake, runs: pl.DataFrame, tmp_path: Path
) -> None:
    lake.replace(PREDICTIONS, predict_entries(lake, runs, processes=1)[0])
    with pytest.raises(Refused, match="AFLOW's API states no licence"):
        export(lake, tmp_path / "a", "predictions")
    made = export(lake, tmp_path / "b", "predictions", leave_out=True)
    kept = pl.read_parquet(tmp_path / "b" / "predictions.parquet")
    assert made.left_out == 3 * len(kept) and set(kept["study"]) == {"single"} and set(kept["property"]) == {"band_gap"}
    lake.replace(TRANSFER, gains(runs))
    with pytest.raises(Refused, match="ask aflow"):
        export(lake, tmp_path / "c", "transfer")
