"""Each form of file reads back as what the lake holds, and the papers beside it say what it is."""

import gzip
import json

import numpy as np
import polars as pl
import pytest
import yaml

from lake.disordered import DisorderedCrystal
from lake.entries import crystal_of, disordered_crystal_of
from lake.export import export
from lake.export.optimade import HEADER
from lake.licences import OFFERED
from lake.settings import Settings
from lake.store import Lake
from lake.tables import ENTRIES, PROPERTY_MATRIX
from tests.lake.export.conftest import CRYSTALS

UNDER = "CC BY-NC 4.0"


def structures(target, what):
    lines = [json.loads(line) for line in (target / f"{what}.jsonl").read_text().splitlines()]
    assert lines[0] == HEADER and lines[1]["type"] == "info"
    return {line["id"]: line["attributes"] for line in lines[2:]}


@pytest.mark.parametrize("what", ["observations", "entries", "materials", "matrix", "predictions", "transfer"])
def test_csv_holds_what_parquet_holds(lake, tmp_path, what):
    for form in ("csv", "parquet"):
        export(lake, tmp_path / form, what, form, UNDER, leave_out=True)
    whole = pl.read_parquet(tmp_path / "parquet" / f"{what}.parquet")
    text = pl.read_csv(tmp_path / "csv" / f"{what}.csv", infer_schema=False)
    assert text.columns == whole.columns
    for name, dtype in whole.schema.items():
        told = text[name]
        if isinstance(dtype, pl.List):
            told = [None if cell is None else json.loads(cell) for cell in told]
            assert told == whole[name].to_list(), name
        elif dtype == pl.String:
            assert told.to_list() == whole[name].to_list(), name
        elif dtype.is_numeric():
            assert told.cast(dtype).to_list() == whole[name].to_list(), name
        else:
            assert told.null_count() == whole[name].null_count(), name


def test_columns_of_a_csv_have_their_units_and_meanings_beside_them(lake, target):
    export(lake, target, "matrix", "csv", UNDER, leave_out=True)
    told = pl.read_csv(target / "columns.csv", infer_schema=False)
    for file in ("matrix.csv", "cells.csv"):
        names = pl.read_csv(target / file, infer_schema=False).columns
        assert told.filter(pl.col("file") == file)["column"].to_list() == names
    gap = told.filter(pl.col("column") == "band_gap").row(0, named=True)
    assert gap["unit"] == "eV" and "computed" in gap["meaning"]


def test_an_optimade_file_is_read_back_as_the_same_crystals_by_the_lake_itself(lake, tmp_path):
    from lake.crawl import crawl
    from lake.entries import write_entries
    from lake.sources import source_named

    export(lake, tmp_path / "out", "entries", "optimade", UNDER, leave_out=True)
    again, source = Lake(tmp_path / "again"), source_named("folder", Settings(folder_path=tmp_path / "out"))
    crawl(again, source)
    write_entries(again, source)
    read = {
        row["source_id"].partition("#")[2] or row["source_id"]: row for row in again.read(ENTRIES).iter_rows(named=True)
    }
    told = structures(tmp_path / "out", "entries")
    assert len(read) == len(told) == 5
    for source_id, row in read.items():
        name = next(name for name in told if source_id.endswith(name))
        wanted = CRYSTALS[name]
        found = disordered_crystal_of(row) if row["kind"] == "disordered" else crystal_of(row)
        assert found.reduced_formula == wanted.reduced_formula
        np.testing.assert_allclose(found.lattice, wanted.lattice, atol=1e-12)
        np.testing.assert_allclose(found.positions % 1.0, np.asarray(wanted.positions) % 1.0, atol=1e-12)
        if isinstance(wanted, DisorderedCrystal):
            assert found.species == wanted.species


