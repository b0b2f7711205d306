"""The parts of two filter languages that a crawl of OQMD uses: comparisons and HAS, joined by AND.

OPTIMADE's: https://www.optimade.org/optimade, section "The Filter Language". REST's has `element_set=Mg,O` besides.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

COMPARISONS: Mapping[str, Callable] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_COMPARISON = re.compile(r"(\w+)\s*(<=|>=|!=|=|<|>)\s*(.+)$")
_HAS = re.compile(r"(\w+)\s+HAS\s+(ALL\s+|ANY\s+)?(.+)$")


class BadFilter(ValueError):
    """A filter that cannot be read."""


def read_filter(text: str) -> list[tuple[str, Callable[[object], bool]]]:
    """(field, test of its value) for every part of a filter; all must hold. Raises BadFilter."""
    return [_part(part.strip().strip("()").strip()) for part in re.split(r"\s+AND\s+", text.strip()) if part.strip()]


def _part(text: str) -> tuple[str, Callable[[object], bool]]:
    if text.startswith("element_set="):
        elements = set(text.removeprefix("element_set=").split(","))
        return "element_set", lambda value: elements <= set(value or [])  # type: ignore[call-overload]
    if found := _HAS.match(text):
        field, mode, words = found.groups()
        wanted = {_value(word) for word in words.split(",")}
        if (mode or "").strip() == "ANY":
            return field, lambda value: bool(wanted & set(value or []))  # type: ignore[call-overload]
        return field, lambda value: wanted <= set(value or [])  # type: ignore[call-overload]
    if found := _COMPARISON.match(text):
        field, sign, word = found.groups()
        compare, wanted_value = COMPARISONS[sign], _value(word)
        return field, lambda value: value is not None and compare(value, wanted_value)
    raise BadFilter(f"cannot read the filter {text!r}")


def _value(word: str) -> object:
    word = word.strip()
    if word.startswith('"') and word.endswith('"'):
        return word[1:-1]
    try:
        return float(word)
    except ValueError as error:
        raise BadFilter(f"a value must be a number or a quoted word, found {word!r}") from error
