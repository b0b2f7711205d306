"""The contracts: every table says what it holds, and refuses what it does not."""

import polars as pl
import pytest

from lake.contract import ContractError
from lake.tables import ENTRIES, MATCHES, PROPERTY_MATRIX, TABLES


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_and_every_column_has_words_and_a_key(table):
    assert len(table.about) > 20
    assert all(len(column.about) > 3 for column in table.columns)
    assert table.key and set(table.key) <= set(table.schema)
    assert table.partition_by is None or table.partition_by in table.schema
    assert len(table.schema) == len(table.columns), "a column is named twice"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_unit_of_a_column_is_one_that_pint_reads(table):
    from lake.properties.units import unit

    for column in table.columns:
        if column.unit:
            unit(column.unit)


def _match(**changes):
    row = {
        "entry_a": "mp:1", "entry_b": "mp:2", "reduced_formula": "C", "shard": "00", "structure_a": "a",
        "structure_b": "b", "fingerprint_distance": 0.0, "scale": None, "strain": None, "displacement": None,
        "rms": None, "volume_ratio": 1.0, "same": True, "decided_by": "d", "rule": "r", "method": "m",
    }  # fmt: skip
    return row | changes


def test_a_frame_that_fits_comes_back_in_contract_order():
    frame = MATCHES.frame([_match()]).select(reversed(MATCHES.schema))
    assert MATCHES.checked(frame).columns == list(MATCHES.schema)


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda f: f.drop("same"), "missing"),
        (lambda f: f.with_columns(extra=1), "extra"),
        (lambda f: f.with_columns(same=pl.lit("yes")), "must be Boolean"),
        (lambda f: f.with_columns(method=pl.lit(None, dtype=pl.String)), "may not be null"),
        (lambda f: pl.concat([f, f]), "unique"),
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused_with_table_and_column(break_it, says):
    with pytest.raises(ContractError, match=says) as caught:
        MATCHES.checked(break_it(MATCHES.frame([_match()])))
    assert "matches" in str(caught.value)


def test_a_key_that_two_frames_of_one_table_share_is_refused():
    one, other = MATCHES.frame([_match()]), MATCHES.frame([_match(entry_a="mp:0")])
    assert len(MATCHES.checked_together([one, other])) == 2
    with pytest.raises(ContractError, match="unique"):
        MATCHES.checked_together([one, other, one])


def test_only_an_open_ended_table_takes_property_columns_and_only_floats():
    frame = PROPERTY_MATRIX.frame([{"policy": "default", "material_id": "a", "reduced_formula": "C", "n_sources": 1}])
    assert "band_gap" in PROPERTY_MATRIX.checked(frame.with_columns(band_gap=1.5)).columns
    with pytest.raises(ContractError, match="must be a float"):
        PROPERTY_MATRIX.checked(frame.with_columns(band_gap=pl.lit("wide")))


def test_an_empty_frame_fits_every_contract():
    for table in TABLES.values():
        assert len(table.checked(table.empty())) == 0
    assert ENTRIES.frame([]).schema == ENTRIES.schema
