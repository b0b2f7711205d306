"""Plan: which properties and methods are compared, and what each may spend. No torch here.

Equal budget. A task's own decoder takes as many gradient steps in every method. Alone, a step has `batch` labelled rows
of the task. Together, a step draws `joint_batch` rows, a task as often as any other (temperature): with the tasks below
and at most 6,000 labels each, a step of 256 rows has 48 (thermal conductivity) to 142 (formation energy) labels of each
task in the mean, where a run alone has 64. So a joint run walks as many graphs as four runs of one task, half of what
all eight take, and no task learns from more steps, nor any from a step without it.
The learning rate of each method is chosen among the same few on validation, by runs of a seed that is in no comparison;
alone, each property has its own. AdaShare's search and the drawn policies that are not kept come on top, and so do the
encoders that `experts` begins with (they are the single runs): their seconds are told beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec

from models.recipe import Recipe
from models.sharing import SHARINGS
from models.stages import stages

# big ones and small ones of the Materials Project's tables of 2018 and of AFLOW, each of a physics of its own: no two
# of them come out of one calculation. So the low-data curve's stiffness is not told by another tensor component.
TASKS = (
    "formation_energy_per_atom_mp2018", "band_gap", "magnetization_per_atom", "seebeck_coefficient_p", "bulk_modulus",
    "thermal_conductivity_agl", "last_phonon_dos_peak", "static_dielectric_constant",
)  # fmt: skip
BIG = TASKS[:4]  # what `experts` begins with
LOW = "bulk_modulus"  # of the low-data curve: bonding decides it, and bonding is what the big ones tell of
SINGLE, HARD = "single", "hard"
TUNED = 100  # the seed that chooses learning rates and is in no comparison
TEMPERATURE = 100.0


@dataclass(frozen=True)
class Budget:
    """What a run may spend.

    size: further fields of Recipe.  batch, joint_batch: rows of a step.  rates: learning rates that are tried; the
    first is taken where there is no other.  counts: labels of the low-data curve.
    """

    size: Mapping[str, object]
    batch: int = 64
    joint_batch: int = 256
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rates: tuple[float, ...] = (3e-3, 1e-3)
    counts: tuple[int, ...] = (50, 100, 300, 1000)


BUDGETS: Mapping[str, Budget] = {
    "sample": Budget({"width": 16, "gnn_layers": 2, "steps": 60, "loss": "huber"}, 16, 32, (0, 1), (5e-3,), (10,)),
    "real": Budget({"width": 64, "gnn_layers": 3, "steps": 800, "loss": "huber", "limit": 6000}),
}


def methods() -> list[str]:
    """Names of the ways of sharing whose files are there; `single` first."""
    return [name for name, told in SHARINGS.items() if find_spec(told.split(":")[0])]


@dataclass(frozen=True)
class Trial:
    """One method with one seed: a run, or the few that it takes in turn.

    labels: so many of the task LOW, 0 for all that there are.  sources: single ones that it begins with.
    """

    method: str
    tasks: tuple[str, ...]
    seed: int
    rate: float
    labels: int = 0
    sources: tuple[Trial, ...] = ()
    budget: str = "real"

    @cached_property
    def recipe(self) -> Recipe:
        """What is trained; what follows from it is in `stages`."""
        spent = BUDGETS[self.budget]
        batch = spent.batch if self.method == SINGLE else spent.joint_batch
        drawn = None if self.method == SINGLE else TEMPERATURE
        told = Recipe(
            self.tasks, seed=self.seed, sharing=self.method, learning_rate=self.rate, batch_size=batch,
            temperature=drawn, **spent.size,
        )  # fmt: skip
        return replace(told, starts=tuple(source.recipe.slug for source in self.sources))

    @cached_property
    def stages(self) -> list[list[Recipe]]:
        """The runs in turn; while rates are chosen, one candidate of the last stage is enough."""
        found = stages(self.recipe)
        return [*found[:-1], found[-1][:1]] if self.seed == TUNED else found

    @property
    def words(self) -> str:
        """For a line of progress."""
        what = self.tasks[0] if len(self.tasks) == 1 else f"{len(self.tasks)} tasks"
        few = f", {self.labels} labels of {LOW}" if self.labels else ""
        return f"{self.method} of {what}, seed {self.seed}, rate {self.rate:g}{few}"
