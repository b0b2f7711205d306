"""The summons of AFLUX: how a query string becomes columns, filters, order and a page.

What belongs here: the grammar (`,` and, `:` or, `!` not, `*` loose, `'..'` literal, `$` muted). What an entry says:
`aflow_keywords.py`. Source: Rose et al., doi:10.1016/j.commatsci.2017.04.036, https://aflow.org/API/aflux/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

DIRECTIVES = ("paging", "format", "help", "schema")
SUMMONED_ALWAYS = ("compound", "auid", "aurl", "spacegroup_relax", "Pearson_symbol_relax")
PAGE_SIZE = 64
_TERM = re.compile(r"(\$?)(\w+)(?:\((.*)\))?$", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


class LuxFail(ValueError):
    """A summons that AFLUX cannot read."""


@dataclass(frozen=True)
class Term:
    """One word of a matchbook: keyword, its argument (None without brackets), muted with `$` or not."""

    keyword: str
    argument: str | None
    muted: bool

    def matches(self, value: object) -> bool:
        """Whether an entry's value passes this term; a term without argument passes everything."""
        return not self.argument or all(
            any(_matches(value, choice) for choice in split(part, ":")) for part in split(self.argument, ",")
        )


@dataclass(frozen=True)
class Summons:
    """A query, read: the matchbook's terms in order, and the paging directive (page 0 is everything)."""

    terms: tuple[Term, ...]
    page: int
    size: int
    paging_muted: bool
    directives: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """What every row gives: the five of every answer, then what was asked for and not muted."""
        asked = [term.keyword for term in self.terms if not term.muted]
        return list(dict.fromkeys([*SUMMONED_ALWAYS, *asked]))

    @property
    def sort_key(self) -> str:
        """AFLUX sorts by the first keyword of the matchbook."""
        return self.terms[0].keyword if self.terms else "auid"


def read_summons(query: str) -> Summons:
    """A query string as AFLUX reads it; raises LuxFail."""
    terms, directives, muted = [], {}, set()
    for part in split(unquote(query.lstrip("?")), ","):
        found = _TERM.match(part.strip())
        if not found:
            raise LuxFail(f"Lux Fail! cannot read {part!r}")
        dollar, keyword, argument = found.groups()
        if keyword in DIRECTIVES:
            directives[keyword] = argument or ""
            muted |= {keyword} if dollar else set()
        else:
            terms.append(Term(keyword, argument, bool(dollar)))
    page, size = _paging(directives.get("paging", ""))
    return Summons(tuple(terms), page, size, "paging" in muted, directives)


def split(text: str, mark: str) -> list[str]:
    """Parts of a text between marks that stand outside brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
        if character == mark and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part]


def _paging(argument: str) -> tuple[int, int]:
    try:
        numbers = [int(word) for word in argument.split(",") if word]
    except ValueError as error:
        raise LuxFail("Lux Fail! paging takes whole numbers") from error
    return (numbers[0] if numbers else 1), (numbers[1] if len(numbers) > 1 else PAGE_SIZE)


def _matches(value: object, choice: str) -> bool:
    choice = choice.strip()
    if choice.startswith("!"):
        return not _matches(value, choice[1:])
    if choice.startswith("(") and choice.endswith(")"):
        return Term("", choice[1:-1], False).matches(value)
    if choice == "*":
        return value is not None
    if isinstance(value, list):
        return any(_matches(one, choice) for one in value)
    if value is None:
        return False
    if isinstance(value, int | float):
        return _number_matches(float(value), choice)
    return _word_matches(str(value), choice)


def _number_matches(value: float, choice: str) -> bool:
    """`2` equals, `1*` at least, `*3` at most."""
    bare = choice.strip("*'")
    if not _NUMBER.match(bare):
        return False
    if choice.endswith("*"):
        return value >= float(bare)
    if choice.startswith("*"):
        return value <= float(bare)
    return value == float(bare)


def _word_matches(value: str, choice: str) -> bool:
    """Equal, or with `*` at an end a part: `aflow:0*`, `*Si*`."""
    bare = choice.strip("*").strip("'")
    starts, ends = choice.startswith("*"), choice.endswith("*")
    if starts and ends:
        return bare in value
    if ends:
        return value.startswith(bare)
    return value.endswith(bare) if starts else value == bare
