"""Identity on the sample, where the truth is known: six databases tell the same crystals, each in its own way."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pytest

from lake.sample.databases import same_crystal, tellings
from lake.sql import query
from lake.store import Lake
from lake.structures.formulas import find_materials
from lake.tables import MATCHES, MATERIALS
from tests.lake.small_lake import entries, entry


def pairs(groups) -> set[tuple[str, str]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


@pytest.fixture(scope="module")
def rows():
    bulk = [telling for telling in tellings() if telling.crystal is not None and telling.source != "ocp"]
    return [entry(f"{telling.source}:{telling.source_id}", telling.crystal) for telling in bulk]


@pytest.fixture(scope="module")
def found(rows):
    return find_materials(entries(*rows))


def test_duplicates_are_found_with_precision_and_recall_of_at_least_98_in_100(rows, found):
    truth = same_crystal()
    groups = defaultdict(list)
    for row in rows:
        groups[truth[row["source"], row["source_id"]]].append(row["entry_id"])
    joined, right = pairs(found.materials["members"].to_list()), pairs(groups.values())
    assert len(right) > 500
    assert len(joined & right) / len(joined) >= 0.98, sorted(joined - right)[:20]
    assert len(joined & right) / len(right) >= 0.98, sorted(right - joined)[:20]


def test_sql_makes_the_same_materials_from_the_measured_pairs(found, tmp_path):
    lake = Lake(tmp_path)
    for table, rows in ((MATERIALS, found.materials), (MATCHES, found.matches)):
        lake.replace(table, rows)
    told = found.materials.select("representative", entry_id="members").explode("entry_id").sort("entry_id")
    again = query(lake, "select representative, entry_id from materials_within() order by entry_id")
    assert again.equals(told)
    assert query(lake, "select sum(undecided) from materials_within()").item() == 0
