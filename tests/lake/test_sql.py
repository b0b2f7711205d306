"""lake.duckdb: every table is there with its words, plain DuckDB opens it, and a query can only read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from lake.extract import write_observations
from lake.macros import MACROS
from lake.matrix import write_matrix
from lake.policies import DEFAULT
from lake.shards import shard_of
from lake.sql import QueryError, publish, query
from lake.store import Lake
from lake.structures.materials import write_materials
from lake.tables import ENTRIES, MATERIAL_CHANGES, MATERIAL_IDS, MATERIALS, PROPERTY_MATRIX, RECORDS, TABLES
from lake.views import VIEWS
from tests.lake.small_lake import NOW, fields_of, fill, rock_salt, zincblende

MGO, GAAS = rock_salt("Mg", "O", 4.2), zincblende("Ga", "As", 5.65)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("lake's-root"))
    fill(lake, {"mp:1": (MGO, {"band_gap": 4.5}), "mp:2": (GAAS, {"band_gap": "no number"})})
    fill(lake, {"aflow:1": (MGO, {"Egap": "4.4"})})
    write_materials(lake)
    write_observations(lake, "band_gap", fields_of)
    write_matrix(lake)
    publish(lake)
    return lake


def test_columns_are_asked_by_their_plain_names(lake):
    found = query(lake, "select source, count(*) as n from entries group by 1 order by 1")
    assert found.rows() == [("aflow", 1), ("mp", 2)]


def test_every_table_has_a_view_even_one_never_written(lake):
    for table in TABLES.values():
        frame = query(lake, f"select * from {table.name}")
        assert frame.columns[: len(table.schema)] == list(table.schema)
        rows = lake.read(table)
        assert len(frame) == len(rows.filter(policy=DEFAULT) if "policy" in rows.columns else rows)


def test_partitions_come_back_as_text(lake):
    assert query(lake, "select distinct typeof(property) as t from observations")["t"].to_list() == ["VARCHAR"]


def test_the_views_for_common_questions_answer(lake):
    assert query(lake, "select property, observations, materials, sources from labels_per_property").rows() == [
        ("band_gap", 2, 1, ["aflow", "mp"])
    ]
    assert query(lake, "select * from overlap").rows() == [("aflow", "mp", 1)]
    assert query(lake, "select entry_id from members where represents order by 1").rows() == [("mp:1",), ("mp:2",)]
    assert query(lake, "select relative_difference from disagreements").item() == pytest.approx(0.1 / 4.45)
    assert query(lake, "select stage, rejects from rejects_per_stage").rows() == [("observations.band_gap", 1)]


def test_a_database_has_its_own_word_for_a_crystal_and_each_pair_its_measurements(lake):
    assert query(lake, "select entries, mp, aflow, cod from names order by 1 desc").rows() == [
        (2, ["1"], ["1"], None),
        (1, ["2"], None, None),
    ]
    assert query(lake, "select representative, member from duplicates").rows() == [("mp:1", "aflow:1")]


def test_an_id_that_was_given_once_finds_its_material(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {})})
    write_materials(lake)
    now = lake.read(MATERIALS)["material_id"].item()
    told = {"shard": shard_of("MgO"), "current": now, "first_given": NOW}
    ids = [{"material_id": "m-old", "entry_id": "aflow:1"}, {"material_id": now, "entry_id": "mp:1"}]
    lake.replace(MATERIAL_IDS, MATERIAL_IDS.frame([row | told for row in ids]))
    change = {"at": NOW, "reduced_formula": "MgO", "shard": shard_of("MgO"), "change": "renamed"}
    lake.replace(MATERIAL_CHANGES, MATERIAL_CHANGES.frame([change | {"old_ids": ["m-old"], "new_ids": [now]}]))
    lake.mark(MATERIALS, lake.read_from(MATERIAL_IDS, MATERIAL_CHANGES))
    asked = "select current, representative, changes from ids where material_id = 'm-old'"
    assert query(lake, asked).rows() == [(now, "mp:1", ["renamed"])]


def test_materials_under_the_definitions_tolerances_are_the_materials(lake):
    assert query(lake, "select entry_id, representative, undecided from materials_within() order by 1").rows() == [
        ("aflow:1", "mp:1", 0),
        ("mp:1", "mp:1", 0),
        ("mp:2", "mp:2", 0),
    ]


def test_every_macro_has_words_and_says_its_columns_in_them(lake):
    with duckdb.connect(lake.root / "lake.duckdb", read_only=True) as plain:
        said = dict(
            plain.execute("select function_name, comment from duckdb_functions() where not internal").fetchall()
        )
    assert set(said) == {macro.name for macro in MACROS}
    for macro in MACROS:
        answered = query(lake, f"select * from {macro.name}()").columns
        assert answered == list(macro.columns)
        assert all(f"{name}: " in said[macro.name] for name in answered)


def test_plain_duckdb_opens_it_and_reads_the_words_of_every_view_and_column(lake):
    with duckdb.connect(lake.root / "lake.duckdb", read_only=True) as plain:
        comments = dict(plain.execute("select view_name, comment from duckdb_views() where not internal").fetchall())
        columns = plain.execute(
            "select table_name, column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
    own = {"property_matrices", "matrix_provenances", "published"}
    assert set(comments) == set(TABLES) | {view.name for view in VIEWS} | own
    assert all(comments.values())
    assert [(table, column) for table, column, words in columns if not words] == []
    words = {(table, column): said for table, column, said in columns}
    assert words["property_matrix", "band_gap"] == "Band gap (computed, DFT) [eV]"
    assert words["entries", "volume"].endswith("[angstrom**3]")


def test_the_file_is_written_for_every_duckdb_since_version_one(lake):
    with duckdb.connect() as plain:
        plain.execute(f"attach '{str(lake.root / 'lake.duckdb').replace(chr(39), chr(39) * 2)}' as lake (read_only)")
        tags = plain.execute("select tags from duckdb_databases() where database_name = 'lake'").fetchone()[0]
    assert "v1.0.0" in tags["storage_version"]


@pytest.mark.parametrize(
    "refused",
    [
        "copy (select 1) to '{root}/copied.csv'",
        "copy entries to '{root}/copied.parquet'",
        "export database '{root}/exported'",
        "attach '{root}/other.duckdb'",
        "create table mine (x int)",
        "insert into entries select * from entries",
        "drop view entries",
        "pragma version",
        "set threads = 1",
        "install httpfs",
        "select 1; select 2",
        "select 1; copy (select 1) to '{root}/copied.csv'",
        "",
        "no sql at all",
        "select * from nowhere",
        "select * from materials_within(nothing := 1)",
        "create macro materials_within() as table select 1",
        "select * from read_csv('{outside}')",
        "select * from '{outside}'",
        "select * from read_text('{root}/../outside.csv')",
        "select * from query('copy (select 1) to ''{root}/copied.csv''')",
        "call enable_logging()",
        "explain analyze select 1",
        "load httpfs",
        "vacuum",
        "checkpoint",
        "use memory",
        "detach lake",
        "reset allowed_directories",
        "prepare later as select 1",
        "copy from database lake to memory",
        "select getenv('HOME')",
        "select * from glob('/*')",
        "select * from read_blob('/proc/self/environ')",
        "select * from read_duckdb('{outside}', table_name := 'a')",
        "select * from enable_logging(storage := 'file', storage_path := '{root}/logged')",
        "select * from enable_profiling(save_location := '{root}/profiled')",
        "select * from create_external_resource('a')",
        "select * from force_checkpoint()",
        "select * from duckdb_secrets()",
        "select * from query('attach ''{root}/other.duckdb''')",
        "with written as (insert into entries select * from entries returning 1) select * from written",
    ],
)
def test_only_one_reading_select_is_answered(lake, refused):
    outside = lake.root.parent / "outside.csv"
    outside.write_text("secret\n1\n")
    root = str(lake.root).replace("'", "''")
    before = sorted(lake.root.rglob("*"))
    with pytest.raises(QueryError):
        query(lake, refused.format(root=root, outside=str(outside).replace("'", "''")))
    assert sorted(lake.root.rglob("*")) == before


@pytest.mark.parametrize("acts", ["checkpoint()", "truncate_duckdb_logs()", "query('select write_log(''a'')')"])
def test_a_function_that_acts_changes_no_file(lake, acts):
    files = {file: file.read_bytes() for file in lake.root.rglob("*") if file.is_file()}
    query(lake, f"select * from {acts}")
    assert {file: file.read_bytes() for file in lake.root.rglob("*") if file.is_file()} == files


def test_what_is_published_has_no_write_permission_and_is_rewritten_all_the_same(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {})})
    files = [*map(Path, lake.files(ENTRIES)), publish(lake)]
    assert not any(file.stat().st_mode & 0o222 for file in files)
    assert all(file.stat().st_mode & 0o200 for file in (lake.path(ENTRIES) / "_delta_log").iterdir())
    lake.remove(ENTRIES, {"entry_id": "mp:1"})
    fill(lake, {"mp:1": (MGO, {}), "mp:2": (GAAS, {})})
    publish(lake)
    assert query(lake, "select count(*) from entries").item() == 2


def test_a_lake_that_moved_is_published_anew(tmp_path):
    lake = Lake(tmp_path / "here")
    fill(lake, {"mp:1": (MGO, {})})
    publish(lake)
    moved = Lake((tmp_path / "here").rename(tmp_path / "there"))
    assert query(moved, "select count(*) from entries").item() == 1
    assert query(moved, "select root from published").item() == str(tmp_path / "there")
    (tmp_path / "there" / "lake.duckdb").unlink()
    with duckdb.connect(tmp_path / "there" / "lake.duckdb") as old:
        old.execute("create view entries as select 'before it said so'")
    assert query(moved, "select count(*) from entries").item() == 1


def test_the_matrix_is_the_default_policys_and_does_not_open_the_others(tmp_path):
    lake = Lake(tmp_path)
    rows = {"material_id": "m", "reduced_formula": "MgO", "n_sources": 1, "band_gap": 4.5}
    for policy in ("default", "agreed"):
        frame = pl.DataFrame([rows | {"policy": policy}])
        lake.append(PROPERTY_MATRIX, frame if policy == "default" else frame.with_columns(band_gap=5.0))
    publish(lake)
    for file in lake.files(PROPERTY_MATRIX, partition="agreed"):
        Path(file).unlink()
    assert query(lake, "select policy, band_gap from property_matrix").rows() == [("default", 4.5)]
    with pytest.raises(QueryError):
        query(lake, "select * from property_matrices")


def test_every_policy_is_in_the_views_of_all(tmp_path):
    lake = Lake(tmp_path)
    rows = {"material_id": "m", "reduced_formula": "MgO", "n_sources": 1, "band_gap": 4.5}
    lake.replace(PROPERTY_MATRIX, pl.DataFrame([rows | {"policy": one} for one in ("default", "agreed")]))
    asked = "select policy from property_matrices order by 1"
    assert query(lake, asked)["policy"].to_list() == ["agreed", "default"]
    assert query(lake, "select count(*) from matrix_provenances").item() == 0


def test_a_refusal_says_what_was_found_and_what_would_do(lake):
    with pytest.raises(QueryError, match="one SELECT and nothing else, found COPY"):
        query(lake, "copy (select 1) to 'x.csv'")


def test_publishing_anew_shows_new_rows_and_leaves_an_open_reader_alone(tmp_path):
    lake = Lake(tmp_path)
    fill(lake, {"mp:1": (MGO, {})})
    path = publish(lake)
    with duckdb.connect(path, read_only=True) as reader:
        fill(lake, {"mp:1": (MGO, {}), "mp:2": (GAAS, {})})
        publish(lake)
        assert reader.execute("select count(*) from entries").fetchone() == (1,)
    assert query(lake, "select count(*) from entries").item() == 2
    assert [file.name for file in lake.root.iterdir() if "duckdb" in file.name] == ["lake.duckdb"]


def test_asking_before_publishing_publishes_and_an_empty_root_says_so(tmp_path):
    with pytest.raises(QueryError, match="no tables yet"):
        query(Lake(tmp_path / "nothing"), "select 1")
    lake = Lake(tmp_path)
    lake.replace(RECORDS, RECORDS.empty())
    assert query(lake, "select count(*) from records").item() == 0
