"""The lake in a notebook: rows become crystals and files, ids and formulas find materials, and nothing is made up."""

from __future__ import annotations

import re

import bibtexparser
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.answers import REFERENCES, Answer, AnswerError, _stems
from lake.cif import structure_from_cif
from lake.citations import CITATIONS, article
from lake.disordered import DisorderedCrystal
from lake.known import PREDICTED
from lake.lookup import FormulaError, SeveralNamed, UnknownId
from lake.notebook import NothingThere, open_lake
from lake.poscar import crystal_from_poscar
from lake.sources import NAMES
from lake.sql import QueryError
from tests.known_lake import CRYSTALS, known_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return open_lake(known_lake(tmp_path_factory.mktemp("notebook")).root)


def test_a_folder_without_a_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(NothingThere, match="crystal-lake demo"):
        open_lake(tmp_path)


def test_an_answer_has_a_structure_for_each_row_in_their_order_repeated_ones_too(lake):
    asked = "select entry_id from entries where kind = 'bulk' union all select 'mp:mp-66' order by 1 desc"
    answer = lake.query(asked)
    structures = answer.structures()
    assert [it.properties["entry_id"] for it in structures] == answer.frame["entry_id"].to_list()
    assert answer.entry_ids.count("mp:mp-66") == 2 and len(answer) == len(structures)
    for structure, entry_id in zip(structures, answer.entry_ids, strict=True):
        assert np.allclose(structure.lattice.matrix, CRYSTALS[entry_id].lattice)
        assert [site.specie.Z for site in structure] == CRYSTALS[entry_id].numbers.tolist()


def test_a_material_is_told_by_its_representative(lake):
    answer = lake.query("select material_id from materials where reduced_formula = 'GaN'")
    assert answer.structures()[0].properties["entry_id"] == "mp:mp-804"


def test_a_disordered_entry_becomes_a_disordered_structure(lake):
    (structure,) = lake.query("select 'cod:9000050' as entry_id").structures()
    assert not structure.is_ordered
    assert structure.composition.as_dict() == pytest.approx({"Mg": 3.2, "Fe": 0.8, "O": 4.0})


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"reduced_formula": ["GaN"]}, "column entry_id or material_id, found reduced_formula"),
        ({"entry_id": ["mp:mp-66", "mp:mp-0"]}, "first row 1 with entry_id mp:mp-0"),
        ({"entry_id": [None]}, "entry_id null"),
        ({"material_id": ["m-0"]}, "material_id m-0"),
        ({"material_id": [7]}, "material_id 7"),
    ],
)
def test_rows_that_name_no_crystal_are_refused_by_row_and_id(lake, frame, says):
    with pytest.raises(AnswerError, match=says):
        Answer(lake.lake, pl.DataFrame(frame)).structures()


def test_an_empty_answer_is_an_empty_list_and_a_folder_of_references_alone(lake, tmp_path):
    answer = lake.query("select entry_id from entries where false")
    assert answer.structures() == [] and answer.write(tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == [REFERENCES]


def test_written_as_cif_every_crystal_reads_back_as_the_same(lake, tmp_path):
    answer = lake.query("select entry_id from entries order by 1")
    for entry_id, file in zip(answer.entry_ids, answer.write(tmp_path), strict=True):
        same(structure_from_cif(file.read_text()), CRYSTALS[entry_id])


def test_written_as_poscar_every_ordered_crystal_reads_back_as_the_same(lake, tmp_path):
    answer = lake.query("select entry_id from entries where kind = 'bulk' order by 1")
    for entry_id, file in zip(answer.entry_ids, answer.write(tmp_path, "poscar"), strict=True):
        same(crystal_from_poscar(file.read_text()), CRYSTALS[entry_id])


def same(read, told):
    """The same sites in the same cell, in whatever order, and turned as a CIF may turn them."""
    assert type(read) is type(told)
    assert np.allclose(read.lattice @ read.lattice.T, told.lattice @ told.lattice.T, atol=1e-6)
    assert sites(read) == sites(told)


def sites(crystal):
    kinds = crystal.species if isinstance(crystal, DisorderedCrystal) else crystal.numbers.tolist()
    places = np.round(crystal.positions, 6) % 1.0
    return sorted((str(kind), *place) for kind, place in zip(kinds, places.tolist(), strict=True))


def test_a_disordered_crystal_is_not_written_as_poscar(lake, tmp_path):
    with pytest.raises(AnswerError, match=r"cod:9000050.*write cif"):
        lake.query("select entry_id from entries").write(tmp_path / "none", "poscar")
    with pytest.raises(AnswerError, match="cif or poscar, found xyz"):
        lake.query("select entry_id from entries").write(tmp_path / "none", "xyz")
    assert not (tmp_path / "none").exists()


def test_files_are_called_after_their_entries(lake, tmp_path):
    answer = lake.query("select * from (values ('mp:mp-804'), ('oqmd:100'), ('aflow:aflow:0001')) t(entry_id)")
    assert [file.name for file in answer.write(tmp_path)] == ["mp-804.cif", "oqmd-100.cif", "aflow-0001.cif"]


@given(st.lists(st.tuples(st.sampled_from(["mp", "folder"]), st.text(max_size=200)), unique=True, max_size=8))
def test_no_id_leads_out_of_the_folder_and_no_two_are_called_alike(ids):
    entry_ids = [":".join(parts) for parts in ids] + ["folder:../../etc/passwd", "folder:a/b", "folder:a-b", "folder:"]
    stems = list(_stems(list(dict.fromkeys(entry_ids))))
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,100}", stem) for stem in stems)
    assert len({stem.casefold() for stem in stems}) == len(set(entry_ids))


