"""One composition, five spellings: each database writes formulas its own way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import gcd

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def reduced(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts divided by their greatest common divisor, elements in alphabetical order."""
    divisor = reduce(gcd, counts.values())
    return {element: counts[element] // divisor for element in sorted(counts)}


def joined(counts: Mapping[str, int], ones: bool = False, between: str = "") -> str:
    """`Al2O3`; with ones `Al2O3C1`; between is what stands between elements."""
    return between.join(element + (str(n) if n > 1 or ones else "") for element, n in counts.items())


def hill(counts: Mapping[str, int]) -> str:
    """Hill order with spaces, as COD writes it: carbon, hydrogen, then the alphabet; `C2 Al Ti3`."""
    first = [element for element in ("C", "H") if "C" in counts and element in counts]
    order = first + [element for element in sorted(counts) if element not in first]
    return joined({element: counts[element] for element in order}, between=" ")


def anonymous(counts: Mapping[str, int], largest_first: bool) -> str:
    """`A2B3` (Materials Project, smallest first) or `A3B2` (OPTIMADE, largest first) of the reduced formula."""
    amounts = sorted(reduced(counts).values(), reverse=largest_first)
    return "".join(letter + (str(n) if n > 1 else "") for letter, n in zip(LETTERS, amounts, strict=False))
