"""A decision explained: the verdict first, each measurement beside its tolerance, no number that was not measured."""

from __future__ import annotations

import re

import pytest

from lake.crystal import Crystal
from lake.structures.compare import Candidate
from lake.structures.definition import RULE, SAME
from lake.structures.explained import decision, reasons, verdict
from lake.tables import MATCHES
from tests.lake.small_lake import polytype, rock_salt, zincblende

MEASURED = {"scale": 0.0123, "strain": 0.0045, "displacement": 0.0321, "rms": 0.0111}
NOTHING = dict.fromkeys(MEASURED)


def candidate(name: str, crystal: Crystal) -> Candidate:
    return Candidate(name, "mp", crystal.reduced_formula, crystal)


def row(same: bool, decided_by: str, **measured: object) -> dict[str, object]:
    told = NOTHING | {
        "entry_a": "mp:1", "entry_b": "aflow:1", "reduced_formula": "MgO", "shard": "00", "structure_a": "a",
        "structure_b": "b", "fingerprint_distance": 0.0123, "volume_ratio": 1.0374, "same": same,
        "decided_by": decided_by, "rule": RULE, "method": "by hand",
    }  # fmt: skip
    return MATCHES.frame([told | measured]).row(0, named=True)


MGO, SMALLER = rock_salt("Mg", "O", 4.21), rock_salt("Mg", "O", 4.19)


def test_each_measurement_stands_beside_what_is_tolerated():
    told = "\n".join(reasons(row(True, "superposition", **MEASURED)))
    scale = SAME.held(MEASURED["scale"], MEASURED["strain"], MEASURED["displacement"])["scale"]
    for words in (rf"scaling +{scale:.3%} +3%", r"strain .* 0\.450% +2%", r"0\.0321 A +0\.05 A", r"0\.0111 A"):
        assert re.search(words, told), words
    assert RULE in told and "docs/identity.md" in told and "not measured" not in told


@pytest.mark.parametrize("decided_by", ["fingerprint", "no superposition", "no fingerprint", "something new"])
def test_what_was_not_measured_is_said_to_be_so(decided_by):
    told = row(False, decided_by)
    lines = "\n".join(reasons(told))
    assert lines.count("not measured") == len(MEASURED) and "None" not in lines + decision(told)
    assert decided_by in lines


@pytest.mark.parametrize(
    ("decided_by", "size", "says"),
    [
        ("scale", 0.041, "{:.3%} in length: more than 3%"),
        ("strain", 0.0333, "{:.3%}: more than 2%"),
        ("displacement", 0.0712, "{:.4f} A off: more than 0.05 A"),
    ],
)
def test_the_tolerance_that_is_exceeded_is_named_with_both_numbers(decided_by, size, says):
    measured = MEASURED | {decided_by: size}
    sizes = measured["scale"], measured["strain"], measured["displacement"]
    assert SAME.exceeded(*sizes) == decided_by
    assert says.format(SAME.held(*sizes)[decided_by]) in decision(row(False, decided_by, **measured))


def test_other_compositions_are_said_plainly():
    found = verdict(candidate("mp:1", MGO), candidate("mp:2", rock_salt("Ca", "O", 4.8)))
    assert not found.same and str(found).splitlines()[0] == "different"
    assert "MgO and CaO are different compositions" in str(found)


def test_the_first_line_is_the_verdict_and_both_crystals_are_described():
    found = verdict(candidate("mp:1", MGO), candidate("aflow:1", SMALLER))
    lines = str(found).splitlines()
    assert found.same and lines[0] == "same"
    assert sum("F m -3 m (225)" in line for line in lines) == 2
    assert any("a 4.2100" in line for line in lines) and any("a 4.1900" in line for line in lines)


def test_a_space_group_never_decides_and_is_told_where_it_says_otherwise():
    apart = verdict(candidate("mp:1", polytype("AB")), candidate("mp:2", polytype("ABCB")))
    assert not apart.same and "The space group is the same, but never decides" in str(apart)
    places = MGO.positions.copy()
    places[0] += 0.005, 0, 0
    shifted = Crystal(MGO.lattice, places, MGO.numbers)
    joined = verdict(candidate("mp:1", MGO), candidate("mp:2", shifted))
    assert joined.same and "The space groups differ, but never decide" in str(joined)


def test_a_recorded_decision_is_told_as_it_stands_whichever_way_round_it_was_made():
    one, other = candidate("mp:1", MGO), candidate("aflow:1", SMALLER)
    recorded = row(False, "scale", **MEASURED | {"scale": 0.25}, volume_ratio=1.25)
    there, back = verdict(one, other, recorded), verdict(other, one, recorded)
    assert not there.same and not back.same
    assert "in length: more than 3%" in there.why[0] and there.why[0] == back.why[0]
    assert re.search(r"B / A +1\.250 ", str(there)) and re.search(r"B / A +0\.800 ", str(back))


def material(name: str, *members: str) -> dict[str, object]:
    return {"material_id": name, "members": list(members), "representative": members[0], "sources": ["mp"]}


@pytest.mark.parametrize(
    ("other", "ours", "says"),
    [
        (SMALLER, (material("m-1", "mp:0", "mp:1"),) * 2, "both belong to m-1: 2 entries of mp"),
        (zincblende("Mg", "O", 4.5), (material("m-1", "mp:0"),) * 2, "though not each other"),
        (SMALLER, (material("m-1", "mp:1"), material("m-2", "mp:2")), "may part"),
        (SMALLER, (material("m-1", "mp:1"), None), "A belongs to m-1."),
    ],
    ids=["together", "by way of the representative", "apart at the border", "a file"],
)
def test_what_the_lake_makes_of_them_is_told_below(other, ours, says):
    assert says in str(verdict(candidate("mp:1", MGO), candidate("mp:2", other), None, ours))
