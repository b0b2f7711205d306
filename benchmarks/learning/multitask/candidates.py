"""Candidates: the recipes that are tried for a set; what they begin with, how much of it may move, in what company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import MappingProxyType

from models.recipe import Recipe

MOST = 20  # recipes per set: what the study allows itself

_SHEETS = ("jarvis_2d_dielectric_opt", "jarvis_2d_dielectric_tbmbj", "jarvis_2d_eform", "jarvis_2d_exfoliation",
           "jarvis_2d_gap_opt", "jarvis_2d_gap_tbmbj")  # fmt: skip
_FIELDS = ("mp_eps_electronic", "mp_eps_total", "mp_poly_electronic", "mp_poly_total", "mp_phonons",
           "piezoelectric_tensor")  # fmt: skip
_ELASTIC = ("mp_poisson_ratio", "mp_elastic_anisotropy")
# sets whose crystals or physics are akin: they may learn together
GROUPS = tuple(tuple(f"chang2022.{key}" for key in keys) for keys in (_SHEETS, _FIELDS, _ELASTIC))
EXPERTS = ("dense-64", "eight-64", "energies-64", "electrons-64", "moduli-64")

# the source whose properties are nearest to a set's
KIN: Mapping[str, str] = MappingProxyType({
    **dict.fromkeys(("expt_eform", "jarvis_2d_eform", "jarvis_2d_exfoliation"), "energies-64"),
    **dict.fromkeys(("jarvis_2d_dielectric_opt", "jarvis_2d_dielectric_tbmbj", "jarvis_2d_gap_opt",
                     "jarvis_2d_gap_tbmbj", "mp_eps_electronic", "mp_eps_total", "mp_poly_electronic",
                     "mp_poly_total"), "electrons-64"),
    **dict.fromkeys((*_ELASTIC, "mp_phonons", "piezoelectric_tensor"), "moduli-64"),
})  # fmt: skip

ALONE: dict[str, object] = {"sharing": "single", "batch_size": 32, "learning_rate": 3e-3}
JOINT = ALONE | {"sharing": "hard", "batch_size": 64, "epochs": 40}


@dataclass(frozen=True)
class Candidate:
    """sources: names among the study's, one but for a mixture.  joint: whether the sets of its group learn with it."""

    sources: tuple[str, ...]
    joint: bool = False
    fields: Mapping[str, object] = field(default_factory=dict)

    def recipe(self, name: str, known: Mapping[str, Recipe]) -> Recipe:
        """Of seed 0, for the set of that name; known: the recipes of the sources."""
        sources = [known[source] for source in self.sources]
        size = {"width": sources[0].width, "gnn_layers": sources[0].gnn_layers}
        tasks = (name, *(group_of(name) if self.joint else ()))
        base = JOINT if self.joint else ALONE | {"epochs": epochs(name)}
        return Recipe(tasks, **{**base, **size, "starts": tuple(s.slug for s in sources), **self.fields})


def group_of(name: str) -> tuple[str, ...]:
    """The sets that may learn with this one, itself left out."""
    return tuple(other for group in GROUPS if name in group for other in group if other != name)


def epochs(name: str) -> int:
    """Of a run alone: the sets of sheets have half as many crystals as the others."""
    return 120 if name in GROUPS[0] else 100


def candidates(name: str) -> list[Candidate]:
    """What is tried for a set; first the plain one."""
    small, eight, large = ("dense-64",), ("eight-64",), ("dense-128",)
    tried = [
        Candidate(small, fields={"start_rate": 0.3}),
        Candidate(small, fields={"start_rate": 0.1}),
        Candidate(small, fields={"start_rate": 1.0}),
        Candidate(small, fields={"start_rate": 0.0}),
        Candidate(small, fields={"start_rate": 0.3, "epochs": 2 * epochs(name)}),
        Candidate(eight, fields={"start_rate": 0.3}),
        Candidate((KIN[name.removeprefix("chang2022.")],), fields={"start_rate": 0.3}),
        Candidate(large, fields={"start_rate": 0.3}),
        Candidate(large, fields={"start_rate": 0.1}),
    ]
    if group_of(name):
        tried += [Candidate(sources, True, {"start_rate": 0.3}) for sources in (small, large)]
    if find_spec("models.sharing.experts"):
        tried.append(Candidate(EXPERTS, fields={"sharing": "experts", "decoder_layers": 2}))
    if len(tried) > MOST:
        raise ValueError(f"a set may try {MOST} recipes, found {len(tried)}")
    return tried
