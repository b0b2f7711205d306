"""Why a structure is refused: the kinds, each the first words of its reasons, so that SQL can count them.

    select split_part(reason, ':', 1) as kind, count(*) from rejects group by all

What belongs here: the kinds and nothing else. Who finds one writes the rest of the sentence: the rule, and what was
found.
"""

from __future__ import annotations

from enum import StrEnum

from lake.crystal import CrystalError


class Refusal(StrEnum):
    """What keeps a text from being one crystal; some of these, told well, keep it only from being an ordered one."""

    NO_CIF = "no CIF"  # the text does not parse, or has no data block
    WITHDRAWN = "withdrawn"  # retracted, as the database itself says
    KNOWN_ERRORS = "known errors"  # the database itself says that the entry is wrong
    NO_CELL = "no cell"  # lengths or angles are absent, or span no volume
    MODULATED = "modulated structure"  # only its average would fit one cell
    NO_COORDINATES = "no coordinates"  # none at all, or none for some atoms
    DUMMY_ATOMS = "dummy atoms"  # sites that stand for no atom
    DISORDER = "disorder"  # sites in disorder groups or assemblies: alternatives, not all there at once
    MIXED_OCCUPANCY = "mixed occupancy"  # two elements share one position
    VACANCIES = "vacancies"  # sites that the text itself calls empty
    PARTIAL_OCCUPANCY = "partial occupancy"  # one element, in some cells there and in some not
    IMPOSSIBLE_OCCUPANCY = "impossible occupancy"  # above 1, or below 0
    UNKNOWN_ELEMENT = "unknown element"  # a symbol or label that names none
    NO_SYMMETRY = "no symmetry"  # none is told, or none that is known
    TOO_LARGE = "too large"  # more sites than a cell has
    MISSING_HYDROGENS = "missing hydrogens"  # of the formula, but not located
    MISSING_ATOMS = "missing atoms"  # other elements of the formula that were not located
    OTHER_FORMULA = "other formula"  # atoms that are not in the formula's proportions

    def told(self, words: str) -> CrystalError:
        """The error to raise, its message beginning with the kind."""
        return CrystalError(f"{self}: {words}")
