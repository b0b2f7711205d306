"""Parts of a database of crystals, small enough to be paged through: by number of elements, then of sites.

What belongs here: which parts there are, and that together they are the whole. How a part is asked for is each
interface's own language; how its pages are walked belongs to offsets.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lake.sources.scope import Scope

LARGEST = 20_000  # records in a part: an offset makes a server count through all before it
MOST_ELEMENTS = 7  # so many elements and more are one part
MOST_SITES = 1000  # beyond this a part is not divided by sites

Range = tuple[int, int | None]  # both ends belong to it; None where it has no end
Count = Callable[["Part"], int | None]


@dataclass(frozen=True)
class Part:
    """The records that hold these elements, whose numbers of elements and of sites lie in these ranges."""

    elements: tuple[str, ...] = ()
    nelements: Range = (1, None)
    nsites: Range = (1, None)

    @classmethod
    def of(cls, scope: Scope) -> Part:
        """All that a scope asks for."""
        n = len(scope.chemsys)
        return cls(scope.chemsys, (n, n)) if n else cls(scope.elements)

    def __str__(self) -> str:
        """As a ledger names it: `elements=Mg,O nelements=2 nsites=5-8`; `all` for everything."""
        words = [f"elements={','.join(self.elements)}"] if self.elements else []
        for name, ends in (("nelements", self.nelements), ("nsites", self.nsites)):
            if ends != (1, None):
                low, high = ends
                words.append(f"{name}={low}" if low == high else f"{name}={low}-{'' if high is None else high}")
        return " ".join(words) or "all"

    def pieces(self) -> tuple[Part, ...]:
        """Smaller parts that together are this one; none where it cannot be divided."""
        if self.nelements == (1, None):
            ends = [(n, n) for n in range(1, MOST_ELEMENTS)] + [(MOST_ELEMENTS, None)]
            return tuple(replace(self, nelements=range_) for range_ in ends)
        low, high = self.nsites
        if high == low or (high is None and low > MOST_SITES):
            return ()
        middle = 2 * low if high is None else (low + high) // 2
        return replace(self, nsites=(low, middle)), replace(self, nsites=(middle + 1, high))


def parts(whole: Part, count: Count, limit: int | None = None) -> Iterator[tuple[Part, int | None]]:
    """Parts of at most LARGEST records, with their number, where they can be made; None where nobody can say.

    A part whose pieces do not add up to it stays in one piece: some of its records have no such number.
    limit: where fewer records than that are wanted, the first of the whole will do.
    """
    n = count(whole)
    if n is not None and limit is not None and limit <= LARGEST:
        yield whole, min(n, limit)
    else:
        yield from _divided(whole, n, count)


def _divided(part: Part, n: int | None, count: Count) -> Iterator[tuple[Part, int | None]]:
    pieces = part.pieces() if n is not None and n > LARGEST else ()
    counts = [count(piece) for piece in pieces]
    if not pieces or None in counts or sum(counts) != n:
        yield part, n
        return
    for piece, m in zip(pieces, counts, strict=True):
        if m:
            yield from _divided(piece, m, count)
