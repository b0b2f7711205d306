"""Draws of splits: nothing that a scheme forbids crosses, for ever, about 80/10/10."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.structures.splits import DEFAULT, SCHEMES, chemical_system, material, reduced_formula, scheme_named, time
from lake.structures.splits.scheme import PARTS, part
from lake.structures.splits.write import splits
from lake.tables import MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, SPLITS

FORMULAS = ["SiC", "C", "MgO", "GaAs", "SiO2", "TiNiSn", "SiO", "Si", "Mg2SiO4", "MgSiO3"]
TOLD = st.lists(st.tuples(st.sampled_from(FORMULAS), st.none() | st.integers(1900, 2030)), max_size=20)
HASHED = (reduced_formula, chemical_system, material)


def materials(*told: tuple[str, int | None]) -> pl.DataFrame:
    """Materials m-0, m-1, ... of these formulas and years."""
    row = {"kind": "bulk", "representative": "mp:1", "members": [], "sources": [], "n_sources": 1, "n_atoms": 1}
    row |= {"shard": "00", "bucket": "b"}
    rows = [row | {"material_id": f"m-{n}", "reduced_formula": formula} for n, (formula, _) in enumerate(told)]
    return MATERIALS.frame(rows).with_columns(year=pl.Series([year for _, year in told], dtype=pl.Int64))


def first_draw(*told: tuple[str, int | None]) -> pl.DataFrame:
    return splits(materials(*told), SPLITS.empty(), MATERIAL_IDS.empty(), MATERIAL_CHANGES.empty())


@settings(max_examples=40)
@given(told=TOLD)
def test_nothing_crosses_and_every_material_has_its_part_of_every_scheme_but_time(told):
    drawn = first_draw(*told)
    for name, scheme in SCHEMES.items():
        rows = drawn.filter(pl.col("scheme") == name)
        dated = [f"m-{n}" for n, (_, year) in enumerate(told) if name != "time" or year is not None]
        assert rows["material_id"].to_list() == dated
        assert set(rows["rule"]) <= {scheme.rule}
        parts_of = rows.select(scheme.whole(rows).alias("whole"), "split").unique()
        assert parts_of["whole"].is_unique().all()


@settings(max_examples=40)
@given(old=TOLD, new=TOLD)
def test_new_materials_never_move_old_ones(old, new):
    before, after = first_draw(*old), first_draw(*old, *new)
    assert before.join(after, on=before.columns, how="anti").is_empty()


def test_formulas_of_the_same_elements_stand_together_by_chemical_system():
    told = materials(("SiO2", None), ("SiO", None), ("Si", None), ("BaTiO3", None), ("Ba2TiO4", None))
    assert chemical_system.chemical_systems(told).to_list() == ["O-Si", "O-Si", "Si", "Ba-O-Ti", "Ba-O-Ti"]


def test_by_time_the_oldest_teach_and_the_newest_are_tested():
    years = [1913, time.LAST_OF_TRAIN, time.LAST_OF_TRAIN + 1, time.LAST_OF_VALIDATION, time.LAST_OF_VALIDATION + 1]
    drawn = time.draw(materials(*(("C", year) for year in [*years, None])))
    assert drawn.to_list() == ["train", "train", "validation", "validation", "test", None]
    assert str(time.LAST_OF_TRAIN) in time.RULE and str(time.LAST_OF_VALIDATION) in time.RULE


@pytest.mark.parametrize("scheme", HASHED)
def test_the_parts_are_eighty_ten_ten(scheme):
    formulas = [f"{a}{n}{b}" for a in ELEMENTS for b in ELEMENTS for n in range(2, 5) if a != b]
    drawn = scheme.draw(materials(*((formula, None) for formula in formulas))).to_list()
    assert abs(drawn.count("train") / len(drawn) - 0.8) < 0.03
    assert abs(drawn.count("validation") / len(drawn) - 0.1) < 0.03


def test_the_draw_never_changes():
    assert {formula: part(reduced_formula.RULE, formula) for formula in DRAWN} == DRAWN
    assert {system: part(chemical_system.RULE, system) for system in DRAWN_SYSTEMS} == DRAWN_SYSTEMS
    assert {name: part(material.RULE, name) for name in DRAWN_MATERIALS} == DRAWN_MATERIALS


def test_a_scheme_is_found_by_its_name_or_all_names_are_told():
    assert [scheme_named(name).name for name in SCHEMES] == list(SCHEMES)
    assert DEFAULT == "reduced_formula"
    assert len({scheme.rule for scheme in SCHEMES.values()}) == len(SCHEMES)
    with pytest.raises(KeyError, match="reduced_formula, chemical_system, material, time"):
        scheme_named("formula")


def test_train_leaks_least():
    assert PARTS == ("train", "validation", "test")


ELEMENTS = """Li Be B C N O F Na Mg Al Si P S Cl K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Rb Sr Y Zr Nb Mo Ru
    Rh Pd Ag Cd In Sn Sb Te I Cs Ba La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi
    """.split()
DRAWN = {"C": "train", "Si": "train", "AlN": "validation", "BeO": "test", "KCl": "validation", "BaTiO3": "test"}
DRAWN_SYSTEMS = {"C": "train", "Si": "train", "Cl-Na": "validation", "Ni-O": "test", "Se-Zn": "test"}
DRAWN_MATERIALS = {
    "m-0000000000000000": "train", "m-000000000000000e": "validation", "m-000000000000000b": "test",
}  # fmt: skip
