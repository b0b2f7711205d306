"""Disagreement: each database once, flagged values apart, zero told apart, and nothing that depends on order."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.disagreement import (
    PUBLISHED,
    WORST,
    ZERO,
    compared,
    disagreement,
    members_of,
    told_of,
    write_disagreement,
)
from lake.entry_pages import page_of
from lake.families import families, rank_correlation
from lake.sanity import FACTORS, explained, look, unlike
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import DISAGREEMENT, ENTRIES, MATERIALS, OBSERVATIONS, WORST_DISAGREEMENTS
from tests.lake.small_lake import entry, rock_salt
from tests.observed import observation

SALT = rock_salt("Mg", "O", 4.2)


def made(root, told: Mapping[str, list[str]], rows: list[dict]) -> Lake:
    """A lake of materials (id -> entries) and observations."""
    lake = Lake(root)
    lake.replace(MATERIALS, MATERIALS.frame([_material(*one) for one in told.items()]))
    _observe(lake, rows)
    return lake


def _observe(lake: Lake, rows: list[dict]) -> None:
    for name in {row["property"] for row in rows}:
        lake.replace(OBSERVATIONS, OBSERVATIONS.frame([row for row in rows if row["property"] == name]), name)


def _material(material_id: str, members: list[str]) -> dict:
    sources = sorted({member.split(":")[0] for member in members})
    return {
        "material_id": material_id, "reduced_formula": "MgO", "kind": "bulk", "representative": members[0],
        "members": members, "sources": sources, "n_sources": len(sources), "space_group": None,
        "space_group_number": None, "n_atoms": 2, "shard": shard_of("MgO"), "bucket": "b",
    }  # fmt: skip


def pair(root, one: list[float], other: list[float], name: str = "bulk_modulus", **told: object) -> Lake:
    """A lake in which aflow tells `one` and mp `other` of the same materials."""
    both = {f"m{n}": [f"aflow:{n}", f"mp:{n}"] for n in range(len(one))}
    rows = [observation(f"aflow:{n}", name, value, **told) for n, value in enumerate(one)]
    return made(root, both, rows + [observation(f"mp:{n}", name, value, **told) for n, value in enumerate(other)])


def only_row(lake: Lake) -> dict:
    write_disagreement(lake)
    rows = lake.read(DISAGREEMENT)
    assert len(rows) == 1
    return rows.row(0, named=True)


def test_the_statistics_are_those_of_numpy(tmp_path):
    random = np.random.default_rng(5)
    one = random.lognormal(4, 1, 200)
    other = one * random.normal(1.02, 0.05, 200)
    row = only_row(pair(tmp_path, list(one), list(other)))
    apart = np.abs(one - other)
    assert (row["n"], row["n_relative"], row["one_zero"], row["flagged"]) == (200, 200, 0, 0)
    assert row["median_difference"] == pytest.approx(np.median(apart))
    assert row["p90_difference"] == pytest.approx(np.quantile(apart, 0.9))
    assert row["bias"] == pytest.approx(np.median(other - one))
    assert row["median_relative_difference"] == pytest.approx(np.median(apart / ((one + other) / 2)))
    assert row["correlation"] == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert row["rank_correlation"] == pytest.approx(rank_correlation(one, other))
    assert (row["source_a"], row["source_b"], row["levels"]) == ("aflow", "mp", "PBE against PBE: 200")


def test_a_flagged_value_is_in_no_statistic_and_counted(tmp_path):
    rows = [observation(f"{s}:{n}", "bulk_modulus", 100.0 + n) for s in ("aflow", "mp") for n in range(5)]
    rows[-1] |= {"value": -665.0, "flag": "out_of_range"}
    row = only_row(made(tmp_path, {f"m{n}": [f"aflow:{n}", f"mp:{n}"] for n in range(5)}, rows))
    assert (row["n"], row["flagged"], row["p90_difference"]) == (4, 1, 0.0)
    assert -665.0 not in Lake(tmp_path).read(WORST_DISAGREEMENTS)["value_b"].to_list()


def test_a_pair_of_which_everything_is_flagged_is_still_told(tmp_path):
    row = only_row(pair(tmp_path, [1.0], [2.0], flag="sentinel"))
    assert (row["n"], row["flagged"], row["median_difference"], row["levels"]) == (0, 1, None, "")
    assert disagreement(Lake(tmp_path)).is_empty() and len(disagreement(Lake(tmp_path), at_least=0)) == 1


def test_a_material_drops_out_only_where_all_that_a_source_tells_is_flagged(tmp_path):
    rows = [observation("aflow:1", "bulk_modulus", 10.0), observation("mp:1", "bulk_modulus", 11.0)]
    rows.append(observation("mp:2", "bulk_modulus", -5.0, flag="out_of_range"))
    row = only_row(made(tmp_path, {"m": ["aflow:1", "mp:1", "mp:2"]}, rows))
    assert (row["n"], row["flagged"], row["median_difference"]) == (1, 0, 1.0)


def test_a_source_that_tells_a_material_three_times_counts_with_its_median(tmp_path):
    values = {"mp:1": 1.0, "mp:2": 4.0, "mp:3": 2.0, "aflow:1": 3.0}
    row = only_row(made(tmp_path, {"m": [*values]}, [observation(e, "bulk_modulus", v) for e, v in values.items()]))
    assert (row["n"], row["median_difference"]) == (1, 1.0)
    worst = Lake(tmp_path).read(WORST_DISAGREEMENTS).row(0, named=True)
    assert (worst["entry_b"], worst["value_b"]) == ("mp:3", 2.0)


def test_two_metals_say_nothing_of_how_well_gaps_agree(tmp_path):
    row = only_row(pair(tmp_path, [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 2.0, 1.1], name="band_gap"))
    assert (row["n"], row["n_relative"], row["one_zero"]) == (4, 1, 1)
    assert row["median_relative_difference"] == pytest.approx(0.1 / 1.05)
    assert row["published"] == PUBLISHED["band_gap"]


def test_two_readings_of_one_entry_are_compared_and_count_once_against_others(tmp_path):
    rows = [
        observation("mp:1", "band_gap", 1.0, reading="mp:old"),
        observation("mp:1", "band_gap", 1.2, reading="mp:new", correction="v2"),
        observation("aflow:1", "band_gap", 1.1),
        observation("mp:1", "band_gap", 1.3, source="labels", reading="labels:a paper", level_of_theory="experiment"),
    ]
    lake = made(tmp_path, {"m": ["mp:1", "aflow:1"]}, rows)
    write_disagreement(lake)
    told = {(r["source_a"], r["source_b"]): r for r in lake.read(DISAGREEMENT).iter_rows(named=True)}
    assert set(told) == {("aflow", "labels"), ("aflow", "mp"), ("labels", "mp"), ("mp", "mp")}
    assert (told["mp", "mp"]["reading_a"], told["mp", "mp"]["reading_b"]) == ("mp:new", "mp:old")
    assert told["mp", "mp"]["published"] is None and told["aflow", "mp"]["published"] == PUBLISHED["band_gap"]
    assert told["mp", "mp"]["levels"] == "PBE (v2) against PBE: 1"
    assert told["aflow", "mp"]["median_difference"] == pytest.approx(0.0)
    assert told["labels", "mp"]["levels"] == "experiment against PBE and PBE (v2): 1"


def test_the_worst_come_first_and_are_at_most_twenty_of_each_pair(tmp_path):
    one = [float(n) for n in range(1, 40)]
    lake = pair(tmp_path, one, [2 * n for n in one], name="formation_energy_per_atom")
    write_disagreement(lake)
    worst = lake.read(WORST_DISAGREEMENTS).sort("rank")
    assert worst["difference"].to_list() == sorted(one, reverse=True)[:WORST]
    assert worst["rank"].to_list() == list(range(1, WORST + 1))
    assert worst["link_b"][0] == "https://next-gen.materialsproject.org/materials/38"


def test_an_entry_without_a_material_has_nothing_to_be_compared_with(tmp_path):
    rows = [observation("ocp:1", "band_gap", 1.0), observation("mp:1", "band_gap", 1.0)]
    assert write_disagreement(made(tmp_path, {"m": ["mp:1"]}, rows))["pairs"] == 0


def test_an_empty_lake_has_no_disagreement(tmp_path):
    assert write_disagreement(Lake(tmp_path)) == {"properties": 0, "pairs": 0, "worst": 0}


VALUES = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
TOLD = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["aflow", "mp", "oqmd"]), VALUES, st.booleans()), max_size=14
)


@settings(max_examples=40)
@given(told=TOLD, order=st.randoms(use_true_random=False))
def test_nothing_is_lost_and_the_order_of_rows_does_not_matter(told, order):
    rows = [
        {"material_id": f"m{m}", "entry_id": f"{source}:{n}", "source": source, "reading": f"{source}:x",
         "value": value, "unit": "eV", "flag": "sentinel" if flagged else None, "level": "PBE"}
        for n, (m, source, value, flagged) in enumerate(told)
    ]  # fmt: skip
    names = ["material_id", "entry_id", "source", "reading", "value", "unit", "flag", "level"]
    frame = pl.DataFrame(rows, schema={n: pl.Float64 if n == "value" else pl.String for n in names})
    members = frame.select("material_id", "entry_id", reduced_formula=pl.lit("MgO"))
    found = compared("band_gap", frame, members)
    shuffled = order.sample(rows, len(rows))
    again = compared("band_gap", pl.DataFrame(shuffled, schema=frame.schema), members)
    assert found.pairs.equals(again.pairs) and found.worst.equals(again.worst)
    for a, b, n, flagged in found.pairs.select("source_a", "source_b", "n", "flagged").iter_rows():
        both = {m for m, s, *_ in told if s == a} & {m for m, s, *_ in told if s == b}
        assert n + flagged == len(both)
    relative = found.pairs["median_relative_difference"].drop_nulls()
    assert all(0 <= share <= 2 for share in relative)


def test_an_index_and_its_square_are_suspected_and_two_quantities_are_not(tmp_path):
    random = np.random.default_rng(1)
    n, other = random.uniform(1, 4, 50), random.uniform(1, 4, 50)
    values = {"my_index": n, "my_square": n**2, "something_else": other}
    rows = [observation(f"mp:{i}", name, v) for name, told in values.items() for i, v in enumerate(told)]
    found = families(made(tmp_path, {}, rows))
    assert found.select("property_a", "property_b", "verdict", "n").rows() == [
        ("my_index", "my_square", "suspected", 50)
    ]
    assert found["rank_correlation"].item() == pytest.approx(1.0)


def test_what_a_structure_tells_is_no_twin_of_what_else_it_tells(tmp_path):
    random = np.random.default_rng(2)
    values = {"density": random.uniform(1, 9, 40), "volume_per_atom": random.uniform(10, 30, 40)}
    rows = [observation(f"mp:{i}", name, v) for name, told in values.items() for i, v in enumerate(told)]
    assert families(made(tmp_path, {}, rows)).is_empty()


def test_few_entries_raise_no_suspicion(tmp_path):
    rows = [observation(f"mp:{i}", name, float(i)) for name in ("one", "other") for i in range(29)]
    assert families(made(tmp_path, {}, rows)).is_empty()


def test_ranks_of_a_constant_have_no_correlation():
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None


@pytest.mark.parametrize("entry_id", ["ocp:random123", "folder:my.cif", "labels:x"])
def test_what_has_no_page_has_no_link(entry_id):
    assert page_of(entry_id) is None


def test_a_link_holds_the_databases_own_id():
    assert page_of("aflow:aflow:01ede787d2fd1a39") == "https://aflow.org/material/?id=aflow:01ede787d2fd1a39"
    assert page_of("cod:9008393") == "https://www.crystallography.net/cod/9008393.html"


def findings(lake: Lake, name: str = "bulk_modulus") -> str:
    return "; ".join(look(lake, name, members_of(lake)).findings)


def test_values_that_agree_and_did_not_change_raise_no_finding(tmp_path):
    lake = pair(tmp_path, [10.0 + n for n in range(20)], [10.1 + n for n in range(20)])
    _observe(lake, lake.read(OBSERVATIONS).rows(named=True))
    assert look(lake, "bulk_modulus", members_of(lake)).numbers["values before"] == 40
    assert findings(lake) == ""


@pytest.mark.parametrize("words", FACTORS)
def test_a_wrong_unit_is_named_from_either_side(words):
    for ratio in (FACTORS[words] * 1.02, 0.98 / FACTORS[words]):
        assert unlike(ratio) and words in explained(ratio)


@given(st.floats(0.6, 1.7))
def test_a_plain_disagreement_is_no_wrong_unit(ratio):
    assert not unlike(ratio)


def test_kilojoules_are_seen_although_their_range_flags_them(tmp_path):
    one = [1.0 + n / 10 for n in range(20)]
    rows = [observation(f"aflow:{n}", "band_gap", 96.485 * v, flag="out_of_range") for n, v in enumerate(one)]
    rows += [observation(f"mp:{n}", "band_gap", v) for n, v in enumerate(one)]
    lake = made(tmp_path, {f"m{n}": [f"aflow:{n}", f"mp:{n}"] for n in range(20)}, rows)
    found = findings(lake, "band_gap")
    assert "96.485: kJ/mol against eV" in found and "100.0% of the values of aflow are flagged" in found


@pytest.mark.parametrize("guilty", ["aflow", "mp"])
def test_a_moment_per_cell_among_moments_per_atom_is_named(tmp_path, guilty):
    atoms = {n: (2, 6, 14, 40)[n % 4] for n in range(24)}
    rows = [
        observation(f"{s}:{n}", "magnetization_per_atom", 0.5 * (atoms[n] if s == guilty else 1))
        for s in ("aflow", "mp") for n in atoms
    ]  # fmt: skip
    lake = made(tmp_path, {f"m{n}": [f"aflow:{n}", f"mp:{n}"] for n in atoms}, rows)
    for source in ("aflow", "mp"):
        told = [entry(f"{source}:{n}", SALT) | {"n_atoms": count} for n, count in atoms.items()]
        lake.replace(ENTRIES, ENTRIES.frame(told), source)
    assert f"{guilty} looks told per cell" in findings(lake, "magnetization_per_atom")


def test_a_count_that_fell_and_a_median_that_moved_are_seen_against_the_version_before(tmp_path):
    lake = pair(tmp_path, [10.0 + n for n in range(50)], [10.0 + n for n in range(50)])
    rows = lake.read(OBSERVATIONS).rows(named=True)
    _observe(lake, [observation("mp:0", "band_gap", 1.0)])  # another property's commit is not the version before
    assert findings(lake) == ""
    _observe(lake, [row | {"value": row["value"] * 1.5} for row in rows[:60]])
    found = findings(lake)
    assert "there are 60 values where 100 were before" in found and "the median was 34.5 before" in found


def test_a_version_before_that_was_vacuumed_is_no_fault(tmp_path):
    lake = pair(tmp_path, [1.0, 2.0], [1.0, 2.0])
    old = lake.files(OBSERVATIONS)
    _observe(lake, lake.read(OBSERVATIONS).rows(named=True))
    for file in set(old) - set(lake.files(OBSERVATIONS)):
        (lake.root / file).unlink()
    assert look(lake, "bulk_modulus", members_of(lake)).numbers["values before"] == 0


def test_two_sources_that_are_far_apart_are_named_with_the_limit(tmp_path):
    lake = pair(tmp_path, [10.0 + n for n in range(20)], [1.4 * (10.0 + n) for n in range(20)])
    assert "aflow and mp are 33.3% apart in the median of 20, over 25%" in findings(lake)


def test_every_zero_is_smaller_than_what_is_measured_of_it():
    assert all(0 < zero < 0.05 and math.isfinite(zero) for zero in ZERO.values())


def test_told_are_the_observations_of_the_materials_alone(tmp_path):
    lake = pair(tmp_path, [1.0], [2.0])
    assert len(told_of(lake, "bulk_modulus", members_of(lake))) == 2
    assert told_of(lake, "band_gap", members_of(lake)).is_empty()
