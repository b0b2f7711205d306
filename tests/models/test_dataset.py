"""A label teaches the entry it was computed for, and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lake.properties import UnknownProperty
from lake.properties.catalog.theory import MIXED, MP2020_MIXED, OQMD_FITTED
from lake.store import Lake
from models.dataset import TaskError, trainable, training_rows
from tests.models._made import entry, filled, material, observation, rock_salt, split


def test_a_label_is_never_lent_to_another_entry_of_the_same_material(tmp_path: Path) -> None:
    here, there = rock_salt(11, 17, 5.60), rock_salt(11, 17, 5.66)
    lake = filled(
        tmp_path,
        [entry("mp:1", here), entry("oqmd:2", there)],
        [observation("oqmd:2", "band_gap", 5.0)],
        [material("m1", ["mp:1", "oqmd:2"])],
        [split("m1", "train")],
    )
    rows = training_rows(lake, ["band_gap"])
    assert rows.frame["entry_id"].to_list() == ["oqmd:2"]
    assert rows.frame["structure_hash"].to_list() == [there.structure_hash]


def test_only_bulk_computed_values_of_one_family_of_theory_teach(tmp_path: Path) -> None:
    names = ["mp:pbe", "mp:u", "mp:lda", "mp:measured", "mp:slab", "cod:disordered"]
    salts = [rock_salt(11, 17, 5.5 + 0.1 * i) for i in range(6)]
    kinds = ["bulk"] * 4 + ["slab+adsorbate", "disordered"]
    lake = filled(
        tmp_path,
        [entry(n, c, kind) for n, c, kind in zip(names, salts, kinds, strict=True)],
        [
            observation("mp:pbe", "band_gap", 1.0),
            observation("mp:u", "band_gap", 2.0, level="PBE+U"),
            observation("mp:lda", "band_gap", 3.0, level="LDA"),
            observation("mp:measured", "band_gap", 4.0, origin="measured"),
            observation("mp:slab", "band_gap", 5.0),
            observation("cod:disordered", "band_gap", 6.0),
        ],
        [material(f"m-{n}", [n]) for n in names],
        [split(f"m-{n}", "train") for n in names],
    )
    assert training_rows(lake, ["band_gap"]).targets[:, 0].tolist() == [1.0, 2.0]


def test_no_material_and_no_formula_crosses_the_splits(salts: Lake) -> None:
    rows = training_rows(salts, ["band_gap", "bulk_modulus"])
    assert rows.frame.group_by("material_id").n_unique()["split"].max() == 1
    assert sum(len(rows.of(s)) for s in ("train", "validation", "test")) == len(rows)


def test_another_scheme_parts_the_same_rows_and_leaves_out_what_it_has_no_part_for(tmp_path: Path) -> None:
    names = ["mp:1", "mp:2"]
    lake = filled(
        tmp_path,
        [entry(n, rock_salt(11, 17, 5.5 + i)) for i, n in enumerate(names)],
        [observation(n, "band_gap", 5.0) for n in names],
        [material(f"m-{n}", [n]) for n in names],
        [*(split(f"m-{n}", "train") for n in names), split("m-mp:2", "test") | {"scheme": "time"}],
    )
    assert training_rows(lake, ["band_gap"]).frame["split"].to_list() == ["train", "train"]
    by_time = training_rows(lake, ["band_gap"], scheme="time").frame
    assert by_time.select("entry_id", "split").rows() == [("mp:2", "test")]
    with pytest.raises(KeyError, match="reduced_formula"):
        training_rows(lake, ["band_gap"], scheme="formula")


def test_a_missing_label_is_nan_and_every_known_one_is_there(salts: Lake) -> None:
    rows = training_rows(salts, ["band_gap", "bulk_modulus"])
    assert np.isfinite(rows.targets).sum(axis=0).tolist() == [96, 48]


def test_a_limit_keeps_the_same_labels_whatever_the_other_tasks(salts: Lake) -> None:
    alone = training_rows(salts, ["bulk_modulus"], limit=8)
    together = training_rows(salts, ["band_gap", "bulk_modulus"], limit=8)
    assert alone.labels("train").tolist() == [8]
    assert together.labels("train").tolist() == [8, 8]
    assert together.labels("validation").tolist() == [2, 2]
    kept = together.frame.filter(np.isfinite(together.targets[:, 1]))["entry_id"]
    assert kept.to_list() == alone.frame["entry_id"].to_list()
    assert together.digest == training_rows(salts, ["band_gap", "bulk_modulus"], limit=8).digest


def test_a_task_that_cannot_be_learnt_is_refused_with_the_reason(tmp_path: Path, salts: Lake) -> None:
    with pytest.raises(UnknownProperty, match="band_gap"):
        training_rows(salts, ["band_gapp"])
    with pytest.raises(TaskError, match=r"shear_modulus.*found 0"):
        training_rows(salts, ["shear_modulus", "band_gap"]).checked()
    names = ["mp:1", "mp:2"]
    lake = filled(
        tmp_path,
        [entry(n, rock_salt(11, 17, 5.5 + i)) for i, n in enumerate(names)],
        [observation(n, "band_gap", 2.5) for n in names],
        [material(f"m-{n}", [n]) for n in names],
        [split(f"m-{n}", "train") for n in names],
    )
    with pytest.raises(TaskError, match=r"all its 2 training labels are 2\.5"):
        training_rows(lake, ["band_gap"]).checked()
    verdicts = trainable(salts, ["band_gap", "shear_modulus"])
    assert verdicts["band_gap"] is None
    assert "two labelled" in verdicts["shear_modulus"]


def test_a_task_is_a_column_and_learns_from_nothing_that_the_column_does_not_admit(tmp_path: Path) -> None:
    names, energy = ["mp:1", "oqmd:1", "aflow:1"], "formation_energy_per_atom"
    levels, corrections = (MIXED, "PBE", "PBE"), (MP2020_MIXED, OQMD_FITTED, "none")
    told = zip(names, (-1.0, -2.0, -3.0), levels, corrections, strict=True)
    lake = filled(
        tmp_path,
        [entry(n, rock_salt(11, 17, 5.5 + 0.1 * i)) for i, n in enumerate(names)],
        [observation(n, energy, value, level) | {"correction": correction} for n, value, level, correction in told],
        [material(f"m-{n}", [n]) for n in names],
        [split(f"m-{n}", "train") for n in names],
    )
    for task, value in ((energy, -1.0), (f"{energy}_oqmd", -2.0), (f"{energy}_aflow", -3.0)):
        assert training_rows(lake, [task]).targets[:, 0].tolist() == [value]
    both = training_rows(lake, [f"{energy}_oqmd", energy])
    assert np.isfinite(both.targets).sum(axis=0).tolist() == [1, 1]


def test_of_several_values_of_one_entry_the_preferred_teaches(tmp_path: Path) -> None:
    lake = filled(
        tmp_path,
        [entry("mp:1", rock_salt(11, 17, 5.5))],
        [
            observation("mp:1", "band_gap", 3.0, level="PBE+U") | {"reading": "mp:other"},
            observation("mp:1", "band_gap", 2.0) | {"reading": "labels:mine", "source": "labels"},
            observation("mp:1", "band_gap", 1.0) | {"reading": "mp:band_gap"},
        ],
        [material("m1", ["mp:1"])],
        [split("m1", "train")],
    )
    assert training_rows(lake, ["band_gap"]).targets[:, 0].tolist() == [1.0]


def test_flagged_values_teach_only_where_that_is_asked_for(tmp_path: Path) -> None:
    names = ["mp:1", "mp:2"]
    lake = filled(
        tmp_path,
        [entry(n, rock_salt(11, 17, 5.5 + i)) for i, n in enumerate(names)],
        [observation("mp:1", "band_gap", 1.0), observation("mp:2", "band_gap", 99.0) | {"flag": "out_of_range"}],
        [material(f"m-{n}", [n]) for n in names],
        [split(f"m-{n}", "train") for n in names],
    )
    assert training_rows(lake, ["band_gap"]).targets[:, 0].tolist() == [1.0]
    assert training_rows(lake, ["band_gap"], flagged=True).targets[:, 0].tolist() == [1.0, 99.0]
