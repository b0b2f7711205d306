"""A decision explained: why two crystals are the same, or are not, in the words of a materials chemist.

What belongs here: a row of `matches` put into words, beside what the definition (docs/identity.md) tolerates. The
decision is `compare.py`, the tolerances are `definition.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lake.crystal import Crystal, CrystalError
from lake.structures.canonical import SYMPREC, canonical
from lake.structures.compare import Candidate, compare
from lake.structures.definition import RULE, SAME
from lake.tables import MATCHES

DEFINITION = "docs/identity.md"
Row = Mapping[str, object]


@dataclass(frozen=True)
class Verdict:
    """What was decided on a pair: `same`, and why, a line each."""

    same: bool
    why: list[str]

    def __str__(self) -> str:
        return "\n".join(["same" if self.same else "different", *self.why])


def verdict(
    a: Candidate, b: Candidate, recorded: Row | None = None, materials: tuple[Row | None, Row | None] = (None, None)
) -> Verdict:
    """Decide on two crystals and say why.

    recorded: the row of MATCHES of these two, either way round, where there is one; else they are compared now.
    materials: rows of MATERIALS, of those that the lake holds them in.
    """
    about = ["", *_portrait("A", a), *_portrait("B", b), ""]
    if a.formula != b.formula:
        composition = [
            f"{a.formula} and {b.formula} are different compositions, so nothing else was compared.",
            *about,
            f"Decided by: reduced formula. Rule: {RULE}, {DEFINITION}.",
        ]
        return Verdict(False, [*composition, *_in_lake(*materials, same=False)])
    row = _from_a(a, recorded) if recorded else MATCHES.frame([compare(a, b)]).row(0, named=True)
    same = bool(row["same"])
    beside = [*_symmetry(a.crystal, b.crystal, same), *_in_lake(*materials, same=same)]
    return Verdict(same, [decision(row), *about, *reasons(row), *beside])


def decision(row: Row) -> str:
    """Why a row of MATCHES says what it says, in a sentence."""
    if row["same"]:
        return "They differ by no more than the definition tolerates."
    held = _held(row)
    sentences = {
        "scale": f"They are scaled by {_percent(held['scale'])} in length: more than {SAME.scale:.0%}.",
        "strain": f"Beside uniform scaling, the cell is strained by {_percent(held['strain'])}: more than "
        f"{SAME.strain:.0%}.",
        "displacement": f"At the best superposition one atom lies {_length(held['displacement'])} off: more than "
        f"{SAME.displacement:g} A.",
        "fingerprint": "Their fingerprints are too far apart: the distances between neighbours differ by more than "
        "tolerated changes can bring about, so no superposition was tried.",
        "no superposition": "No choice of cell and origin lays the lattice and atoms of one onto those of the other.",
        "no fingerprint": "One of them has no fingerprint, its structure is broken: it equals nothing.",
    }
    return sentences.get(str(row["decided_by"]), "They are not the same.")


def reasons(row: Row) -> list[str]:
    """A row of MATCHES told: each measurement beside what is tolerated, then what decided and by which rule."""
    held = _held(row)
    lines = [
        _measured("", "found", "tolerated"),
        _measured("uniform scaling", _percent(held["scale"]), f"{SAME.scale:.0%}"),
        _measured("strain beside it", _percent(held["strain"]), f"{SAME.strain:.0%}"),
        _measured("largest displacement", _length(held["displacement"]), f"{SAME.displacement:g} A"),
        _measured("rms displacement", _length(row["rms"]), "-"),
        _measured("volume per atom, B / A", f"{row['volume_ratio']:.3f}", "-"),
        _measured("fingerprint distance", f"{row['fingerprint_distance']:.4f}", "-"),
    ]
    if None in held.values():
        lines.append("Scaling, strain and displacements could not be measured: there is no superposition.")
    by = f"Decided by: {row['decided_by']}. Rule: {row['rule']}, {DEFINITION}. Measured by: {row['method']}."
    return [*lines, by]


def _held(row: Row) -> Mapping[str, float | None]:
    """Measured sizes as the definition holds them against its tolerances, None where nothing was measured."""
    measured = [row[name] for name in ("scale", "strain", "displacement")]
    if None in measured:
        return dict.fromkeys(("scale", "strain", "displacement"))
    return {name: max(0.0, size) for name, size in SAME.held(*measured).items()}


def _from_a(a: Candidate, row: Row) -> Row:
    """The same measurements told from this entry to the other, whichever way round they were made."""
    if row["entry_a"] == a.entry_id:
        return row
    scale = None if row["scale"] is None else 1 / (1 + row["scale"]) - 1
    return {**row, "scale": scale, "volume_ratio": 1 / row["volume_ratio"]}


def _portrait(letter: str, it: Candidate) -> list[str]:
    crystal = it.crystal
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    return [
        f"{letter}  {it.entry_id}",
        f"   {it.formula}, space group {_space_group(crystal)}, {it.volume_per_atom:.3f} A^3 per atom, "
        f"{_counted(len(crystal), 'atom', 'atoms')} in the cell",
        f"   a {lengths[0]:.4f}  b {lengths[1]:.4f}  c {lengths[2]:.4f} A   alpha {_angle(crystal, 1, 2):.2f}"
        f"  beta {_angle(crystal, 0, 2):.2f}  gamma {_angle(crystal, 0, 1):.2f} degrees",
    ]


def _symmetry(a: Crystal, b: Crystal, same: bool) -> list[str]:
    """Where the space groups say otherwise than the decision: why that is no contradiction."""
    groups = _space_group(a), _space_group(b)
    if same and groups[0] != groups[1]:
        return [f"The space groups differ, but never decide: {SYMPREC} A off its place, an atom lowers the symmetry."]
    if not same and groups[0] == groups[1]:
        return ["The space group is the same, but never decides: many crystals share one."]
    return []


def _in_lake(a: Row | None, b: Row | None, *, same: bool) -> list[str]:
    """Which materials hold them, and why these may say otherwise than the decision on the pair."""
    if not (a and b):
        return [f"In the lake {name} belongs to {it['material_id']}." for name, it in (("A", a), ("B", b)) if it]
    if a["material_id"] != b["material_id"]:
        apart = [f"In the lake A belongs to {a['material_id']}, B to {b['material_id']}."]
        border = "Each joined the nearest representative that it equals: at the border two that are the same may part."
        return [*apart, border] if same else apart
    told = _counted(len(a["members"]), "entry", "entries")
    together = [f"In the lake both belong to {a['material_id']}: {told} of {', '.join(a['sources'])}."]
    chain = f"Both equal the entry that represents it, {a['representative']}, though not each other."
    return together if same else [*together, chain]


def _space_group(crystal: Crystal) -> str:
    try:
        form = canonical(crystal)
    except CrystalError:
        return "unknown"
    loosely = "" if form.symprec == SYMPREC else f", found within {form.symprec} A"
    return f"{form.symbol} ({form.number}{loosely})"


def _measured(name: str, found: str, tolerated: str) -> str:
    return f"{name:<24}{found:>12}{tolerated:>12}"


def _percent(size: object) -> str:
    return "not measured" if size is None else f"{size:.3%}"


def _length(size: object) -> str:
    return "not measured" if size is None else f"{size:.4f} A"


def _angle(crystal: Crystal, one: int, other: int) -> float:
    """Between two cell vectors, in degrees."""
    u, v = crystal.lattice[one], crystal.lattice[other]
    cosine = u @ v / max(np.linalg.norm(u) * np.linalg.norm(v), np.finfo(float).tiny)
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def _counted(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"