def test_an_optimade_matrix_has_the_cells_that_may_go_as_provider_fields(lake, target):
    export(lake, target, "matrix", "optimade", UNDER, leave_out=True)
    told = structures(target, "matrix")
    assert {name: row["_crystal_lake_band_gap"] for name, row in told.items()} == {
        "m-1": 5.0, "m-2": 5.2, "m-3": None, "m-5": None,
    }  # fmt: skip
    assert told["m-3"]["_crystal_lake_structure_of"] == "oqmd:2"
    assert told["m-1"]["chemical_formula_reduced"] == "ClNa" and told["m-1"]["chemical_formula_anonymous"] == "AB"
    served = json.loads((target / "optimade_server.json").read_text())
    fields = {field["name"]: field["unit"] for field in served["provider_fields"]["structures"]}
    assert fields["_crystal_lake_band_gap"] == "eV"
    assert set(fields) == {name for name in told["m-1"] if name.startswith("_")}


def test_a_matminer_file_is_a_frame_with_pymatgen_structures(lake, target):
    import pandas as pd
    from pymatgen.core import Structure

    export(lake, target, "matrix", "matminer", UNDER, leave_out=True)
    frame = pd.read_json(target / "matrix.json.gz", orient="split")
    assert list(frame.index) == list(range(4)) and frame.columns[0] == "structure"
    cells = lake.read(PROPERTY_MATRIX).filter(policy="default")
    for row in frame.itertuples():
        structure = Structure.from_dict(row.structure)
        wanted = CRYSTALS[row.structure_of]
        assert structure.composition.reduced_formula == wanted.reduced_formula
        np.testing.assert_allclose(structure.frac_coords, wanted.positions, atol=1e-12)
        if not np.isnan(row.band_gap):
            assert row.band_gap == cells.filter(pl.col("material_id") == row.material_id)["band_gap"].item()


def test_a_matminer_file_holds_disorder_and_is_the_same_twice(lake, tmp_path):
    from pymatgen.core import Structure

    for name in ("a", "b"):
        export(lake, tmp_path / name, "materials", "matminer", "CC0-1.0", leave_out=True)
    one, two = ((tmp_path / name / "materials.json.gz").read_bytes() for name in ("a", "b"))
    assert one == two
    told = json.loads(gzip.decompress(one))
    alloy = dict(zip(told["columns"], told["data"][-1], strict=True))
    assert dict(Structure.from_dict(alloy["structure"])[0].species.as_dict()) == {"Fe": 0.5, "Ni": 0.4}


@pytest.mark.parametrize("form", ["parquet", "csv", "optimade", "matminer"])
def test_every_export_has_a_card_its_terms_and_whom_to_cite(lake, target, form):
    made = export(lake, target, "matrix", form, UNDER, leave_out=True)
    assert {"README.md", "LICENCE.txt", "CITATION.bib"} < set(made.files)
    card = (target / "README.md").read_text()
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == "cc-by-nc-4.0" and header["sources"] == ["cod", "labels", "mp", "oqmd"]
    assert header["size_categories"] == ["n<1K"]
    assert "## Level of theory" in card and "| band_gap | PBE | none | 2 |" in card
    assert "AFLOW's API states no licence" in card and "emptied" in card
    assert f"--format {form} --licence 'CC BY-NC 4.0' --policy default --leave-out" in card
    assert "| band_gap | number | eV |" in card
    cited = (target / "CITATION.bib").read_text()
    assert "10.1063/1.4812323" in cited and "10.1016/j.commatsci.2012.02.002" not in cited
    terms = (target / "LICENCE.txt").read_text()
    assert "Commercial use is not allowed" in terms and "mp: 1 cell, CC BY-NC 4.0" in terms


def test_predictions_cite_the_databases_that_taught_them(lake, target):
    export(lake, target, "predictions", leave_out=True)
    assert "10.1063/1.4812323" in (target / "CITATION.bib").read_text()
    assert "answers of models" in (target / "README.md").read_text()


@pytest.mark.parametrize("under", OFFERED)
def test_the_counts_of_the_card_add_up_to_what_was_asked_for(lake, under):
    from lake.export.selection import SUBJECTS, select

    for what in SUBJECTS:
        chosen = select(lake, what, under)
        if what == "materials":  # one that another member can tell is in both
            assert chosen.kept["n"].sum() == chosen.rows.collect().height
            assert chosen.total == 7
        else:
            assert chosen.kept["n"].sum() + chosen.n_left == chosen.total
