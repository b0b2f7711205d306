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

    A server may give less than it was asked for, and hold more than when the units were planned. Where it tells no
    number, what follows the last unit is not known here.
    """
    start, end, last = span(unit)
    if got == 0 or (last and total is None):
        return []
    more = pages(unit.partition, unit.request, end, total, size) if last and total is not None and total > end else []
    rest = min(end, total or end)
    return pages(unit.partition, unit.request, start + got, rest, size, last=last and not more) + more


def halves(unit: Unit) -> tuple[Unit, ...]:
    """Two units for the records of one; none for a single one.

    What may follow the last unit of a part follows its second half; where nobody counted the part, it has a unit of its
    own, or a record that never comes would hide all behind it.
    """
    start, end, last = span(unit)
    if end - start < 2:
        return ()
    middle, counted = (start + end) // 2, bool(unit.request.get("counted"))
    first = page(unit.partition, unit.request, start, middle - start)
    second = page(unit.partition, unit.request, middle, end - middle, last=last and counted)
    if last and not counted:
        return first, second, page(unit.partition, unit.request, end, end - start, last=True)
    return first, second
