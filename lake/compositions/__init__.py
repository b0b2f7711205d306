"""Compositions: what a formula alone tells of a material. Its price, how rare it is, who supplies it, its hazards.

What is known of an element stands in a file for each question; `composition.py` makes it a row for each formula.
"""

from lake.compositions.composition import compositions
from lake.compositions.write import write_compositions

__all__ = ["compositions", "write_compositions"]
