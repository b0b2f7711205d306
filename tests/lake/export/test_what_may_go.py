"""What may be passed on goes, whole; what may not stops the export, or is left out and counted."""

from itertools import pairwise

import polars as pl
import pytest

from lake.export import SUBJECTS, ExportError, Refused, export
from lake.export.selection import NothingToExport
from lake.licences import OFFERED, UnknownLicence, allows
from lake.tables import ENTRIES, MATERIALS, OBSERVATIONS, PREDICTIONS, PROPERTY_MATRIX, TRANSFER

TABLES = {"observations": OBSERVATIONS, "entries": ENTRIES, "predictions": PREDICTIONS, "transfer": TRANSFER}


def written(lake, target, what, under, **how):
    export(lake, target, what, "parquet", under, leave_out=True, **how)
    return pl.read_parquet(target / f"{what}.parquet")


@pytest.mark.parametrize("under", OFFERED)
@pytest.mark.parametrize("what", TABLES)
def test_exactly_the_rows_whose_terms_allow_it_go_and_as_they_are(lake, target, what, under):
    table = lake.read(TABLES[what])
    rows = table["licence" if "licence" in table.columns else "licences"].to_list()
    licences = [row if isinstance(row, list) else [row] for row in rows]
    allowed = [bool(row) and all(allows(licence, under) for licence in row) for row in licences]
    found = written(lake, target, what, under)
    key = list(TABLES[what].key)
    assert found.sort(key).equals(table.filter(pl.Series(allowed)).sort(key))


@pytest.mark.parametrize("what", SUBJECTS)
def test_a_selection_with_rows_that_may_not_go_is_refused_whole_and_says_why(lake, target, what):
    with pytest.raises(Refused) as refused:
        export(lake, target, what)
    words = str(refused.value)
    assert "may not be passed on" in words and "--leave-out" in words
    assert "AFLOW's API states no licence" in words or "nobody said" in words
    assert not target.exists()


def test_a_cell_of_the_matrix_goes_or_is_emptied_by_its_own_observation(lake, target):
    found = written(lake, target, "matrix", "CC BY 4.0").sort("material_id")
    whole = lake.read(PROPERTY_MATRIX).sort("material_id")
    gaps = dict(found.select("material_id", "band_gap").iter_rows())
    chosen = dict(whole.select("material_id", "band_gap").iter_rows())
    assert gaps == {"m-1": 5.0, "m-3": None, "m-5": None}
    assert chosen["m-1"] == 5.0 and chosen["m-3"] == 2.1, "AFLOW's cell was chosen, and nobody's stands in for it"
    assert dict(found.select("material_id", "band_gap_measured").iter_rows()) == {"m-1": 8.5, "m-3": None, "m-5": None}


def test_cells_that_go_are_named_with_their_observation_and_no_other_rows_value(lake, target):
    written(lake, target, "matrix", "CC BY-NC 4.0")
    cells = pl.read_parquet(target / "cells.parquet")
    matrix = pl.read_parquet(target / "matrix.parquet")
    names = [name for name in matrix.columns if name.startswith("band_gap")]
    assert len(cells) == sum(matrix[name].count() for name in names) == 3
    assert set(cells["licences"].explode()) == {"CC BY 4.0", "CC BY-NC 4.0"}
    assert not {"lowest", "highest", "value"} & set(cells.columns)


def test_a_cell_that_no_provenance_names_never_goes(lake, target, tmp_path):
    from lake.store import Lake
    from lake.tables import MATRIX_PROVENANCE

    other = Lake(tmp_path / "other")
    for table in (ENTRIES, MATERIALS, OBSERVATIONS, PROPERTY_MATRIX):
        other.replace(table, lake.read(table))
    other.replace(MATRIX_PROVENANCE, MATRIX_PROVENANCE.empty())
    found = written(other, target, "matrix", "CC BY-NC 4.0")
    assert found["band_gap"].null_count() == len(found) > 0


