"""Identity on the sample, where the truth is known: six databases tell the same crystals, each in its own way."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

from lake.sample.databases import same_crystal, tellings
from lake.structures.buckets import find_materials
from tests.lake.small_lake import entries, entry


def pairs(groups) -> set[tuple[str, str]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def test_duplicates_are_found_with_precision_and_recall_of_at_least_98_in_100():
    bulk = [telling for telling in tellings() if telling.crystal is not None and telling.source != "ocp"]
    rows = [entry(f"{telling.source}:{telling.source_id}", telling.crystal) for telling in bulk]
    truth = same_crystal()
    groups = defaultdict(list)
    for row in rows:
        groups[truth[row["source"], row["source_id"]]].append(row["entry_id"])
    materials = find_materials(entries(*rows)).materials
    found, right = pairs(materials["members"].to_list()), pairs(groups.values())
    assert len(right) > 500
    assert len(found & right) / len(found) >= 0.98, sorted(found - right)[:20]
    assert len(found & right) / len(right) >= 0.98, sorted(right - found)[:20]
