"""Whether two entries are the same crystal: what is measured, and the row that records measurements and verdict.

Cheapest first: two fingerprints that are too far apart refuse; then one crystal is laid onto the other, and what that
takes is held against the definition (definition.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lake.crystal import Crystal
from lake.shards import shard_of
from lake.structures import fingerprint as fp
from lake.structures.cell import Cell
from lake.structures.definition import RULE, SAME
from lake.structures.primitive import Folded, primitive
from lake.structures.superpose import VERSION as SUPERPOSITION
from lake.structures.superpose import Superposition, superpose

METHOD = f"{fp.VERSION}; {SUPERPOSITION}"
EVEN = 1e-5  # A; copies that agree to the last digits told are one, and the smallest cell stands for the crystal


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
        """Of the crystal, or an empty array where the structure has none: it then resembles nothing."""
        try:
            return fp.fingerprint(self.crystal)
        except (ValueError, np.linalg.LinAlgError):
            return np.empty(0)

    @cached_property
    def whole(self) -> Cell:
        """The cell as told, in short vectors."""
        return Cell.of(self.crystal)

    @cached_property
    def folded(self) -> Folded:
        """The smallest cell, its copies averaged."""
        return primitive(self.whole)


def distance(one: Candidate, other: Candidate) -> float:
    """Fingerprint distance, infinite where one of the two has no fingerprint."""
    return fp.distance(one.fingerprint, other.fingerprint) if one.fingerprint.size else math.inf


def compare(representative: Candidate, entry: Candidate) -> dict[str, object]:
    """Decide whether both are the same crystal: one row of the `matches` table, verdict in `same`.

    `decided_by` is `superposition` where they are; else what refuses: `no fingerprint`, `fingerprint`,
    `no superposition`, or the tolerance that is exceeded: `scale`, `strain`, `displacement`.
    """
    apart, measured = distance(representative, entry), None
    if math.isinf(apart):
        refused = "no fingerprint"
    elif apart > fp.RADIUS:
        refused = "fingerprint"
    elif (measured := superposition(representative, entry)) is None:
        refused = "no superposition"
    else:
        refused = SAME.exceeded(measured.scale, measured.strain, measured.displacement)
    ratio = entry.volume_per_atom / representative.volume_per_atom if representative.volume_per_atom else math.inf
    return {
        "entry_a": representative.entry_id,
        "entry_b": entry.entry_id,
        "reduced_formula": entry.formula,
        "shard": shard_of(entry.formula),
        "structure_a": representative.crystal.structure_hash,
        "structure_b": entry.crystal.structure_hash,
        "fingerprint_distance": apart,
        "volume_ratio": ratio,
        **(measured or NOTHING)._asdict(),
        "same": refused is None,
        "decided_by": refused or "superposition",
        "rule": RULE,
        "method": METHOD,
    }


NOTHING = Superposition(None, None, None, None)


def superposition(one: Candidate, other: Candidate) -> Superposition | None:
    """What it takes to turn one into the other; None where nothing within reach does.

    The smallest cell of a crystal whose copies differ is their mean. So that no distortion is lost in it, such a
    crystal is taken as it was told, and laid onto the smallest cell of the other and onto the other as told.
    """
    even, rough = sorted((one, other), key=lambda candidate: candidate.folded.spread)
    cells = [(even.folded.cell, rough.folded.cell)]
    if rough.folded.spread > EVEN:
        cells = [(even.folded.cell, rough.whole)]
    if even.folded.spread > EVEN:
        cells.append((even.whole, rough.whole))
    found = min((laid for pair in cells if (laid := superpose(*pair))), key=_largest_part, default=None)
    return found if found is None or even is one else found._replace(scale=1 / (1 + found.scale) - 1)


def _largest_part(found: Superposition) -> float:
    return max(found.strain / SAME.strain, found.displacement / SAME.displacement)
