"""Licences: what the terms of a row allow, in one place. No table is read here.

A licence that nobody wrote down here is not redistributable: the lake does not guess what a stranger's words allow.
What is made from rows (a model, a prediction, a gain) inherits the strictest of their licences. This is the lake's own
reading of terms, as SOURCES state them, and no legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


class UnknownLicence(ValueError):
    """A licence to export under that nobody may choose here; the message lists those that there are."""


@dataclass(frozen=True)
class Terms:
    """What one licence allows.

    name: as records carry it. spdx: its identifier at spdx.org, empty where it has none.
    redistributable: may a copy be passed on? What is unknown is treated as no.
    commercial: may a copy be sold, or used by who sells? attribution: must the source be named?
    strictness: 0 is the freest; what is made from several licences has the terms of the largest.
    why: what holds it back, or what it asks for, in words.
    """

    name: str
    spdx: str
    redistributable: Literal["yes", "no", "unknown"]
    commercial: bool
    attribution: bool
    strictness: int
    why: str


NOT_STATED = Terms("not stated", "", "unknown", False, True, 4, "nobody said under which terms it may be passed on")
KNOWN = (
    Terms("CC0-1.0", "CC0-1.0", "yes", True, False, 0, "given to the public domain; a citation is a courtesy"),
    Terms("CC BY 4.0", "CC-BY-4.0", "yes", True, True, 1, "may be passed on by whoever names its source"),
    Terms("CC BY-NC 4.0", "CC-BY-NC-4.0", "yes", False, True, 2,
          "may be passed on by whoever names its source, but not for commercial use"),
    NOT_STATED,
    Terms("see aflow.org (unverified)", "", "unknown", False, True, 5,
          "AFLOW's API states no licence, and what others say of its terms conflicts: ask aflow.org"),
    Terms("private", "", "no", False, True, 6, "somebody's own values, which are not to leave this lake"),
)  # fmt: skip
STRANGE = 3  # strictness of a licence that is not known here: not redistributable either
OFFERED = tuple(terms.name for terms in KNOWN if terms.redistributable == "yes")  # what an export may be under


def _plain(licence: str) -> str:
    """How a licence is looked up: CC0, CC-BY-4.0 and `cc by 4.0` are written as people like."""
    return " ".join(licence.replace("-", " ").replace("_", " ").casefold().split())


_BY_NAME: Mapping[str, Terms] = MappingProxyType(
    {_plain(terms.name): terms for terms in KNOWN} | {"cc0": KNOWN[0], "": NOT_STATED}
)


def terms_of(licence: str) -> Terms:
    """The terms of a licence as a record carries it; those of a strange one say so and allow nothing."""
    if found := _BY_NAME.get(_plain(licence)):
        return found
    why = f"the lake does not know the terms of {licence!r}"
    return Terms(licence, "", "unknown", False, True, STRANGE, why)


def offered(licence: str) -> Terms:
    """The terms of a licence to export under; raises UnknownLicence where it is none of OFFERED."""
    found = terms_of(licence)
    if found.name not in OFFERED:
        raise UnknownLicence(f"an export is under one of {', '.join(OFFERED)}; found {licence!r}")
    return found


def allows(licence: str, under: str) -> bool:
    """Whether a row of this licence may be passed on under that one (of OFFERED): never under a freer one."""
    row, export = terms_of(licence), offered(under)
    return row.redistributable == "yes" and row.strictness <= export.strictness


def strictest(licences: Iterable[str]) -> Terms:
    """The terms that hold for what was made from rows of these licences; of nothing known, those of `not stated`."""
    return max(map(terms_of, licences), key=lambda terms: (terms.strictness, terms.name), default=NOT_STATED)


def refusal(licences: Iterable[str], under: str) -> str:
    """Why something made from rows of these licences may not be passed on under that one; empty where it may."""
    told = sorted({terms_of(licence).name for licence in licences}) or [NOT_STATED.name]
    stopping = [terms_of(licence) for licence in told if not allows(licence, under)]
    return "; ".join(f"{terms.name}: {_why(terms, under)}" for terms in stopping)


def _why(terms: Terms, under: str) -> str:
    if terms.redistributable == "yes":
        return f"{terms.why}, so not under the freer {offered(under).name}"
    return terms.why
