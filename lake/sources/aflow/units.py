"""The units of a crawl of AFLOW: a look at a part, a page of its rows, a sweep of its dates, a question about ids.

What belongs here: how units are named, and how one is divided. What a unit brings belongs to source.py.
A unit's request: `ask` is its kind; `where` filters; `page` counts from 1 pages of `size` rows (`sweep` of a sweep's);
`column` is the only keyword to fetch, empty for all that are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

from lake.sources.aflow.summons import Where
from lake.sources.page import Unit

T = TypeVar("T")
Request = Mapping[str, object]


def look(name: str, where: Where, size: int, sweep: int, may_be_cut: bool, column: str = "") -> Unit:
    """How many rows a part has, and whether they are known: it leads to its pages, or to parts of it."""
    request = {"where": dict(where), "size": size, "sweep": sweep, "may_be_cut": may_be_cut, "column": column}
    return Unit(name, {"ask": "part", **request}, name)


def page(part: str, of: Request, number: int) -> Unit:
    """A page of rows, of a part whose unit asked `of`."""
    key = f"{part}/rows={number:06d}x{of['size']}"
    return Unit(key, _request("rows", of, "where", "size", "column", page=number), part, alone=of["size"] == 1)


def sweep(part: str, of: Request, number: int) -> Unit:
    """A page of ids and dates."""
    key = f"{part}/dates={number:06d}x{of['sweep']}"
    return Unit(key, _request("dates", of, "where", "size", "sweep", page=number), part)


def question(part: str, where: Where, auids: Sequence[str], column: str = "") -> Unit:
    """The rows of some ids, which stand in one part."""
    ids = auids[0] if len(auids) == 1 else f"ids={sha256(','.join(auids).encode()).hexdigest()[:16]}"
    request = {"ask": "auids", "where": dict(where), "auids": list(auids), "column": column}
    return Unit(f"{part}/{ids}", request, part, alone=len(auids) == 1)


def halves(unit: Unit) -> tuple[Unit, ...]:
    """A page as two of half its size, a sweep as the pages of its rows, a question about ids as two; else nothing."""
    request, part = unit.request, unit.partition
    if request["ask"] == "rows" and request["size"] > 1:
        half, number = {**request, "size": request["size"] // 2}, 2 * request["page"]
        return page(part, half, number - 1), page(part, half, number)
    if request["ask"] == "dates":
        return tuple(page(part, request, number) for number in pages_of(request))
    if request["ask"] == "auids" and len(request["auids"]) > 1:
        both = batches(request["auids"], (len(request["auids"]) + 1) // 2)
        return tuple(question(part, request["where"], auids, request["column"]) for auids in both)
    return ()


def pages_of(request: Request) -> range:
    """Numbers of the pages that hold the rows of a sweep."""
    pages = request["sweep"] // request["size"]
    return range((request["page"] - 1) * pages + 1, request["page"] * pages + 1)


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items in their order, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _request(ask: str, of: Request, *words: str, page: int) -> dict[str, object]:
    return {"ask": ask, "page": page, **{word: of.get(word, "") for word in words}}
