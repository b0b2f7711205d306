"""A policy is a file: what it says holds, what it leaves out is as in the default one, what is wrong is told where."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.policies import DEFAULT, FOLDER, PolicyError, UnknownColumn, column_named, default, policies, property_of
from lake.policies.policy import Admission, corrections
from lake.properties import PROPERTIES

ENERGY = "formation_energy_per_atom"


def own(root: Path, text: str, name: str = "mine") -> Path:
    file = root / FOLDER / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def test_two_policies_are_shipped_and_the_default_one_comes_first(tmp_path: Path) -> None:
    known = policies(tmp_path)
    assert list(known) == [DEFAULT, "agreed"]
    assert all(policy.about for policy in known.values())
    assert all(column.when_several == "refuse" for column in known["agreed"].columns)


def test_every_property_has_a_column_of_its_name_in_every_policy(tmp_path: Path) -> None:
    own(tmp_path, "")
    for policy in policies(tmp_path).values():
        assert set(PROPERTIES) <= set(policy.by_name)
        assert [c.name for c in policy.columns if c.name in PROPERTIES] == list(PROPERTIES)
        assert all(policy.by_name[name].property == name for name in PROPERTIES)


@pytest.mark.parametrize("column", default().columns, ids=lambda column: column.name)
def test_no_column_mixes_corrections_of_an_energy(column) -> None:
    several = {reading.correction for reading in column.known.readings}
    assert len(corrections(column)) <= 1 or len(several) == 1


def test_energies_of_different_references_never_meet_in_a_column() -> None:
    told = {
        "mixed": ("mp", "GGA_GGA+U_R2SCAN", "MP2020, mixed with r2SCAN"),
        "gga": ("mp", "GGA_GGA+U", "MP2020"),
        "r2scan": ("mp", "r2SCAN", "none"),
        "oqmd": ("oqmd", "PBE", "OQMD fitted references"),
        "aflow": ("aflow", "PBE", "none"),
        "own": ("labels", "PBE", "none"),
        "of 2018": ("labels", "GGA_GGA+U", "MaterialsProjectCompatibility, before MP2020"),
    }
    for energy in (ENERGY, "energy_above_hull"):
        for column in default().columns_of(energy):
            assert sum(column.place(*one) is not None for one in told.values()) == 1


def test_the_catalogs_levels_are_the_order_where_nothing_is_written() -> None:
    gap = column_named(default(), "band_gap")
    levels = ("PBE", "PBE+U", "anything")
    assert [gap.place("oqmd", level, "none") for level in levels] == [0, 1, 2]


def test_own_values_of_a_computed_property_come_after_databases_unless_a_policy_names_them(tmp_path: Path) -> None:
    gap = column_named(default(), "band_gap")
    assert gap.place("labels", "PBE", "none") > gap.place("oqmd", "LDA", "none")
    own(tmp_path, "[[columns]]\nname = 'band_gap'\nadmits = [{source = 'labels', level_of_theory = '*'}, {}]")
    mine = policies(tmp_path)["mine"].by_name["band_gap"]
    assert mine.place("labels", "PBE", "none") < mine.place("mp", "PBE", "none")
    measured = column_named(default(), "density_measured")
    assert measured.place("labels", "experiment", "none") == measured.place("cod", "experiment", "none") == 0


def test_an_experiment_is_no_value_of_a_computed_property_unless_its_level_is_named(tmp_path: Path) -> None:
    assert column_named(default(), "band_gap").place("labels", "experiment", "none") is None
    own(tmp_path, "[[columns]]\nname = 'band_gap'\nadmits = [{level_of_theory = 'experiment'}]")
    assert policies(tmp_path)["mine"].by_name["band_gap"].place("labels", "experiment", "none") is not None


def test_a_policy_says_what_departs_and_its_defaults_hold_for_all_columns(tmp_path: Path) -> None:
    own(tmp_path, """
        about = "the middle one"
        [defaults]
        when_several = "median"
        [[columns]]
        name = "band_gap"
        when_several = "refuse"
        tolerance = 0.1
        flagged = true
        [[columns]]
        name = "gap_of_aflow"
        property = "band_gap"
        admits = [{source = "aflow", level_of_theory = "*", correction = "no*"}]
    """)  # fmt: skip
    mine = policies(tmp_path)["mine"]
    assert mine.by_name["band_gap"].tolerance == 0.1 and mine.by_name["band_gap"].flagged
    assert mine.by_name["gap_of_aflow"].admits == (Admission("aflow", "*", "no*"),)
    assert mine.by_name[ENERGY].admits == default().by_name[ENERGY].admits
    assert all(c.when_several == "median" for c in mine.columns if c.name != "band_gap")
    names = [column.name for column in mine.columns]
    assert names.index("gap_of_aflow") == names.index("band_gap") + 1


def test_a_column_may_leave_the_tolerance_of_the_defaults_with_what_it_is_for(tmp_path: Path) -> None:
    own(tmp_path, "defaults = {when_several = 'refuse', tolerance = 0.1}\ncolumns = [{name = 'band_gap', "
                  "when_several = 'prefer'}]")  # fmt: skip
    assert policies(tmp_path)["mine"].by_name["band_gap"].tolerance is None


@pytest.mark.parametrize(("text", "rule"), [
    ("columns = 3", "columns must be a list, found 3"),
    ("column = []", "unknown key 'column'"),
    ("columns = [{property = 'band_gap'}]", "column 1: a column needs a name"),
    ("columns = [{name = 'gap', property = 'band_gpa'}]", "column gap: property .*'band_gpa'; nearest: band_gap"),
    ("columns = [{name = 'gap'}]", "column gap: property must be one of the catalog's, found 'gap'"),
    ("columns = [{name = 'gap\"'}]", "lower case letters"),
    ("columns = [{name = 'n_sources', property = 'band_gap'}]", "every row of the matrix has a column of that name"),
    ("columns = [{name = 'band_gap'}, {name = 'band_gap'}]", "column band_gap: a name stands once"),
    ("columns = [{name = 'bulk_modulus', property = 'band_gap'}]", "named as a property and holds another"),
    ("columns = [{name = 'band_gap', admits = [{source = 'icsd'}]}]", "source must be one of .*found 'icsd'"),
    ("columns = [{name = 'band_gap', admits = [{functional = 'PBE'}]}]", "admits: unknown key 'functional'"),
    ("columns = [{name = 'band_gap', admits = []}]", "admits must name something"),
    ("columns = [{name = 'band_gap', tolerance = 0.1}]", "refusing needs a tolerance, and nothing else has one"),
    ("columns = [{name = 'band_gap', when_several = 'refuse'}]", "no tolerance"),
    ("columns = [{name = 'band_gap', when_several = 'refuse', tolerance = -1}]", "share of 0 or more"),
    ("columns = [{name = 'band_gap', when_several = 'mean'}]", "one of prefer, median, refuse, found 'mean'"),
    ("columns = [{name = 'band_gap', flagged = 1}]", "flagged must be true or false, found 1"),
    ("defaults = {tolerance = true}", "tolerance must be a number, found True"),
    (f"columns = [{{name = '{ENERGY}', admits = [{{}}]}}]", "several corrections is several quantities"),
    ("name = ", "no TOML that can be read"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_file_column_and_rule(tmp_path: Path, text: str, rule: str) -> None:
    file = own(tmp_path, text)
    with pytest.raises(PolicyError, match=rule) as told:
        policies(tmp_path)
    assert str(file) in str(told.value)


def test_a_shipped_policy_is_not_replaced_and_a_name_is_a_plain_one(tmp_path: Path) -> None:
    file = own(tmp_path, "", "agreed")
    with pytest.raises(PolicyError, match="agreed is shipped"):
        policies(tmp_path)
    file.unlink()
    own(tmp_path, "", "My policy")
    with pytest.raises(PolicyError, match="lower case letters"):
        policies(tmp_path)


def test_a_column_is_found_by_name_and_says_its_property() -> None:
    assert property_of(f"{ENERGY}_oqmd").name == ENERGY
    with pytest.raises(UnknownColumn, match="nearest: band_gap"):
        column_named(default(), "bandgap")
