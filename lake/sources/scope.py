"""Scope: which part of a database a crawl asks for. All of it, unless somebody asked for less."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lake.crystal import NUMBER


@dataclass(frozen=True)
class Scope:
    """A part of a database; without any word, all of it.

    elements: symbols that a record must hold, whatever else it holds. chemsys: symbols that it holds exactly, sorted.
    limit: at most so many records, the first that come. column: only this field, of the records the lake knows.
    Raises ValueError for a symbol that is no element, for elements beside a chemsys, and for a limit below 1.
    """

    elements: tuple[str, ...] = ()
    chemsys: tuple[str, ...] = ()
    limit: int | None = None
    column: str = ""

    def __post_init__(self) -> None:
        strange = [symbol for symbol in (*self.elements, *self.chemsys) if symbol not in NUMBER]
        if strange:
            raise ValueError(f"a scope needs element symbols, found {', '.join(strange)}: write them as Mg,O or Mg-O")
        if self.elements and self.chemsys:
            raise ValueError("a scope names elements or a chemical system, found both: a system says all of it")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"a limit counts records, found {self.limit}: leave it out for all of them")
        object.__setattr__(self, "elements", tuple(sorted(set(self.elements))))
        object.__setattr__(self, "chemsys", tuple(sorted(set(self.chemsys))))

    @classmethod
    def of(cls, elements: str = "", chemsys: str = "", limit: int | None = None, column: str = "") -> Scope:
        """A scope from words: elements as `Mg,O`, a chemical system as `Mg-O`, 0 or None for no limit."""
        symbols = tuple(symbol.strip() for symbol in elements.split(",") if symbol.strip())
        system = tuple(symbol.strip() for symbol in chemsys.split("-") if symbol.strip())
        return cls(symbols, system, limit or None, column.strip())

    @property
    def whole(self) -> bool:
        """Whether nothing is left out: only such a crawl can say what is gone."""
        return self == Scope()

    def holds(self, symbols: Iterable[str]) -> bool:
        """Whether a crystal of these elements belongs to it: for databases that cannot be asked by element."""
        found = set(symbols)
        return found == set(self.chemsys) if self.chemsys else found >= set(self.elements)

    def __str__(self) -> str:
        """As the ledger writes it: `elements=Mg,O limit=100`; empty for all."""
        words = {
            "elements": ",".join(self.elements),
            "chemsys": "-".join(self.chemsys),
            "limit": str(self.limit or ""),
            "column": self.column,
        }
        return " ".join(f"{name}={value}" for name, value in words.items() if value)


WHOLE = Scope()
