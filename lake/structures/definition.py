"""The definition of "the same crystal": its kinds of difference, and how much of each it tolerates.

Two crystals are the same where their reduced formulas are equal and one turns into the other by a rigid motion or a
reflection, another choice of cell, another origin, another order of sites, and by no more of three kinds of change than
stands here. In words, with pictures of the border: docs/identity.md. Every decision cites RULE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RULE = "identity v2"
ROUNDING = 1e-3  # relative; a change of exactly the tolerated size is tolerated, to the accuracy it is measured with


@dataclass(frozen=True)
class Tolerances:
    """How much of each kind of change leaves a crystal the same.

    scale: uniform scaling in length, as a part of the larger crystal; 0.03 is 3 %.
    strain: other strain, longer along some directions and shorter along others than their middle; 0.02 is 2 % each way.
    displacement: of the atom that moves most, in A, where origins are laid as well as they can be.
    """

    scale: float = 0.03
    strain: float = 0.02
    displacement: float = 0.05

    def held(self, scale: float, strain: float, displacement: float) -> dict[str, float]:
        """What these measurements (`lake/structures/superpose.py`) are held against each tolerance as.

        The scale is told by the volumes, and a strain along one direction alone changes those too. Such a strain of the
        tolerated size is measured as half of it, longer and shorter than their middle, and makes two thirds of that in
        scale: so much is allowed on top, and no more.
        """
        alone = min(math.log1p(strain), math.log1p(self.strain) / 2)
        uniform = abs(math.log1p(scale)) - alone * 2 / 3
        return {"scale": -math.expm1(-uniform), "strain": strain, "displacement": displacement}

    def exceeded(self, scale: float, strain: float, displacement: float) -> str | None:
        """The first tolerance that these measurements exceed; None where none is."""
        held = self.held(scale, strain, displacement)
        return next((name for name, size in held.items() if size > getattr(self, name) * (1 + ROUNDING)), None)


SAME = Tolerances()
