"""The papers beside an export: a card as data sets have one, the terms of each source, and whom to cite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lake.citations import CITATIONS, citations_of
from lake.contract import Column
from lake.export.selection import Selection
from lake.export.tables import type_words
from lake.licences import Terms, offered, strictest

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
OWN = {
    "labels": "values of the lake's owner, under the licence that they gave them",
    "folder": "crystals of the lake's owner, under the licence that they gave them",
    "": "models of this lake, under the strictest licence of what they learnt from",
}
ABOUT = {
    "materials": "distinct crystals",
    "matrix": "distinct crystals with a column per property",
    "observations": "values of properties, each with what qualifies it",
    "entries": "crystals as their databases tell them",
    "predictions": "values that models predict: neither measured nor computed",
    "transfer": "what training on several properties together gained or cost",
}


@dataclass(frozen=True)
class Made:
    """What a card tells of how its export was made.

    rows: written to the data's file. at: when. command: that makes it again. snapshot: its name, empty without one.
    files: each with its columns.
    """

    rows: int
    at: datetime
    command: str
    snapshot: str
    files: Sequence[tuple[str, Sequence[Column]]]


def card(selection: Selection, under: str, made: Made) -> str:
    """README.md: what is in the folder, under which terms, at which levels of theory, and how it was made."""
    parts = [
        _header(selection, under, made),
        f"# {selection.what.capitalize()} of a Crystal Lake\n",
        f"{made.rows:,} rows: {ABOUT[selection.what]}. Under {offered(under).name}; see `LICENCE.txt`. Who uses it "
        "cites the works in `CITATION.bib`.\n",
        _theory(selection),
        _sources(selection),
        _left_out(selection),
        *(_columns(name, columns) for name, columns in made.files),
        _how(selection, made),
    ]
    return "\n".join(part for part in parts if part)


def licence_text(selection: Selection, under: str) -> str:
    """LICENCE.txt: the terms of the whole, and of each source with what it gave."""
    terms = offered(under)
    asks = "Name the sources below." if terms.attribution else "No source need be named; naming them is a courtesy."
    sells = "" if terms.commercial else " Commercial use is not allowed."
    lines = [f"This export as a whole: {terms.name} ({_link(terms)}). {asks}{sells}", "", "What it is made of:"]
    for row in selection.kept.iter_rows(named=True):
        held = strictest(row["licences"])
        cited = CITATIONS[row["source"]].text if row["source"] in CITATIONS else OWN.get(row["source"], "")
        link = f" ({_link(held)})" if held.spdx else ""
        lines.append(f"- {row['source'] or 'models'}: {selection.words(row['n'])}, {held.name}{link}. {cited}".rstrip())
    lines += ["", "The lake's reading of these terms is no legal advice."]
    return "\n".join(lines) + "\n"


def bibliography(selection: Selection) -> str:
    """CITATION.bib: what the sources that are in it ask to be cited by."""
    told = citations_of(selection.cited)
    return "\n".join(citation.bibtex for citation in told) or "% nothing in this export asks to be cited\n"


def _header(selection: Selection, under: str, made: Made) -> str:
    size = next((words for most, words in SIZES if made.rows < most), "n>1M")
    sources = ", ".join(source for source in selection.cited if source)
    lines = [
        "---",
        f"license: {offered(under).spdx.lower()}",
        f"pretty_name: Crystal Lake {selection.what}",
        f"size_categories: [{size}]",
        f"sources: [{sources}]",
        f"snapshot: {made.snapshot or 'none'}",
        f"date: {made.at:%Y-%m-%d}",
        "---",
        "",
    ]
    return "\n".join(lines)


def _theory(selection: Selection) -> str:
    """The warning about levels of theory, with what meets in each property here."""
    if selection.what in ("predictions", "transfer"):
        return (
            "## Level of theory\n\nThese are answers of models, not values of crystals. They learnt from labels of one "
            "family of levels of theory per property, and know no better than these.\n"
        )
    if not len(selection.levels):
        return ""
    lines = [
        "## Level of theory",
        "",
        "Values of one property at two levels of theory, or under two corrections, are two quantities. Do not average "
        "them, and do not learn their difference as if it were chemistry. Here meet:",
        "",
        "| property | level of theory | correction | n |",
        "|---|---|---|---:|",
    ]
    for row in selection.levels.iter_rows(named=True):
        told = (row["property"] or "the crystals", row["level_of_theory"], row["correction"] or "none", f"{row['n']:,}")
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def _sources(selection: Selection) -> str:
    lines = ["## Sources", "", f"| source | licence | {selection.counted} | cite |", "|---|---|---:|---|"]
    for row in selection.kept.iter_rows(named=True):
        known = CITATIONS.get(row["source"])
        cited = f"{known.text}{f', doi:{known.doi}' if known.doi else ''}" if known else OWN.get(row["source"], "")
        lines.append(f"| {row['source'] or 'models'} | {', '.join(row['licences'])} | {row['n']:,} | {cited} |")
    return "\n".join(lines) + "\n"


def _left_out(selection: Selection) -> str:
    if not len(selection.left) and not selection.gaps:
        return ""
    what, left = "emptied" if selection.counted == "cells" else "left out", selection.n_left
    lines = [
        "## Left out",
        "",
        f"{left:,} of {selection.words(selection.total)} may not be passed on, and were {what}:",
        "",
        f"| source | licence | {selection.counted} | why |",
        "|---|---|---:|---|",
    ]
    for row in selection.left.iter_rows(named=True):
        licences = ", ".join(row["licences"]) or "not stated"
        lines.append(f"| {row['source'] or 'models'} | {licences} | {row['n']:,} | {row['why']} |")
    lines += ["", *(f"{gap}." for gap in selection.gaps)] if selection.gaps else []
    return "\n".join(lines) + "\n"


def _columns(name: str, columns: Sequence[Column]) -> str:
    lines = [f"## Columns of `{name}`", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
    lines += [f"| {c.name} | {type_words(c.dtype)} | {c.unit or ''} | {c.about.replace('|', '/')} |" for c in columns]
    return "\n".join(lines) + "\n"


def _how(selection: Selection, made: Made) -> str:
    versions = ", ".join(f"{table} {version}" for table, version in sorted(selection.versions.items()))
    return (
        f"## How it was made\n\nOn {made.at:%Y-%m-%d %H:%M} UTC, from snapshot {made.snapshot or '(none named)'}, that "
        f"is the table versions {versions or '(none)'}, by\n\n    {made.command}\n"
    )


def _link(terms: Terms) -> str:
    return f"https://spdx.org/licenses/{terms.spdx}.html"
