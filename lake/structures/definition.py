"""The definition of "the same crystal": its kinds of difference, and how much of each it tolerates.

Two crystals are the same where their reduced formulas are equal and one turns into the other by a rigid motion or a
reflection, another choice of cell, another origin, another order of sites, and by no more of three kinds of change than
stands here. In words, with pictures of the border: docs/identity.md. Every decision cites RULE.
"""

from __future__ import annotations

from dataclasses import dataclass

RULE = "identity v2"
ROUNDING = 1e-6  # a change of exactly the tolerated size is tolerated, whatever the last digits of its numbers are


@dataclass(frozen=True)
class Tolerances:
    """How much of each kind of change leaves a crystal the same.

    scale: uniform scaling in length; 0.03 is 3 %, either way.
    strain: what other strain there is, along the direction where it is largest; 0.02 is 2 %, longer or shorter.
    displacement: of the atom that moves most, in A, where origins are laid as well as they can be.
    """

    scale: float = 0.03
    strain: float = 0.02
    displacement: float = 0.05

    def held(self, scale: float, strain: float, displacement: float) -> dict[str, float]:
        """What these measurements (`lake/structures/superpose.py`) are held against each tolerance as."""
        longer = 1 + scale if scale > 0 else 1 / (1 + scale)
        return {"scale": longer - 1, "strain": strain, "displacement": displacement}

    def exceeded(self, scale: float, strain: float, displacement: float) -> str | None:
        """The first tolerance that these measurements exceed; None where none is."""
        held = self.held(scale, strain, displacement)
        return next((name for name, size in held.items() if size > getattr(self, name) * (1 + ROUNDING)), None)


SAME = Tolerances()
