"""World: a planted benchmark as something that runs are asked of; every process makes it anew from dials and seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from models.planted.dials import Dials

if TYPE_CHECKING:
    from models.planted.planted import Planted
    from models.transfer_map.problem import Problem


@dataclass(frozen=True)
class PlantedWorld:
    """The benchmark of these dials and this seed; one split, the same for the runs of all seeds."""

    dials: Dials
    seed: int = 0

    @property
    def planted(self) -> Planted:
        """The whole benchmark, truth and all; kept."""
        return _made(self)

    def problem(self, seed: int) -> Problem:
        """What a method may see, whatever the seed of the run."""
        return _seen(self)


@lru_cache(maxsize=2)
def _made(world: PlantedWorld) -> Planted:
    from models.planted.planted import planted

    return planted(world.dials, world.seed)


@lru_cache(maxsize=2)
def _seen(world: PlantedWorld) -> Problem:
    return _made(world).problem()
