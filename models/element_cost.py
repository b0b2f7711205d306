"""What the elements of a compound cost, in USD/kg, from pymatgen's price list.

The prices are those of `pymatgen.analysis.cost` (costdb_elements.csv): most from Wolfram Alpha, the rest from
Wikipedia and a few single pages, dated September 2013 to June 2020 and cited there row by row. They are prices of
elements, not of crystals: diamond costs what carbon costs, growth and purity cost nothing, and fluorine is priced as
the pure gas, which makes every fluoride look dear. Good for orders of magnitude, not for a purchase.
"""

from __future__ import annotations

from functools import cache

PRICE_LIST = "pymatgen.analysis.cost, element prices dated 2013 to 2020"


@cache
def element_cost(formula: str) -> float | None:
    """Price of a formula's elements by mass, USD per kg of compound; None where an element has no price.

    The mass-weighted mean of its elements' prices, which is what CostAnalyzer finds on a list of pure elements.
    """
    from pymatgen.core import Composition

    composition = Composition(formula)
    prices = {element: _price(element.symbol) for element in composition.elements}
    if None in prices.values():
        return None
    return float(sum(composition.get_wt_fraction(element) * price for element, price in prices.items()))


@cache
def _price(symbol: str) -> float | None:
    import warnings

    from pymatgen.analysis.cost import CostAnalyzer, CostDBElements
    from pymatgen.core import Element

    # pymatgen warns of noble gases without electronegativity, which no price needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        prices = CostDBElements()
        return CostAnalyzer(prices).get_cost_per_kg(symbol) if prices.get_entries([Element(symbol)]) else None
