"""The data dictionary tells every table, column, property and reading, and the page in `docs/` is what it prints."""

import itertools
import json
from pathlib import Path

from lake.dictionary import as_json, as_markdown
from lake.properties import PROPERTIES
from lake.tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_page_in_docs_is_what_the_command_prints():
    words = "print it anew: crystal-lake dictionary > docs/data-dictionary.md"
    assert PAGE.read_text() == as_markdown(), words


def test_every_column_of_every_table_stands_in_it():
    told = {table["name"]: table for table in json.loads(as_json())["tables"]}
    assert list(told) == list(TABLES)
    for name, table in TABLES.items():
        assert told[name]["key"] == list(table.key)
        assert [column["name"] for column in told[name]["columns"]] == table.schema.names()
        assert all(column["about"] and column["type"] for column in told[name]["columns"])


def test_every_reading_of_every_property_stands_in_it():
    told = {prop["name"]: prop for prop in json.loads(as_json())["properties"]}
    page = as_markdown()
    assert list(told) == list(PROPERTIES)
    for name, prop in PROPERTIES.items():
        assert [reading["name"] for reading in told[name]["readings"]] == [reading.name for reading in prop.readings]
        assert told[name]["unit"] == prop.unit and f"### `{name}`" in page
        assert all(f"`{reading.name}`" in page for reading in prop.readings)


def test_no_row_of_its_tables_is_broken_by_what_stands_in_it():
    lines = [line.replace("\\|", "") for line in as_markdown().splitlines()]
    for above, line in itertools.pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            assert above.count("|") == line.count("|"), line
