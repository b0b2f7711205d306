"""The cookbook: every query runs as it stands, answers with the columns that it says, and finds something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.notebook import open_lake
from tests.known_lake import known_lake

PAGE = (Path(__file__).parents[1] / "docs" / "cookbook.md").read_text()
RECIPES = re.findall(r"^## (\d+\. [^\n]+)\n(?:(?!^## ).)*?^```sql\n(.*?)^```\n\nColumns: (.*?)\n\n", PAGE, re.M | re.S)
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return known_lake(tmp_path_factory.mktemp("cookbook") / "data").root


def test_there_are_ten_recipes_or_more_and_each_is_tested():
    assert len(RECIPES) == PAGE.count("```sql") == len(re.findall(r"^## \d+\.", PAGE, re.M)) >= 10


@pytest.mark.parametrize(("question", "sql", "columns"), RECIPES, ids=[question for question, *_ in RECIPES])
def test_a_recipe_runs_and_answers_with_the_columns_it_says(root, question, sql, columns):
    frame = open_lake(root).query(sql).frame
    assert frame.columns == re.findall(r"`([^`]+)`", columns)
    assert len(frame) > 0, question


def test_the_python_of_the_page_runs_and_writes_what_it_says(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    told: dict[str, object] = {}
    for block in PYTHON:
        exec(block, told)
    assert len(told["structures"]) == len(told["files"]) == 3
    assert {file.name for file in (root.parent / "stiff").iterdir()} == {
        "mp-66.vasp", "mp-804.vasp", "mp-1265.vasp", "references.bib",
    }  # fmt: skip
