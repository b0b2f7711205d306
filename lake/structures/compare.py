"""Whether two entries are the same crystal: the decision, its tolerances, and the row that records it.

The same means: equal up to rigid motion, choice of cell, origin, order of sites, uniform scaling to 3 % in length,
anisotropic strain to 2 %, and displacements to 0.05 A. Three tests, cheapest first; each may refuse, the last accepts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from lake.crystal import Crystal
from lake.shards import shard_of
from lake.structures import fingerprint as fp
from lake.structures.definition import RULE
from lake.structures.primitive import primitive

if TYPE_CHECKING:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Structure

# 3 % in length is 9 % in volume; PBE against experiment, and one magnetic state against another, go up to 12 %
LARGEST_VOLUME_RATIO = 1.12
# On 1,500 real crystals, 2 % of strain with 0.05 A of noise moves the fingerprint by 0.063 (99 of 100), 0.081 at most.
# Of AFLOW's pairs with Materials Project beyond 0.1, one in twenty passes the matcher below, and those are distortions.
LARGEST_DISTANCE = 0.10
# Beyond it the matcher is asked for the rms too: eight times the work, and below it there is little to learn
PLAIN_DISTANCE = 0.02
# Cell edges may differ by 7 %, angles by 3 degrees, sites by 0.1 (volume per atom)^(1/3), about 0.2 A: pymatgen's own
# 0.2, 5 and 0.3 join cubic with tetragonal phases and polytypes of one stacking family.
MATCHER = {"ltol": 0.07, "stol": 0.1, "angle_tol": 3, "scale": True, "attempt_supercell": False}


@dataclass(eq=False)
class Candidate:
    """An entry, ready to be compared; what is costly is computed once and kept."""

    entry_id: str
    source: str
    formula: str
    crystal: Crystal = field(repr=False)

    @cached_property
    def volume_per_atom(self) -> float:
        """In A^3."""
        return self.crystal.volume / len(self.crystal)

    @cached_property
    def fingerprint(self) -> np.ndarray:
        """Shape (s, s, K), or an empty array where the structure has none: it then resembles nothing."""
        try:
            return fp.fingerprint(self.crystal)
        except Exception:  # whatever a broken structure breaks, the entry stays, as a material of its own
            return np.empty(0)

    @cached_property
    def whole(self) -> Structure:
        """The cell as told, Niggli reduced as the matcher wants it."""
        return self.crystal.to_pymatgen().get_reduced_structure()

    @cached_property
    def primitive(self) -> Structure:
        """The smallest cell, Niggli reduced."""
        return primitive(self.crystal).to_pymatgen().get_reduced_structure()


def distance(one: Candidate, other: Candidate) -> float:
    """Fingerprint distance, infinity where one of the two has no fingerprint."""
    return fp.distance(one.fingerprint, other.fingerprint) if one.fingerprint.size else math.inf


def compare(representative: Candidate, entry: Candidate) -> dict[str, object]:
    """Decide whether both are the same crystal: one row of the `matches` table, verdict in `same`."""
    apart = distance(representative, entry)
    ratio = entry.volume_per_atom / representative.volume_per_atom if representative.volume_per_atom else math.inf
    same, rms = False, None
    if math.isinf(apart):
        decided_by = "no fingerprint, kept apart"
    elif not 1 / LARGEST_VOLUME_RATIO <= ratio <= LARGEST_VOLUME_RATIO:
        decided_by = f"volume ratio beyond {LARGEST_VOLUME_RATIO}"
    elif apart > LARGEST_DISTANCE:
        decided_by = f"fingerprint beyond {LARGEST_DISTANCE}"
    else:
        same, rms, decided_by = _matched(representative, entry, ask_rms=apart > PLAIN_DISTANCE)
    return {
        "entry_a": representative.entry_id,
        "entry_b": entry.entry_id,
        "reduced_formula": entry.formula,
        "shard": shard_of(entry.formula),
        "structure_a": representative.crystal.structure_hash,
        "structure_b": entry.crystal.structure_hash,
        "fingerprint_distance": apart,
        "rms": rms,
        "volume_ratio": ratio,
        "same": same,
        "decided_by": decided_by,
        "rule": RULE,
        "method": method(),
    }


def method() -> str:
    """Versions of what decides."""
    return f"{fp.VERSION}; {_matcher_version()}"


def _matched(one: Candidate, other: Candidate, ask_rms: bool) -> tuple[bool, float | None, str]:
    """The matcher's verdict, its rms displacement where asked, and the words for what it did."""
    try:
        pair = one.primitive, other.primitive
        if len(pair[0]) != len(pair[1]) and len(one.crystal) == len(other.crystal):
            # on the edge of the tolerance, only one of two equal cells was halved: compare them as they are
            pair = one.whole, other.whole
        if len(pair[0]) != len(pair[1]):
            return False, None, "primitive cells hold different numbers of atoms"
        same = _matcher().fit(*pair, skip_structure_reduction=True)
        found = _matcher().get_rms_dist(*pair) if same and ask_rms else None
    except Exception as error:  # a matcher that breaks joins nothing
        return False, None, f"matcher failed ({type(error).__name__}: {error}), kept apart"
    return same, (None if found is None else float(found[0])), "StructureMatcher"


@cache
def _matcher() -> StructureMatcher:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    return StructureMatcher(primitive_cell=False, **MATCHER)


@cache
def _matcher_version() -> str:
    from importlib.metadata import version

    return "pymatgen " + version("pymatgen")
