"""Clusters: the same crystals join, others do not, and neither the order of arrival nor what was known changes that."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.crystal import Crystal
from lake.structures.cluster import clustered, preference
from lake.structures.compare import Candidate
from tests.lake.small_lake import polytype, rock_salt
from tests.lake.structures.test_fingerprint import displaced, moved, recut


def retold(told: Crystal, seed: int) -> Crystal:
    """As another database would tell it: its own cell, origin and order, 1 % larger, relaxed a little differently."""
    rng = np.random.default_rng(seed)
    other = moved(displaced(recut(told, rng), 0.01, rng), rng)
    return Crystal(other.lattice * 1.01, other.positions, other.numbers)


def longer(told: Crystal, times: float) -> Crystal:
    return Crystal(told.lattice * times, told.positions, told.numbers)


def candidate(entry_id: str, told: Crystal) -> Candidate:
    return Candidate(entry_id, entry_id.split(":")[0], "X", told)


def broken(place: int) -> Crystal:
    """Structures that a check upstream ought to have stopped."""
    flat = Crystal(np.zeros((3, 3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
    nowhere = Crystal(np.eye(3) * 4, [[0, 0, 0], [np.nan, 0, 0]], [12, 8])
    endless = Crystal(np.full((3, 3), np.inf), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
    return (flat, nowhere, endless)[place]


def names(found) -> list[list[str]]:
    return [[entry.entry_id for entry in cluster] for cluster in found.clusters]


MGO = rock_salt("Mg", "O", 4.2)
POLYTYPES = {"3C": polytype("ABC"), "2H": polytype("AB"), "4H": polytype("ABCB"), "6H": polytype("ABCACB")}
SIC = [candidate(f"mp:{name}", told) for name, told in POLYTYPES.items()]
SIC += [candidate(f"aflow:{name}", retold(told, seed)) for seed, (name, told) in enumerate(POLYTYPES.items())]
SIC += [candidate(f"own:{name}", retold(told, 9 + seed)) for seed, (name, told) in enumerate(POLYTYPES.items())]


def test_each_polytype_is_one_cluster_that_the_preferred_source_represents():
    assert sorted(names(clustered(SIC))) == sorted(
        [f"mp:{name}", f"aflow:{name}", f"own:{name}"] for name in sorted(POLYTYPES)
    )


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(len(SIC))), known=st.sets(st.integers(0, 30)))
def test_neither_the_order_nor_what_is_known_changes_clusters_and_decisions(order, known):
    expected = clustered(SIC)
    some = [row for place, row in enumerate(expected.matches) if place in known]
    found = clustered([SIC[place] for place in order], {(row["structure_a"], row["structure_b"]): row for row in some})
    assert names(found) == names(expected)
    assert found.matches == expected.matches
    assert found.matcher_calls == expected.matcher_calls - len(some)


def test_a_thousand_copies_of_one_crystal_are_compared_once():
    found = clustered([candidate(f"mp:{n}", MGO) for n in range(1000)])
    assert names(found) == [[f"mp:{n}" for n in range(1000)]]
    assert (len(found.matches), found.matcher_calls) == (999, 1)


def test_a_chain_of_near_neighbours_joins_no_strangers_and_its_middle_goes_to_the_nearest():
    edges = {"mp:1": 1.0, "mp:2": 1.05, "mp:3": 1.024, "mp:4": 1.08, "mp:5": 1.11}
    found = clustered([candidate(name, longer(MGO, edge)) for name, edge in edges.items()])
    joined = {member: cluster[0] for cluster in names(found) for member in cluster}
    for name, representative in joined.items():
        assert max(edges[name], edges[representative]) / min(edges[name], edges[representative]) <= 1.03
    assert joined["mp:1"] != joined["mp:2"]
    assert joined["mp:3"] in ("mp:1", "mp:2")
    assert joined["mp:4"] == "mp:2" and joined["mp:5"] == "mp:5"


@settings(max_examples=10, deadline=None)
@given(places=st.lists(st.integers(0, 2), min_size=1, max_size=4))
def test_a_broken_structure_stays_alone_is_told_and_loses_nobody(places):
    rows = [candidate(f"cod:{n}", broken(place)) for n, place in enumerate(places)]
    good = MGO
    found = clustered([*rows, candidate("mp:good", good), candidate("oqmd:good", retold(good, 1))])
    assert sorted(names(found)) == sorted([["mp:good", "oqmd:good"], *([row.entry_id] for row in rows)])
    assert sorted(reject.entry_id for reject in found.refused) == sorted(row.entry_id for row in rows)
    assert all("needs a fingerprint" in reject.reason for reject in found.refused)


def test_an_entry_whose_comparison_breaks_is_kept_apart_and_told(monkeypatch):
    def breaks(representative, entry):
        raise ArithmeticError("no such cell")

    monkeypatch.setattr("lake.structures.cluster.compare", breaks)
    found = clustered([candidate("mp:1", MGO), candidate("mp:2", longer(MGO, 1.01))])
    assert names(found) == [["mp:1"], ["mp:2"]]
    assert [reject.entry_id for reject in found.refused] == ["mp:2"]
    assert "no such cell" in found.refused[0].reason and "mp:1" in found.refused[0].reason


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("mp:mp-149", "mp:mp-1234"),
        ("mp:mp-9", "aflow:1"),
        ("oqmd:12", "mine:1"),
        ("mine:a", "mine:b"),
        ("cod:07", "cod:7"),
    ],
)
def test_preference_is_by_source_and_then_by_number(first, second):
    assert preference(first.split(":")[0], first) < preference(second.split(":")[0], second)
