"""Ids: what becomes of materials is told completely, and told as what it is."""

from __future__ import annotations

from itertools import chain

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.store import Lake
from lake.structures.material_id import changes, find_material, given_ids, material_id
from lake.tables import MATERIAL_IDS, MATERIALS
from tests.lake.small_lake import NOW


def materials(*clusters: str, shard: str = "00", formula: str = "X") -> pl.DataFrame:
    """Rows of MATERIALS; each cluster is a word, its letters the entries, the first the representative."""
    rows = [
        {
            "material_id": material_id(f"mp:{cluster[0]}"), "reduced_formula": formula, "shard": shard,
            "representative": f"mp:{cluster[0]}", "members": [f"mp:{letter}" for letter in cluster],
            "sources": ["mp"], "n_sources": 1, "n_atoms": 1, "bucket": "", "kind": "bulk",
        }
        for cluster in clusters
    ]  # fmt: skip
    return MATERIALS.frame(rows)


def ids(letters: str) -> list[str]:
    return sorted(material_id(f"mp:{letter}") for letter in letters)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (["ab"], ["ab"], []),
        (["ab"], ["abc", "d"], []),
        ([], ["a"], []),
        (["ab"], ["ba"], [("renamed", "a", "b")]),
        (["ab"], ["b"], [("renamed", "a", "b")]),
        (["a", "b"], ["ab"], [("merged", "ab", "a")]),
        (["ab"], ["a", "b"], [("split", "a", "ab")]),
        (["ab", "cd"], ["ac", "db"], [("regrouped", "ac", "ad")]),
        (["abc", "d"], ["ab", "cd"], [("regrouped", "ad", "ac")]),
        (["ab", "c"], ["c"], [("gone", "a", "")]),
        (["ab", "cd", "e"], ["abx", "c", "d"], [("split", "c", "cd"), ("gone", "e", "")]),
        (["abc", "de"], ["ab", "cde"], [("regrouped", "ad", "ac")]),
    ],
)
def test_what_happened_is_told_as_what_it_is(before, after, told):
    found = changes(materials(*before), materials(*after), NOW)
    rows = sorted(found.select("change", "old_ids", "new_ids").rows())
    assert rows == sorted((change, ids(old), ids(new)) for change, old, new in told)


LETTERS = "abcdefgh"
partitions = st.lists(st.integers(0, 5), min_size=len(LETTERS), max_size=len(LETTERS)).map(
    lambda places: [
        word for n in range(1, 6) if (word := "".join(x for x, p in zip(LETTERS, places, strict=True) if p == n))
    ]
)


@given(before=partitions, after=partitions)
def test_every_id_that_ceases_is_told_and_no_id_is_told_twice(before, after):
    found = changes(materials(*before), materials(*after), NOW)
    old, new = set(materials(*before)["material_id"]), set(materials(*after)["material_id"])
    told_old, told_new = (list(chain.from_iterable(found[side].to_list())) for side in ("old_ids", "new_ids"))
    assert len(told_old) == len(set(told_old)) and len(told_new) == len(set(told_new))
    assert old - new <= set(told_old) <= old
    assert set(told_new) <= new


@given(story=st.lists(partitions, min_size=1, max_size=4))
def test_an_id_once_given_is_kept_with_its_entry_and_finds_who_holds_it(story):
    rows, first = MATERIAL_IDS.empty(), {}
    for n, clusters in enumerate(story):
        now = materials(*clusters)
        rows = given_ids(rows, now, NOW.replace(day=n + 1))
        first = dict.fromkeys(now["material_id"], n + 1) | first
        holder = {
            entry: name for name, members in now.select("material_id", "members").iter_rows() for entry in members
        }
        assert {row["material_id"]: row["first_given"].day for row in rows.rows(named=True)} == first
        for row in rows.rows(named=True):
            assert row["material_id"] == material_id(row["entry_id"])
            assert row["current"] == holder.get(row["entry_id"])


def test_a_material_is_found_by_its_id_by_old_ids_by_its_members_and_by_what_they_could_have_called_it(tmp_path):
    lake = Lake(tmp_path)
    assert find_material(lake, "mp:a") is None
    ids_before = given_ids(MATERIAL_IDS.empty(), materials("b", "g"), NOW)
    now = materials("abc", "d")
    lake.replace(MATERIALS, now)
    lake.replace(MATERIAL_IDS, given_ids(ids_before, now, NOW))
    a, d = ids("a")[0], ids("d")[0]
    assert [find_material(lake, f"mp:{letter}") for letter in "abcdg"] == [a, a, a, d, None]
    assert [find_material(lake, material_id(f"mp:{letter}")) for letter in "abcdg"] == [a, a, a, d, None]
    assert find_material(lake, "m-never") is None
