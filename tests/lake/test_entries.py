"""Records become entries or rejects, and none is lost on the way."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lake.crawl import crawl
from lake.crystal import Crystal
from lake.disordered import DisorderedCrystal
from lake.entries import crystals, disordered_crystal_of, write_entries
from lake.sources.page import Entry, Unusable
from lake.store import Lake
from lake.tables import ENTRIES, REJECTS
from tests.lake.test_crawl import Shelf


class Readable(Shelf):
    """A shelf whose payloads say what becomes of them."""

    def read(self, payload: str) -> Entry:
        if payload == "unusable":
            raise Unusable("the record has no structure")
        if payload == "crash":
            raise ZeroDivisionError("division by zero")
        if payload.startswith("mixed"):
            share = float(payload.removeprefix("mixed "))
            places, elements, shares = [[0, 0, 0], [0, 0, 0], [0.5] * 3], ["Na", "K", "Cl"], [share, 0.5, 1]
            return Entry(DisorderedCrystal.of_atoms(np.eye(3) * 4.2, places, elements, shares), "experiment")
        apart = 0.5 if payload == "good" else 0.01
        return Entry(Crystal(np.eye(3) * 4.2, [[0, 0, 0], [apart] * 3], [17, 55]), "PBE", licence="CC0")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def test_entries_and_rejects_together_are_the_latest_records(lake):
    source = Readable({"a": {"1": "good", "2": "unusable", "3": "crash", "4": "overlapping"}})
    crawl(lake, source)
    assert write_entries(lake, source) == {"entries": 1, "rejects": 3}
    reasons = dict(lake.read(REJECTS).select("entry_id", "reason").rows())
    assert reasons["shelf:2"] == "the record has no structure"
    assert "ZeroDivisionError: division by zero" in reasons["shelf:3"]
    assert "0.4 A apart" in reasons["shelf:4"]
    assert lake.read(REJECTS)["stage"].unique().to_list() == ["entries.shelf"]
    entry = lake.read(ENTRIES).row(0, named=True)
    assert (entry["entry_id"], entry["reduced_formula"], entry["n_atoms"]) == ("shelf:1", "CsCl", 2)


def test_a_record_that_is_mended_leaves_the_rejects(lake):
    crawl(lake, Readable({"a": {"1": "crash"}}))
    assert write_entries(lake, Readable({})) == {"entries": 0, "rejects": 1}
    crawl(lake, Readable({"a": {"1": "good"}}))
    assert write_entries(lake, Readable({})) == {"entries": 1, "rejects": 0}


def test_one_sources_entries_leave_anothers_alone(lake):
    for name in ("shelf", "rack"):
        source = Readable({"a": {"1": "good"}}, name=name)
        crawl(lake, source)
        write_entries(lake, source)
    assert sorted(lake.read(ENTRIES)["entry_id"]) == ["rack:1", "shelf:1"]


def test_more_records_than_one_batch_holds_all_arrive_once(lake, monkeypatch):
    monkeypatch.setattr("lake.crawl.versions.BATCH", 7)
    source = Readable({key: {f"{key}{n}": "good" for n in range(10)} for key in "abc"})
    crawl(lake, source)
    assert write_entries(lake, source) == {"entries": 30, "rejects": 0}


def test_disordered_crystals_are_entries_of_their_own_kind_and_come_back_as_they_went_in(lake):
    source = Readable({"a": {"1": "good", "2": "mixed 0.5", "3": "mixed 0.7", "4": "mixed -0.1"}})
    crawl(lake, source)
    assert write_entries(lake, source) == {"entries": 2, "rejects": 2}
    frame = lake.read(ENTRIES).sort("entry_id")
    assert frame["kind"].to_list() == ["bulk", "disordered"]
    assert frame["species"].to_list() == [None, ["Na0.5K0.5", "Cl"]]
    row = frame.row(1, named=True)
    assert (row["reduced_formula"], row["n_atoms"], row["numbers"]) == ("K0.5Na0.5Cl", 2, [11, 17])
    assert disordered_crystal_of(row).checked().structure_hash == row["structure_hash"]
    reasons = dict(lake.read(REJECTS).select("entry_id", "reason").rows())
    assert "sum to 1 or less" in reasons["shelf:3"]
    assert "found -0.1" in reasons["shelf:4"]


def test_crystals_come_back_from_rows_as_they_went_in(lake):
    source = Readable({"a": {"1": "good"}})
    crawl(lake, source)
    write_entries(lake, source)
    frame = lake.read(ENTRIES)
    (crystal,) = crystals(frame)
    assert crystal.structure_hash == frame["structure_hash"][0]
    assert np.array_equal(crystal.numbers, [17, 55])
    assert crystals(frame.filter(pl.lit(False))) == []
