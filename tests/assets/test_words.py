"""Every asset has words: what a newcomer sees in the UI says what it is, who owns it and what its columns mean."""

import re

import dagster as dg
import pytest

from assets.observations import observed
from lake.properties import PROPERTIES
from lake.shards import ALL
from lake.sources import EVERY
from lake.tables import TABLES
from models.sharing import SHARINGS
from models.study import BASELINES
from models.transfer_map.plan import STUDIES

SLUG = r"[a-z0-9_.-]+"


def test_every_asset_has_description_group_kinds_owner_and_code_version(graph):
    for node in graph.asset_nodes:
        assert len(node.description) > 25, node.key
        assert node.group_name in {"bronze", "silver", "gold", "graphs", "models", "analysis", "reports"}, node.key
        assert node.kinds and node.owners and node.code_version, node.key


def test_every_table_is_some_assets_and_shows_its_columns(graph):
    shown = {node.metadata["table"]: node for node in graph.asset_nodes if "table" in node.metadata}
    assert set(shown) == set(TABLES)
    for name, node in shown.items():
        columns = {column.name: column for column in node.metadata["dagster/column_schema"].columns}
        assert set(TABLES[name].schema) <= set(columns)
        assert all(column.description for column in columns.values())


def test_a_column_with_a_unit_says_so(graph):
    columns = {c.name: c for c in graph.get(dg.AssetKey("entries")).metadata["dagster/column_schema"].columns}
    assert columns["volume"].description.endswith("[angstrom**3]")
    assert columns["entry_id"].constraints.unique and not columns["entry_id"].constraints.nullable


def test_the_matrix_shows_every_property_as_a_column(graph):
    schema = graph.get(dg.AssetKey("property_matrix")).metadata["dagster/column_schema"]
    columns = {c.name for c in schema.columns}
    assert set(PROPERTIES) <= columns


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_is_an_asset_that_names_unit_origin_and_where_it_is_read(graph, name):
    node = graph.get(observed(name)[0])
    assert node.metadata["unit"] == PROPERTIES[name].unit
    assert node.metadata["origin"] == PROPERTIES[name].origin
    assert all(f"`{reading.path}`" in node.description for reading in PROPERTIES[name].readings)


def test_every_check_has_words(graph):
    assert len(graph.asset_check_keys) > 50
    assert all(len(graph.get(key).description) > 25 for key in graph.asset_check_keys)


def test_partition_keys_are_slugs(graph):
    keys = {k for node in graph.asset_nodes if node.partitions_def for k in node.partitions_def.get_partition_keys()}
    assert keys == {*EVERY, *ALL, *BASELINES, *SHARINGS, *STUDIES} and all(re.fullmatch(SLUG, key) for key in keys)
