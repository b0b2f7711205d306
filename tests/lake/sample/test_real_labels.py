"""The real file's own columns as labels: none is forgotten or told twice, and the file itself bears out their units."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lake.sample.real import FILES, LABELLED, MP_COLUMNS, NO_PROPERTY, MissingData, real_folder, real_labels

TOLD_BY_THE_CRYSTAL = {"total_magnetization", "cell_volume"}


@pytest.fixture(scope="module")
def file() -> pl.DataFrame:
    try:
        return pl.read_parquet(real_folder() / FILES["mp"]).drop("cif")
    except MissingData as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="module")
def labels(file) -> pl.DataFrame:
    return real_labels()


def test_every_numeric_column_is_told_once(file):
    numeric = [name for name, dtype in file.schema.items() if dtype.is_numeric()]
    told = [*MP_COLUMNS.values(), *TOLD_BY_THE_CRYSTAL, *(label.column for label in LABELLED), *NO_PROPERTY]
    assert sorted(told) == sorted(numeric)


def test_no_number_is_lost_or_changed(file, labels):
    for told in LABELLED:
        of_column = labels.filter(pl.col("property") == told.property, pl.col("reference") == told.reference)
        column = file.drop_nulls(told.column)
        assert of_column["entry_id"].to_list() == ("mp:" + column["mp_id"]).to_list()
        assert of_column["value"].to_list() == column[told.column].to_list()


def test_two_vintages_of_one_quantity_have_references_of_their_own(labels):
    assert not labels.select("entry_id", "property", "reference").is_duplicated().any()
    assert labels["property"].n_unique() < len(LABELLED) + 1


def test_labels_are_never_without_unit_level_or_licence(labels):
    assert labels.drop("temperature").null_count().sum_horizontal().item() == 0
    assert set(labels["level_of_theory"]) == {"PBE", "PBE+U", "PBEsol", "GGA_GGA+U", "experiment"}
    assert set(labels.filter(pl.col("level_of_theory") == "experiment")["property"]) == {"formation_enthalpy_measured"}


@pytest.mark.parametrize("letter", ["n", "p"])
def test_units_of_transport_hold_by_identities_of_the_file(file, letter):
    seebeck, sigma, power, mass = (
        file.drop_nulls("bt_S_n")[f"bt_{word}_{letter}"].to_numpy() for word in ("S", "sigma", "PF", "m")
    )
    # uV^2/K^2 times 1/ohm/m/fs is 1e3 W/m/K^2/s, and the power factor is in GW/m/K^2/s
    assert np.median(seebeck**2 * sigma * 1e3 / 1e9 / power) == pytest.approx(1, abs=0.01)
    # Drude: n e^2 / m, for 1e24 carriers per m^3, in 1/ohm/m/fs
    drude = 1e24 * 1.602176634e-19**2 / 9.1093837e-31 / mass * 1e-15
    assert np.median(drude / sigma) == pytest.approx(1, abs=0.06)
