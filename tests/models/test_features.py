"""Vectors that others made: a file is taken whole or refused with its reason."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lake.features import BadFeatures, add_features, write_features
from lake.store import Lake
from lake.tables import ENTRIES, FEATURES
from models.baselines import baseline_named
from models.dataset import training_rows


@pytest.fixture
def lake(salts: Lake, tmp_path) -> Lake:
    water = Lake(tmp_path / "lake")
    water.replace(ENTRIES, salts.read(ENTRIES))
    return water


@pytest.fixture
def vectors(salts: Lake) -> pl.DataFrame:
    entries = salts.read(ENTRIES).select("entry_id", "volume", "structure_hash")
    return entries.select("entry_id", vector=pl.concat_list("volume", pl.col("volume") ** 2, pl.lit(1.0)))


def written(frame: pl.DataFrame, tmp_path) -> object:
    path = tmp_path / "vectors.parquet"
    frame.write_parquet(path)
    return path


def test_a_list_and_columns_and_hashes_tell_the_same(lake, vectors, tmp_path):
    done = add_features(lake, written(vectors, tmp_path), "one", "CC-BY-4.0")
    assert done.structures == 96 and done.unknown == 0 and done.length == 3
    wide = vectors.with_columns(pl.col("vector").list.to_struct(fields=["a", "b", "c"])).unnest("vector")
    hashes = wide.join(lake.read(ENTRIES).select("entry_id", "structure_hash"), on="entry_id").drop("entry_id")
    add_features(lake, written(hashes, tmp_path), "two", "CC-BY-4.0")
    both = lake.read(FEATURES)
    one, two = (both.filter(model=name).drop("model") for name in ("one", "two"))
    assert one.equals(two)
    assert write_features(lake) == {"one": 96, "two": 96} and len(lake.read(FEATURES)) == 192


def test_what_the_lake_does_not_know_is_counted_and_comes_later(lake, vectors, tmp_path):
    entries = lake.read(ENTRIES)
    lake.replace(ENTRIES, entries.head(90))
    assert add_features(lake, written(vectors, tmp_path), "one", "private").unknown == 6
    lake.replace(ENTRIES, entries)
    assert write_features(lake) == {"one": 96}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda f: pl.concat([f, f.head(1)]), "must be there once, found mp:0 2 times"),
        (lambda f: f.with_columns(vector=pl.lit([1.0, float("nan"), 2.0])), "must be finite.*first mp:0"),
        (lambda f: f.with_columns(vector=pl.lit([1.0, None, 2.0])), "must be finite"),
        (lambda f: f.with_columns(vector=pl.col("vector").list.head(pl.int_range(pl.len()) % 3 + 1)), "equally long"),
        (lambda f: f.rename({"entry_id": "name"}), "needs rows with a column structure_hash or entry_id"),
        (lambda f: f.with_columns(entry_id="x" + pl.col("entry_id")), "none of its 96 rows"),
        (lambda f: f.drop("vector").with_columns(a=pl.lit("word")), "numbers alone"),
        (lambda f: f.clear(), "found 0 rows"),
    ],
    ids=["twice", "NaN", "nothing", "lengths", "no key", "strangers", "words", "empty"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_and_changes_nothing(lake, vectors, tmp_path, spoil, why):
    with pytest.raises(BadFeatures, match=why):
        add_features(lake, written(spoil(vectors), tmp_path), "one", "CC-BY-4.0")
    assert not lake.exists(FEATURES) and not (lake.root / "features").exists()


def test_a_name_is_a_slug_and_a_file_is_parquet(lake, vectors, tmp_path):
    with pytest.raises(BadFeatures, match="small letters"):
        add_features(lake, written(vectors, tmp_path), "../one", "CC-BY-4.0")
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(BadFeatures, match="must be a Parquet file"):
        add_features(lake, tmp_path / "no.parquet", "one", "CC-BY-4.0")


def test_vectors_come_in_the_order_of_the_structures_and_learn(salts, vectors, tmp_path):
    add_features(salts, written(vectors, tmp_path), "volumes", "private")
    rows = training_rows(salts, ("band_gap",))
    method = baseline_named("features:volumes")
    told = method.features(salts, rows.frame["structure_hash"])
    volumes = rows.frame.join(salts.read(ENTRIES).select("entry_id", "volume"), on="entry_id", maintain_order="left")
    np.testing.assert_allclose(told[:, 0], volumes["volume"], rtol=1e-6)
    assert np.isnan(method.features(salts, rows.frame["structure_hash"].head(1) + "x")).all()
    salts.replace(FEATURES, FEATURES.empty())
