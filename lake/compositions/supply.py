"""In how few countries elements are produced and lie in the ground: Herfindahl-Hirschman indices, pymatgen's table.

The index is the sum of squared shares in per cent: 10,000 where one country has all, below 1,500 where many have some;
above 2,500 the US Department of Justice calls a market highly concentrated. The table (`pymatgen.analysis.hhi`) is that
of Gaultois et al., Chem. Mater. 25, 2911 (2013), doi:10.1021/cm400893e, which weights elements in a compound by mass.
It has one value for all rare earths, one for the platinum metals Ru, Rh, Pd and one for Os, Ir, Pt; and none for
hydrogen, the noble gases beyond helium, and the elements beyond bismuth.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Supply(NamedTuple):
    """Herfindahl-Hirschman indices, 0 to 10,000. production: of what is produced a year. reserve: of known reserves."""

    production: float
    reserve: float


@cache
def supply() -> dict[str, Supply]:
    """Element symbol -> its indices, of the elements that the table knows."""
    from pymatgen.analysis.hhi import HHIModel

    return {symbol: Supply(*indices) for symbol, indices in HHIModel().symbol_hhip_hhir.items()}
