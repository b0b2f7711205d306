"""Published sets: every row read or named, every split as published, and grouped splits that share no formula."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.learning.chang2022.anchors import ANCHORS
from benchmarks.learning.chang2022.grouped import _drawn, grouped, shared
from models.published import PUBLISHED
from models.published.chang2022 import CRYSTALS, SPLITS, PublishedSetError, entry, read_set
from models.task import in_order, task_named
from tests.models._published import made

DATA = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data")
NAME = "chang2022.jarvis_2d_eform"


@pytest.fixture(scope="module")
def real() -> Path:
    if not (DATA / CRYSTALS).exists():
        pytest.skip(f"real data absent: {DATA / CRYSTALS} (set CRYSTAL_LAKE_REAL_DATA)")
    return DATA


@pytest.mark.parametrize("name", ["chang2022.jarvis_2d_exfoliation", "chang2022.piezoelectric_tensor"])
def test_nothing_of_a_published_set_is_lost(real, name):
    told = pl.scan_parquet(real / CRYSTALS).filter(pl.col("task") == PUBLISHED[name].key).collect()
    published = json.loads((real / SPLITS).read_text())[PUBLISHED[name].key]
    read = read_set(name, real)
    assert len(read.frame) + len(read.unread) == len(told) and not read.unread
    values = {entry(name, row): value for row, value in told.select("row", "value").iter_rows()}
    assert dict(read.frame.select("entry_id", "value").iter_rows()) == values
    for split, rows, unsplit in zip(published, read.splits, read.unsplit, strict=True):
        for theirs, ours in (("train", "train"), ("val", "validation"), ("test", "test")):
            assert set(rows.frame["entry_id"].gather(rows.of(ours))) == {entry(name, row) for row in split[theirs]}
        assert len(rows) + len(unsplit) == len(told)
        labels = [values[e] for e in rows.frame["entry_id"]]
        np.testing.assert_allclose(rows.targets[:, 0], labels, rtol=1e-6)


def test_every_published_error_is_of_a_set_that_there_is():
    assert set(ANCHORS) < set(PUBLISHED) and sum(anchor.counted for anchor in ANCHORS.values()) == 12
    assert all(anchor.moma < anchor.moe18 < anchor.cgcnn for anchor in ANCHORS.values())


def test_logarithms_say_that_they_are_natural():
    assert {task_named(name).unit for name in in_order(PUBLISHED)} == {"", "eV", "eV/atom", "meV/atom", "ln"}


def test_grouped_splits_of_real_crystals_share_no_formula_though_the_published_ones_do(real):
    read = read_set("chang2022.jarvis_2d_gap_opt", real)
    assert np.mean([shared(rows, read.formulas) for rows in read.splits]) > 0.1
    ours = grouped(read)
    assert [shared(rows, read.formulas) for rows in ours] == [0.0] * 5
    for rows in ours:
        parts = {}
        for name, part in rows.frame.select("entry_id", "split").iter_rows():
            parts.setdefault(read.formulas[name], set()).add(part)
        assert all(len(found) == 1 for found in parts.values())
        assert len(rows) == len(read.frame)
        assert len(read.splits[0].of("test")) <= len(rows.of("test")) < len(read.splits[0].of("test")) + 10
    assert len({rows.digest for rows in ours}) == 5


@given(st.dictionaries(st.integers(0, 60).map(str), st.sampled_from("ABCDEFGHIJKL"), min_size=1), st.integers(0, 4))
def test_grouping_places_every_entry_once_and_no_formula_twice(formulas, split):
    parts = _drawn(formulas, {"test": len(formulas) // 5, "validation": len(formulas) // 5}, split)
    assert set(parts) == set(formulas)
    assert len({(formulas[e], part) for e, part in parts.items()}) == len(set(formulas.values()))
    assert parts == _drawn(dict(reversed(formulas.items())), {"test": len(formulas) // 5,
                           "validation": len(formulas) // 5}, split)  # fmt: skip


def test_a_crystal_that_cannot_be_read_is_named_and_stands_in_no_split(tmp_path):
    data = made(tmp_path, NAME, broken=(3,))
    read = read_set(NAME, data)
    assert list(read.unread) == [entry(NAME, 3)] and read.unread[entry(NAME, 3)]
    assert len(read.crystals) == len(read.frame) == 29
    assert all(entry(NAME, 3) not in rows.frame["entry_id"].to_list() for rows in read.splits)


def test_rows_in_two_parts_are_refused(tmp_path):
    data = made(tmp_path, NAME)
    told = json.loads((data / SPLITS).read_text())
    told["jarvis_2d_eform"][0]["val"] = told["jarvis_2d_eform"][0]["test"]
    (data / SPLITS).write_text(json.dumps(told))
    with pytest.raises(PublishedSetError, match="one part"):
        read_set(NAME, data)


def test_rows_that_there_are_not_are_refused(tmp_path):
    data = made(tmp_path, NAME)
    told = json.loads((data / SPLITS).read_text())
    told["jarvis_2d_eform"][2]["test"].append(999)
    (data / SPLITS).write_text(json.dumps(told))
    with pytest.raises(PublishedSetError, match="999"):
        read_set(NAME, data)
