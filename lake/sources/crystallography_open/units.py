"""Units of a crawl of the engine: their names, what they carry, and how they are halved.

What belongs here: three kinds, told apart by what their requests hold. `list`: the entries whose ids begin so; it leads
on to `ids`: entries to fetch, as the engine's parameter `id` wants them (`1000001,1000002` or `10000%`). `files`: the
files of a tree whose ids begin so. A part of the database, where only that is asked for, stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from lake.sources.crystallography_open.rows import ID
from lake.sources.page import Unit
from lake.sources.scope import Scope

LONGEST = 3  # digits of a list's prefix: it holds 10,000 ids at most then
FIVE = 5  # digits that a hundred entries share
ELEMENTS_MOST = 8  # that one search takes
TREE = "tree"  # the one partition of a crawl from files

Part = dict[str, object]


def listing(prefix: str, part: Part) -> Unit:
    """The list of the entries whose ids begin with these digits; their number is what the engine counts."""
    return Unit(f"list={prefix}", {"list": prefix, **part}, prefix)


def entries(ids: Sequence[str], partition: str) -> Unit:
    """Entries by their ids."""
    if len(ids) == 1:
        return _one("ids", ids[0], {}, partition)
    asked = ",".join(ids)
    return Unit(f"ids={ids[0]}/{sha256(asked.encode()).hexdigest()[:16]}", {"ids": asked}, partition)


def files(prefix: str, part: Part) -> Unit:
    """The files of a tree whose ids begin with these digits."""
    return _digits("files", prefix, part, TREE)


def halves(unit: Unit) -> tuple[Unit, ...]:
    """A list as ten shorter ones, then as entries by five digits; ids in two, digits by one more: down to one entry."""
    request, part = unit.request, {name: unit.request[name] for name in ("elements", "chemsys") if name in unit.request}
    if unit.alone:
        return ()
    if "files" in request:
        return tuple(_digits("files", prefix, part, TREE) for prefix in _longer(request["files"], 1))
    if "list" in request:
        if len(request["list"]) < LONGEST:  # ten questions, where entries would be a thousand
            return tuple(listing(prefix, part) for prefix in _longer(request["list"], 1))
        longer = _longer(request["list"], FIVE - len(request["list"]))
        return tuple(_digits("ids", prefix, part, unit.partition) for prefix in longer)
    if request["ids"].endswith("%"):
        longer = _longer(request["ids"][:-1], 1)
        return tuple(_digits("ids", prefix, part, unit.partition) for prefix in longer)
    ids = request["ids"].split(",")
    return entries(ids[: len(ids) // 2], unit.partition), entries(ids[len(ids) // 2 :], unit.partition)


def part_of(scope: Scope) -> Part:
    """What of a scope a unit carries."""
    words = {"elements": list(scope.elements), "chemsys": list(scope.chemsys)}
    return {name: symbols for name, symbols in words.items() if symbols}


def scope_of(unit: Unit) -> Scope:
    """The scope that a unit carries, without a limit."""
    return Scope(tuple(unit.request.get("elements", ())), tuple(unit.request.get("chemsys", ())))


def search_of(scope: Scope) -> dict[str, str]:
    """A scope as search parameters of the engine. Raises ValueError for more elements than it takes."""
    asked = scope.elements or scope.chemsys
    if len(asked) > ELEMENTS_MOST:
        raise ValueError(f"a search of this database takes {ELEMENTS_MOST} elements, found {len(asked)}: name fewer")
    search = {f"el{number}": symbol for number, symbol in enumerate(asked, start=1)}
    if scope.chemsys:
        search |= {"strictmin": str(len(asked)), "strictmax": str(len(asked))}
    return search


def _longer(prefix: str, digits: int) -> list[str]:
    return [f"{prefix}{number:0{digits}}" for number in range(10**digits)]


def _digits(kind: str, prefix: str, part: Part, partition: str) -> Unit:
    if ID.fullmatch(prefix):
        return _one(kind, prefix, part, partition)
    asked = prefix + ("%" if kind == "ids" else "")
    return Unit(f"{kind}={asked}", {kind: asked, **part}, partition)


def _one(kind: str, entry: str, part: Part, partition: str) -> Unit:
    """One entry, which may be given up; what stands behind `#` is its id in `rejects`."""
    return Unit(f"{kind}#{entry}", {kind: entry, **part}, partition, alone=True)
