"""Versions: staleness may neither be missed nor cried."""

import polars as pl
import pytest

from assets.versions import code_version, data_version

CODE = '''"""Words."""
def f(x):
    """More words."""
    return x + 1  # a remark
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module's source; returns its code version."""
    monkeypatch.syspath_prepend(tmp_path)
    names = iter("abcdef")

    def version_of(source: str) -> str:
        name = f"some_{next(names)}"
        (tmp_path / f"{name}.py").write_text(source)
        return code_version(name)

    return version_of


def test_a_change_of_code_changes_the_code_version(module):
    assert module(CODE) != module(CODE.replace("+ 1", "+ 2"))


def test_words_and_layout_do_not_change_the_code_version(module):
    assert module(CODE) == module("def f(x):\n\n    return (x+1)\n")


def test_a_module_that_is_not_there_is_an_error_not_a_version():
    with pytest.raises(ModuleNotFoundError, match=r"lake\.nothing"):
        code_version("lake.nothing")


def test_the_order_of_rows_does_not_change_the_data_version():
    frame = pl.DataFrame({"name": ["a", "b", None], "numbers": [[1.0, 2.0], [], None]})
    assert data_version(frame) == data_version(frame.reverse())


@pytest.mark.parametrize(
    "other",
    [
        pl.DataFrame({"name": ["a", "b"], "numbers": [[1.0], [2.5]]}),
        pl.DataFrame({"name": ["a", "b"], "number": [[1.0], [2.0]]}),
        pl.DataFrame({"name": ["a", "b", "b"], "numbers": [[1.0], [2.0], [2.0]]}),
        pl.DataFrame({"name": ["b", "a"], "numbers": [[1.0], [2.0]]}),
    ],
    ids=["a value", "a name", "a row twice", "values at other rows"],
)
def test_any_other_change_changes_the_data_version(other):
    assert data_version(pl.DataFrame({"name": ["a", "b"], "numbers": [[1.0], [2.0]]})) != data_version(other)
