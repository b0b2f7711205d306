"""What elements cost, from pymatgen's price list.

The prices are those of `pymatgen.analysis.cost` (costdb_elements.csv): most from Wolfram Alpha, the rest from
Wikipedia and a few single pages, dated September 2013 to June 2020 and cited there row by row. They are prices of
elements, not of crystals: diamond costs what carbon costs, growth and purity cost nothing, and fluorine is priced as
the pure gas, which makes every fluoride look dear. Good for orders of magnitude, not for a purchase.
"""

from __future__ import annotations

import warnings
from functools import cache

from lake.crystal import SYMBOLS


@cache
def prices() -> dict[str, float]:
    """Element symbol -> USD/kg, of the elements that the list prices; actinides are mostly missing."""
    from pymatgen.analysis.cost import CostAnalyzer, CostDBElements
    from pymatgen.core import Element

    # pymatgen warns of noble gases without electronegativity, which no price needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        listed = CostDBElements()
        analyzer = CostAnalyzer(listed)
        return {
            symbol: analyzer.get_cost_per_kg(symbol) for symbol in SYMBOLS[1:] if listed.get_entries([Element(symbol)])
        }
