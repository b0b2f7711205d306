"""Pages of a part by offset: planned from its number of records, each one a unit that stands for itself.

Why not a chain of next links: a page that fails would hide all behind it, and nothing could be fetched again alone. So
links are followed only where they tell more than the number did, or where there is no number.
"""

from __future__ import annotations

from collections.abc import Mapping

from lake.sources.page import Unit

Request = Mapping[str, object]


def page(part: str, request: Request, start: int, size: int, last: bool = False) -> Unit:
    """The unit of records `start` to `start + size - 1` of a part. last: whether more may follow it."""
    key = "/".join(filter(None, (part, str(request.get("field") or ""), f"{start:08d}-{start + size - 1:08d}")))
    return Unit(key, {**request, "offset": start, "size": size, "last": last}, part, alone=size == 1)


def pages(part: str, request: Request, start: int, end: int, size: int, last: bool = True) -> list[Unit]:
    """Units of `size` records that cover `start` to `end - 1`; none where nothing is left.

    last: whether more may follow; the last unit is then whole, and leads on.
    """
    units = [page(part, request, at, min(size, end - at)) for at in range(start, end, size)]
    if last and units:
        units[-1] = page(part, request, span(units[-1])[0], size, last=True)
    return units


def span(unit: Unit) -> tuple[int, int, bool]:
    """First record of a unit, the first one after it, and whether more may follow."""
    start, size = int(str(unit.request["offset"])), int(str(unit.request["size"]))
    return start, start + size, bool(unit.request["last"])


def after(unit: Unit, got: int, total: int | None, size: int) -> list[Unit]:
    """What is left of a unit, and of its part where it was the last, after `got` records and the number told now.

    A server may give less than it was asked for, and hold more than when the units were planned.
    """
    start, end, last = span(unit)
    if got == 0:
        return []
    left = pages(unit.partition, unit.request, start + got, min(end, total or end), size, last=False)
    more = pages(unit.partition, unit.request, end, total, size) if last and total is not None and total > end else []
    return left + more


def halves(unit: Unit) -> tuple[Unit, ...]:
    """Two units for the records of one, and, where it was the last, one for what may follow; none for a single one."""
    start, end, last = span(unit)
    if end - start < 2:
        return ()
    middle, request = (start + end) // 2, unit.request
    two = [page(unit.partition, request, a, b - a) for a, b in ((start, middle), (middle, end))]
    return tuple(two + [page(unit.partition, request, end, end - start, last=True)] * last)
