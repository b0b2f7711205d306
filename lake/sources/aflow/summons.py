"""How a question to AFLUX is written, and how AFLOW is cut into parts that keep every question small.

What belongs here: the words of a summons. Asking belongs to source.py, what a row says to rows.py.
Grammar: Rose et al., doi:10.1016/j.commatsci.2017.04.036; `,` and, `!` not, `*` any value, `$` asked but not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lake.crystal import SYMBOLS
from lake.sources.scope import Scope

GRAMMAR = "(),:*!$'"  # characters that AFLUX reads as they are; URLs must stay below 8000 characters
CATALOGS = ("ICSD", *(f"LIB{n}" for n in range(10)))  # AFLOW counts a LIB0 too; an empty catalog costs one question
ELEMENTS = sorted(SYMBOLS[1:95])  # H to Pu, by the alphabet, as AFLOW sorts the species of a row

Where = Mapping[str, str]  # keyword -> its argument: `{"catalog": "LIB2", "species": "Li,!Ac"}`


def summons(columns: Sequence[str], where: Where, page: int, size: int) -> str:
    """Page `page` (from 1) of `size` rows that hold to `where`, each telling auid and columns.

    `auid` stands first, since AFLUX sorts by the first keyword. What filters and is no column is muted.
    """
    told = ("auid", *columns)
    words = [f"{keyword}({where[keyword]})" if keyword in where else keyword for keyword in told]
    muted = [f"${keyword}({argument})" for keyword, argument in where.items() if keyword not in told]
    return ",".join([*words, *muted, f"paging({page},{size})"])


def any_of(auids: Sequence[str]) -> str:
    """The argument that stands for any of these ids."""
    return ":".join(f"'{auid}'" for auid in auids)


def catalogs_of(scope: Scope) -> Iterator[tuple[str, Where]]:
    """Name and filter of each catalog, of its rows that belong to the scope."""
    symbols = scope.chemsys or scope.elements
    species = {"species": ",".join(symbols)} if symbols else {}
    exactly = {"nspecies": str(len(symbols))} if scope.chemsys else {}
    for catalog in CATALOGS:
        yield catalog, {"catalog": catalog, **species, **exactly}


def parts_of(name: str, where: Where) -> Iterator[tuple[str, Where]]:
    """A part of AFLOW cut by species, so that each of its rows falls into exactly one piece.

    A row belongs to the first of its species, by the alphabet, that not all rows of the part hold: the piece `Li` asks
    for Li and for none of Ac, Ag, Al ... La. The last piece has the rows that hold no further species.
    """
    held = _species(where)
    others = [element for element in ELEMENTS if element not in held]
    for n, element in enumerate(others):
        yield f"{name}/{element}", {**where, "species": _all_but([*held, element], others[:n])}
    yield f"{name}/others", {**where, "species": _all_but(held, others)}


def with_and_without(where: Where, element: str) -> tuple[Where, Where]:
    """The rows of a part that hold an element, and those that do not."""
    held = _species(where)
    return {**where, "species": _all_but([*held, element], [])}, {**where, "species": _all_but(held, [element])}


def _species(where: Where) -> list[str]:
    return [symbol for symbol in where.get("species", "").split(",") if symbol]


def _all_but(held: Sequence[str], barred: Sequence[str]) -> str:
    return ",".join([*held, *(f"!{symbol}" for symbol in barred)])
