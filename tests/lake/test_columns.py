"""Columns: which fields a property needs that no crawl asked for."""

from __future__ import annotations

import pytest

from lake.crawl.columns import unfetched
from lake.properties.definition import Property, Reading
from lake.store import Lake
from lake.tables import RECORDS
from tests.lake._shelf import Shelf
from tests.lake.small_lake import record

KEEPS = {"": ("id", "bulk_modulus"), "elasticity": ("order",)}


def shelf(name: str) -> Shelf:
    source = Shelf({})
    source.keeps = {} if name == "cod" else KEEPS
    return source


def lacking(lake: Lake, *readings: Reading) -> list[tuple[str, str]]:
    kind = Property("gap", "Gap (computed)", "eV", "A gap.", "electronic", "computed", 0, 1, readings)
    return unfetched(lake, kind, shelf)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path)
    lake.append(RECORDS, RECORDS.frame([record("mp:1", "{}"), record("mp:1", "{}", route="elasticity")]))
    return lake


@pytest.mark.parametrize(
    "reading, field",
    [
        (Reading("mp", "bulk_modulus.vrh", "GPa", "a"), None),
        (Reading("mp", "band_gap", "eV", "a"), "band_gap"),
        (Reading("mp", "elasticity.order", "", "a", route="elasticity"), None),
        (Reading("mp", "thermo.energy", "eV", "a", route="thermo"), "thermo"),
        (Reading("aflow", "Egap", "eV", "a"), None),
    ],
    ids=["kept", "never asked for", "kept on a route", "a route never read", "a source without records"],
)
def test_a_field_that_was_never_asked_for_is_named(lake, reading, field):
    assert lacking(lake, reading) == ([(reading.source, field)] if field else [])


def test_a_field_that_a_column_crawl_brought_is_not_asked_for_again(lake):
    lake.append(RECORDS, RECORDS.frame([record("mp:1", '{"band_gap": 1}', route="band_gap")]))
    assert lacking(lake, Reading("mp", "band_gap", "eV", "a")) == []