def test_the_references_are_of_the_databases_that_told_and_of_the_article_that_published(lake, tmp_path):
    lake.query("select entry_id from entries where source in ('mp', 'cod')").write(tmp_path)
    told = (tmp_path / REFERENCES).read_text()
    references = {it["ID"]: it for it in bibtexparser.loads(told).entries}
    assert set(references) == {"Jain2013", "Grazulis2009", "Grazulis2012", "cod9000046"}
    assert references["cod9000046"]["pages"] == "266--271" and r"temperature \& pressure" in told
    assert references["Jain2013"]["doi"] == "10.1063/1.4812323"
    assert "% 4 from mp, CC0" in told


def test_every_database_is_cited_in_bibtex_with_a_doi():
    assert set(CITATIONS) == set(NAMES)
    for words in (citation.bibtex for citation in CITATIONS.values()):
        read = bibtexparser.loads(words).entries
        assert len(read) == words.count("@article")
        assert all({"author", "title", "journal", "year", "doi"} <= set(it) for it in read)


@given(st.dictionaries(st.sampled_from(["authors", "title", "journal", "year", "doi", "volume"]), st.text()))
def test_whatever_a_record_says_of_its_article_is_one_entry_of_bibtex_or_none(fields):
    words = article("cod1", fields)
    bare = re.sub(r"\\.", "", words)
    assert bare.count("{") == bare.count("}") and len(bibtexparser.loads(words).entries) <= 1


@pytest.mark.parametrize("name", ["mp:mp-804", "mp-804", "oqmd:100", "aflow:0001", "m-"])
def test_one_material_is_found_by_every_id_that_anybody_gives_it(lake, name):
    ids = lake.query("select material_id from materials where reduced_formula = 'GaN'").frame
    found = lake.show(ids.item() if name == "m-" else name)
    assert found.name == ids.item()
    assert found.entries["entry_id"].to_list() == ["mp:mp-804", "aflow:aflow:0001", "oqmd:100"]


def test_an_id_of_several_databases_is_asked_back_and_an_unknown_one_says_so(lake):
    with pytest.raises(SeveralNamed, match=r"cod:100 \(C\), oqmd:100 \(GaN\)"):
        lake.show("100")
    with pytest.raises(UnknownId, match="`find` looks for a formula"):
        lake.show("GaN")


def test_everything_known_of_a_material_is_there_and_what_is_predicted_says_so(lake):
    values = lake.show("mp-804").values
    in_lake = lake.query("select count(*) from known where reduced_formula = 'GaN'").frame.item()
    assert len(values.filter(pl.col("origin") != PREDICTED)) == in_lake == 8
    predicted = values.filter(origin=PREDICTED)
    assert predicted.select("property", "value", "chosen", "source").rows() == [("bulk_modulus", 168.0, None, None)]
    measured = values.filter(property="band_gap_measured")
    assert measured.select("temperature", "level_of_theory", "source").row(0) == (300.0, "experiment", "labels")


def test_a_property_says_how_far_its_databases_are_apart_and_which_value_the_matrix_has(lake):
    gaps = lake.show("mp-804").values.filter(property="band_gap")
    assert gaps["difference"].to_list() == pytest.approx([0.17 / 1.815] * 3)
    assert gaps.filter(pl.col("chosen").is_not_null()).select("entry_id", "chosen").rows() == [
        ("mp:mp-804", "preferred")
    ]
    moduli = lake.show("mp-22862").values.filter(property="bulk_modulus")
    assert moduli.select("value", "flag", "difference").rows() == [(24.0, None, None), (-665.0, "out_of_range", None)]


def test_what_follows_from_the_formula_is_told_where_the_lake_has_it(lake):
    assert lake.show("mp-804").composition["cost_per_kg"] == 120.0
    assert lake.show("cod:9000050").composition == {}


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("GaN", ["GaN"]), ("NGa", ["GaN"]), ("Ga2N2", ["GaN"]), ("Ga-N", ["GaN"]), ("N-Ga", ["GaN"]), ("N", []),
        ("Mg-O", ["MgO"]), ("Mg,O", ["MgO", "Mg0.8Fe0.2O"]), ("O,", ["MgO", "Mg0.8Fe0.2O"]), ("C", ["C"]),
    ],
)  # fmt: skip
def test_materials_are_found_by_formula_by_system_and_by_elements(lake, text, formulas):
    found = lake.find(text).frame
    assert found["reduced_formula"].to_list() == formulas
    assert found.columns == [
        "material_id", "reduced_formula", "space_group", "kind", "sources", "entries", "labels", "band_gap",
        "energy_above_hull",
    ]  # fmt: skip


def test_labels_are_counted_without_flagged_ones(lake):
    assert lake.find("NaCl").frame.select("labels", "band_gap", "energy_above_hull").row(0) == (5, 5.0, 0.0)


@pytest.mark.parametrize("text", ["", "Ga*", "**", "mp-149", "Ga-Xx", "Ga,N-O", "-", "silica"])
def test_what_is_no_formula_is_told_what_one_looks_like(lake, text):
    with pytest.raises(FormulaError, match="formula"):
        lake.find(text)


def test_tables_and_their_columns_have_words(lake):
    tables = lake.tables()
    assert {"entries", "known", "label_overlap", "flagged"} <= set(tables["name"]) and tables["about"].null_count() == 0
    assert lake.columns("known").filter(name="chosen")["about"].item().startswith("how the default policy")
    with pytest.raises(NothingThere, match="no table or view is called 'x'; there are"):
        lake.columns("x")


def test_a_notebook_only_reads(lake):
    with pytest.raises(QueryError, match="one SELECT"):
        lake.query("drop view entries")


def test_a_notebook_shows_all_of_it_as_tables(lake):
    for shown in (lake, lake.query("select 1 as one"), lake.show("mp-804")):
        assert "<table" in shown._repr_html_()
