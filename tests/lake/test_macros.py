"""Materials under other tolerances: SQL makes of the measured pairs what the rule of clustering makes of them."""

from __future__ import annotations

from functools import cache

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.macros import MACROS
from lake.structures.definition import SAME, Tolerances

MEASURED = ("scale", "strain", "displacement")
PAIR = {"entry_a": pl.String, "entry_b": pl.String, "reduced_formula": pl.String, "fingerprint_distance": pl.Float64}
MATCH = PAIR | dict.fromkeys(MEASURED, pl.Float64) | {"same": pl.Boolean}
MATERIAL = {
    "material_id": pl.String, "reduced_formula": pl.String, "representative": pl.String,
    "members": pl.List(pl.String),
}  # fmt: skip

sizes = st.sampled_from([0.0, 0.01, 0.015, 0.02, 0.03, 0.031, 0.05, 0.08])
measurements = st.one_of(
    st.none(), st.tuples(st.one_of(sizes, sizes.map(lambda size: 1 / (1 + size) - 1)), sizes, sizes)
)
tolerances = st.one_of(st.just(SAME), st.builds(Tolerances, sizes, sizes, sizes))


@st.composite
def formulas(draw, name: str) -> tuple[list[dict], list[dict]]:
    """Materials and matches of one formula, as the clustering leaves them: rows up to the first that says same."""
    clusters: dict[str, list[str]] = {}
    matches = []
    for n in range(draw(st.integers(1, 9))):
        entry = f"{name}:{n}"
        apart = {head: draw(st.sampled_from([0.0, 0.01, 0.02, 0.04, 0.2])) for head in clusters}
        for head in sorted(clusters, key=apart.get):
            if apart[head] > 0.1:  # beyond what fingerprints rank, nothing is compared
                continue
            found = draw(measurements)
            same = found is not None and SAME.exceeded(*found) is None
            row = {"entry_a": head, "entry_b": entry, "reduced_formula": name, "fingerprint_distance": apart[head]}
            matches.append(row | dict(zip(MEASURED, found or (None,) * 3, strict=True)) | {"same": same})
            if same:
                clusters[head].append(entry)
                break
        else:
            clusters[entry] = [entry]
    materials = [
        {"material_id": f"m-{head}", "reduced_formula": name, "representative": head, "members": members}
        for head, members in clusters.items()
    ]
    return materials, matches


@st.composite
def lakes(draw) -> tuple[list[dict], list[dict]]:
    told = [draw(formulas(name)) for name in ("A", "B")]
    return told[0][0] + told[1][0], told[0][1] + told[1][1]


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One for all: on tables this small, threads only wait for each other."""
    return duckdb.connect(config={"threads": 1})


def asked(materials: list[dict], matches: list[dict], numbers: str = "") -> dict[str, tuple[str, int]]:
    """entry -> its representative and how much is undecided, as SQL answers."""
    with _connection().cursor() as connection:
        connection.register("told_materials", pl.DataFrame(materials, schema=MATERIAL).to_arrow())
        connection.register("told_matches", pl.DataFrame(matches, schema=MATCH).to_arrow())
        for name in ("materials", "matches"):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM told_{name}")
        for macro in MACROS:
            connection.execute(macro.statement.replace("CREATE MACRO", "CREATE OR REPLACE TEMP MACRO"))
        rows = connection.execute(f"SELECT entry_id, representative, undecided FROM materials_within({numbers})")
        return {entry: (head, undecided) for entry, head, undecided in rows.fetchall()}


def clustered(materials: list[dict], matches: list[dict], within: Tolerances) -> dict[str, tuple[str, int]]:
    """The same by the rule as it is told: one entry after the other, in the order of preference."""
    compared = {frozenset((row["entry_a"], row["entry_b"])) for row in matches}
    first = {member: row["representative"] for row in materials for member in row["members"]}
    head: dict[str, str] = {}
    joined = set()
    for entry in sorted(first):
        equal = [row for row in matches if row["entry_b"] == entry and row["scale"] is not None]
        equal = [row for row in equal if within.exceeded(*(row[name] for name in MEASURED)) is None]
        equal.sort(key=lambda row: (row["fingerprint_distance"], row["entry_a"]))
        before = [row["entry_a"] for row in equal]
        heads = [one for one in before if head[one] == one]
        if heads:
            head[entry] = heads[0]
            joined.add(entry)
        elif first[entry] in before and frozenset((head[first[entry]], entry)) not in compared:
            head[entry] = head[first[entry]]
        else:
            head[entry] = entry
    undecided = {}
    for row in materials:
        parts = {head[member] for member in row["members"]}
        for entry in row["members"]:
            others = {part for part in parts if part != entry and frozenset((part, entry)) not in compared}
            undecided[entry] = 0 if entry in joined else len(others)
    return {entry: (head[entry], undecided[entry]) for entry in first}


@settings(max_examples=100)
@given(told=lakes(), within=tolerances)
def test_other_tolerances_give_what_the_rule_gives(told, within):
    numbers = f"scale := {within.scale}, strain := {within.strain}, displacement := {within.displacement}"
    assert asked(*told, numbers) == clustered(*told, within)


@settings(max_examples=40)
@given(told=lakes())
def test_the_definitions_own_tolerances_give_the_materials(told):
    materials, _ = told
    assert asked(*told) == {entry: (row["representative"], 0) for row in materials for entry in row["members"]}


@settings(max_examples=40)
@given(told=lakes(), within=tolerances)
def test_nobody_is_put_with_a_representative_that_a_measurement_keeps_apart(told, within):
    numbers = f"scale := {within.scale}, strain := {within.strain}, displacement := {within.displacement}"
    found = asked(*told, numbers)
    for row in told[1]:
        apart = row["scale"] is None or within.exceeded(*(row[name] for name in MEASURED)) is not None
        assert not (apart and found[row["entry_b"]][0] == row["entry_a"])


def match(a: str, b: str, same: bool, *measured: float) -> dict:
    row = {"entry_a": a, "entry_b": b, "reduced_formula": "A", "fingerprint_distance": 0.01, "same": same}
    return row | dict(zip(MEASURED, measured or (None,) * 3, strict=True))


def material(*members: str) -> dict:
    return {
        "material_id": f"m-{members[0]}", "reduced_formula": "A", "representative": members[0], "members": list(members)
    }  # fmt: skip


def test_two_that_fall_off_one_representative_stand_alone_and_say_that_they_were_never_compared():
    told = [material("a", "b", "c", "d")], [match("a", other, True, 0, 0.015, 0) for other in "bc"]
    told[1].append(match("a", "d", True, 0, 0, 0))
    assert asked(*told, "strain := 0.01") == {"a": ("a", 0), "b": ("b", 1), "c": ("c", 1), "d": ("a", 0)}


def test_a_representative_that_joins_another_takes_its_members_along_and_they_say_so():
    told = (
        [material("a"), material("b", "c")],
        [match("a", "b", False, 0, 0.025, 0), match("b", "c", True, 0, 0.001, 0)],
    )
    assert asked(*told, "strain := 0.03") == {"a": ("a", 0), "b": ("a", 0), "c": ("a", 1)}


def test_a_pair_without_measurements_keeps_its_verdict():
    told = [material("a", "b"), material("c")], [match("a", "b", True), match("a", "c", False)]
    loose = asked(*told, "scale := 1, strain := 1, displacement := 9")
    assert loose == {"a": ("a", 0), "b": ("a", 0), "c": ("c", 0)}