def test_a_median_has_the_terms_of_all_that_it_is_the_median_of(lake, target, tmp_path):
    from lake.store import Lake
    from lake.tables import MATRIX_PROVENANCE

    other = Lake(tmp_path / "other")
    for table in (ENTRIES, MATERIALS, OBSERVATIONS, PROPERTY_MATRIX):
        other.replace(table, lake.read(table))
    other.replace(MATRIX_PROVENANCE, lake.read(MATRIX_PROVENANCE).with_columns(chosen=pl.lit("median")))
    found = dict(written(other, target, "matrix", "CC BY-NC 4.0").select("material_id", "band_gap").iter_rows())
    assert found["m-1"] is None and found["m-2"] == 5.2


def test_a_material_whose_representative_may_not_go_is_told_by_a_member_that_may(lake, target):
    found = written(lake, target, "materials", "CC BY 4.0").sort("material_id")
    assert found["material_id"].to_list() == ["m-1", "m-3", "m-5", "m-7"]
    told = found.row(1, named=True)
    assert told["representative"] == "oqmd:2" and told["space_group"] is None and told["licence"] == "CC BY 4.0"
    kept = found.filter(pl.col("material_id") != "m-3").drop("licence")
    asked = lake.read(MATERIALS).filter(pl.col("material_id").is_in(kept["material_id"].implode())).sort("material_id")
    assert kept.equals(asked.select(kept.columns))


def test_own_labels_stay_unless_their_own_licence_says_otherwise(lake, target):
    found = written(lake, target, "observations", "CC BY-NC 4.0").filter(pl.col("source") == "labels")
    assert found["licence"].to_list() == ["CC BY 4.0"]


def test_what_a_stricter_licence_takes_holds_all_that_a_freer_one_takes(lake, tmp_path):
    sizes = [len(written(lake, tmp_path / under, "observations", under)) for under in OFFERED]
    assert all(freer <= stricter for freer, stricter in pairwise(sizes))


def test_only_the_properties_that_were_asked_for_go(lake, tmp_path):
    assert set(written(lake, tmp_path / "a", "observations", "CC BY 4.0", properties=["band_gap"])["property"]) == {
        "band_gap"
    }
    wide = written(lake, tmp_path / "b", "matrix", "CC BY 4.0", properties=["band_gap_measured"])
    assert "band_gap" not in wide.columns and wide["band_gap_measured"].count() == 1


def test_rows_that_all_may_go_need_no_leave_out(lake, target, tmp_path):
    from lake.store import Lake

    free = Lake(tmp_path / "free")
    free.replace(OBSERVATIONS, lake.read(OBSERVATIONS).filter(pl.col("licence") == "CC BY 4.0"))
    made = export(free, target, "observations")
    assert made.left_out == 0 and "## Left out" not in (target / "README.md").read_text()


def test_what_cannot_be_asked_for_is_said_with_what_can(lake, target, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for asked, error, words in (
        ({"target": tmp_path / "full"}, ExportError, "holds something"),
        ({"target": tmp_path / "full" / "mine.txt"}, ExportError, "is a file"),
        ({"what": "runs"}, NothingToExport, "materials, matrix"),
        ({"format": "xlsx"}, ExportError, "parquet, csv"),
        ({"what": "observations", "format": "optimade"}, ExportError, "holds crystals"),
        ({"licence": "private"}, UnknownLicence, "CC BY 4.0"),
        ({"what": "matrix", "policy": "nobody's"}, NothingToExport, "there are: agreed, default"),
        ({"what": "matrix", "properties": ["hardness"]}, NothingToExport, "there are: band_gap"),
        ({"what": "entries", "properties": ["band_gap"]}, NothingToExport, "no properties"),
    ):
        with pytest.raises(error, match=words):
            export(lake, **({"target": target, "what": "matrix", "leave_out": True} | asked))
        assert not target.exists()
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_an_export_that_fails_leaves_nothing_behind(lake, target, monkeypatch):
    monkeypatch.setattr("lake.export.folder.card", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(lake, target, "observations", leave_out=True)
    assert not target.exists()
