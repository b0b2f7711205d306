"""Pictures of what was learnt: drawn on any lake, from test rows alone, by the study that validated best."""

from __future__ import annotations

import matplotlib
import polars as pl
import pytest
from matplotlib.figure import Figure

import models.figures
from lake.store import Lake
from lake.tables import PREDICTIONS, RUNS
from models.figures import parity_plots
from tests.small_lake import learnt


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return learnt(tmp_path_factory.mktemp("lake"))


@pytest.mark.parametrize("name", models.figures.__all__)
def test_every_picture_draws_on_full_and_on_empty_lakes_and_sets_nothing(name, lake, tmp_path):
    before = dict(matplotlib.rcParams)
    for water in (lake, Lake(tmp_path)):
        assert isinstance(getattr(models.figures, name)(water), Figure)
    assert dict(matplotlib.rcParams) == before


def test_the_heat_maps_mark_the_lowest_error_and_the_size_found_before(lake):
    panels = models.figures.grid(lake).axes
    assert [len(axes.texts) for axes in panels] == [20, 20]
    marks = [[type(mark).__name__ for mark in axes.patches] for axes in panels]
    assert marks == [["Rectangle"], ["Ellipse"]]  # 1/1/64 here, 4/1/128 before


def test_parity_shows_labelled_test_rows_alone(lake):
    told = lake.read(PREDICTIONS).filter(pl.col("split") == "test", pl.col("label").is_not_null())
    shown = pl.concat(parity_plots.tested(lake).values())
    assert set(shown["split"]) == {"test"} and shown["label"].null_count() == 0
    assert len(shown) == len(told)


def test_parity_shows_the_study_that_validated_best(lake, tmp_path):
    other = Lake(tmp_path)
    rows = lake.read(PREDICTIONS)
    other.replace(PREDICTIONS, pl.concat([rows, rows.with_columns(study=pl.lit("joint"))]))
    other.replace(RUNS, lake.read(RUNS))
    assert all(set(rows["study"]) == {"single"} for rows in parity_plots.tested(other).values())
