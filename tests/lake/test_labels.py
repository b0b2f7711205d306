"""The user's own values: what fits is kept as given, what does not is in rejects with its reason."""

from __future__ import annotations

import pytest

from lake.labels import import_labels
from lake.store import Lake
from lake.tables import LABELS, REJECTS

HEAD = "# remarks stand behind a hash\nentry_id,property,value,unit,reference,licence\n"


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "labels").mkdir()
    return Lake(tmp_path)


def give(lake: Lake, text: str, name: str = "mine.csv") -> None:
    (lake.root / "labels" / name).write_text(text)


def reasons(lake: Lake) -> dict[str, str]:
    return dict(lake.read(REJECTS).select("entry_id", "reason").rows())


def test_good_rows_are_kept_as_given(lake):
    give(lake, HEAD + "mp:1,band_gap_measured,5.5,eV,Madelung 2004,CC0\nmp:1,bulk_modulus_measured,442000,MPa,me,\n")
    assert import_labels(lake) == 2
    rows = lake.read(LABELS).sort("property").rows(named=True)
    assert (rows[0]["value"], rows[0]["unit"], rows[0]["reference"]) == (5.5, "eV", "Madelung 2004")
    assert (rows[1]["value"], rows[1]["unit"], rows[1]["licence"]) == (442000.0, "MPa", "not stated")
    assert lake.read(REJECTS).is_empty()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("mp:1,bandgap_measured,1,eV,me,CC0", "nearest: band_gap_measured"),
        ("mp:1,band_gap,1,eV,me,CC0", "say its level of theory"),
        ("mp:1,band_gap_measured,1,parsnip,me,CC0", "parsnip"),
        ("mp:1,band_gap_measured,1,GPa,me,CC0", "gigapascal"),
        ("mp:1,band_gap_measured,much,eV,me,CC0", "finite number, found 'much'"),
        ("mp:1,band_gap_measured,nan,eV,me,CC0", "finite number"),
        ("mp:1,band_gap_measured,,eV,me,CC0", "found nothing"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_its_neighbour_is_kept(lake, row, why):
    give(lake, HEAD + row + "\nmp:2,band_gap_measured,1.5,eV,me,CC0\n")
    assert import_labels(lake) == 1
    assert why in reasons(lake)["mp:1"]
    assert "mine.csv, value 1" in reasons(lake)["mp:1"]


FULL = "entry_id,property,value,unit,level_of_theory,temperature,pressure,joined_by,refused\n"


def test_a_row_in_full_form_says_level_conditions_and_how_it_was_joined(lake):
    give(lake, FULL + "mp:1,band_gap,7.7,eV,HSE06,300,1e-4,structure,\nmp:2,band_gap_measured,7,eV,,,,,\n")
    assert import_labels(lake) == 2
    rows = lake.read(LABELS).sort("entry_id").select("level_of_theory", "temperature", "pressure", "joined_by").rows()
    assert rows == [("HSE06", 300.0, 1e-4, "structure"), ("experiment", None, None, "id")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("mp:1,band_gap,7.7,eV,experiment,,,,", "band_gap is a computed property"),
        ("mp:1,band_gap_measured,7.7,eV,PBE,,,,", "band_gap_measured is a measured property: its level of theory must"),
        ("mp:1,band_gap,7.7,eV,PBE,warm,,,", "temperature must be a finite number, found 'warm'"),
        ("mp:1,band_gap,7.7,eV,PBE,,,,no entry is of that crystal", "no entry is of that crystal"),
    ],
)
def test_a_row_that_contradicts_itself_or_was_refused_before_is_refused(lake, row, why):
    give(lake, FULL + row + "\n")
    assert import_labels(lake) == 0
    assert why in reasons(lake)["mp:1"]


def test_a_row_without_an_entry_and_a_file_without_columns_are_refused_by_the_files_name(lake):
    give(lake, HEAD + ",band_gap_measured,1,eV,me,CC0\n")
    give(lake, "id,value\n1,2\n", "wrong.csv")
    give(lake, "", "empty.csv")
    assert import_labels(lake) == 0
    assert "entry_id must be" in reasons(lake)["labels:mine.csv"]
    assert "missing entry_id, property, unit" in reasons(lake)["labels:wrong.csv"]
    assert "cannot be used" in reasons(lake)["labels:empty.csv"]


def test_a_value_given_twice_under_one_reference_is_kept_once(lake):
    give(lake, HEAD + "mp:1,band_gap_measured,1,eV,me,CC0\nmp:1,band_gap_measured,2,eV,me,CC0\n")
    assert import_labels(lake) == 1
    assert "given twice" in reasons(lake)["mp:1"]


def test_a_file_taken_away_takes_its_labels_and_its_rejects_along(lake):
    give(lake, HEAD + "mp:1,band_gap_measured,1,eV,me,CC0\nmp:2,band_gap_measured,x,eV,me,CC0\n")
    import_labels(lake)
    (lake.root / "labels" / "mine.csv").unlink()
    assert import_labels(lake) == 0
    assert lake.read(LABELS).is_empty()
    assert lake.read(REJECTS).is_empty()


def test_a_lake_without_labels_has_none(tmp_path):
    assert import_labels(Lake(tmp_path / "new")) == 0
