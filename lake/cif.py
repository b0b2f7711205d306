"""CIF text to Crystal and to fields, by gemmi. What a CIF cannot tell us is told as the reason of a CrystalError.

What belongs here: reading one ordered crystal out of a CIF, and refusing all others by name. Where CIFs come from
belongs to `lake/sources`.
"""

from __future__ import annotations

import gemmi
import numpy as np

from lake.crystal import NUMBER, Crystal, CrystalError
from lake.symmetry import expanded, operations_of

FULL = 0.995  # occupancies above this are full: rounding in print
CELL = (*(f"_cell_length_{x}" for x in "abc"), *(f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")))
FORMULA_TOLERANCE = 0.05  # by which an element's share may differ from the formula before atoms count as missing


def crystal_from_cif(text: str) -> Crystal:
    """The first structure of a CIF, symmetry expanded, in the CIF's own cell.

    Raises CrystalError for text that is no CIF, no cell, no atoms, unknown symmetry or symbols, dummy atoms,
    disorder or partial occupancy, and atoms that the formula has and the list lacks.
    """
    block = _block(text)
    lattice = _lattice(block)
    symbols, sites = _sites(block)
    positions, owners = expanded(sites, operations_of(block), lattice)
    crystal = Crystal(lattice, positions, [NUMBER[symbols[owner]] for owner in owners])
    _hold_against_formula(crystal, block)
    return crystal


def cif_fields(text: str) -> dict[str, object]:
    """A CIF's single values by data name: numbers without their uncertainty, text as it stands; no loops.

    Raises CrystalError for text that is no CIF.
    """
    fields: dict[str, object] = {}
    for item in _block(text):
        if item.pair is None or gemmi.cif.is_null(item.pair[1]):
            continue
        name, raw = item.pair
        number = gemmi.cif.as_number(raw)
        fields[name] = gemmi.cif.as_string(raw) if np.isnan(number) else number
    return fields


def _block(text: str) -> gemmi.cif.Block:
    """The first block with atoms, else the first block."""
    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as fault:
        raise CrystalError(f"a CIF must parse, found {' '.join(str(fault).split())}") from None
    if not len(document):
        raise CrystalError("a CIF needs a data block, found none")
    return next((block for block in document if _column(block, "_atom_site_fract_x")), document[0])


def _column(block: gemmi.cif.Block, name: str) -> list[str]:
    return [gemmi.cif.as_string(value) for value in block.find_values(name)]


def _lattice(block: gemmi.cif.Block) -> np.ndarray:
    values = [gemmi.cif.as_number(block.find_value(name) or "?") for name in CELL]
    absent = [name for name, value in zip(CELL, values, strict=True) if not value > 0]
    if absent:
        raise CrystalError(f"a crystal needs a cell, found no usable {', '.join(absent)}")
    lattice = np.array(gemmi.UnitCell(*values).orth.mat.tolist()).T
    if not (np.isfinite(lattice).all() and abs(np.linalg.det(lattice)) > 1e-6):
        raise CrystalError(f"cell lengths and angles must span a volume, found {values}")
    return lattice


def _sites(block: gemmi.cif.Block) -> tuple[list[str], np.ndarray]:
    """Element symbols and fractional positions (n, 3) of the listed atoms, every one ordered and real."""
    columns = [block.find_values(f"_atom_site_fract_{axis}") for axis in "xyz"]
    if not all(len(column) for column in columns):
        raise CrystalError("a crystal needs atoms, found no _atom_site_fract_x, y, z")
    if len({len(column) for column in columns}) > 1:
        raise CrystalError("atoms need three coordinates each, found columns of different length")
    _refuse_disorder(block)
    positions = np.array([[gemmi.cif.as_number(value) for value in column] for column in columns]).T
    labels = _column(block, "_atom_site_label") or [""] * len(positions)
    labels = [label or f"atom {n}" for n, label in enumerate(labels, start=1)]
    unknown = [label for label, position in zip(labels, positions, strict=True) if not np.isfinite(position).all()]
    if unknown:
        raise CrystalError(f"atoms need numbers as coordinates, found none for {', '.join(unknown[:5])}")
    types = _column(block, "_atom_site_type_symbol")
    named = types if len(types) == len(positions) and all(types) else labels  # `?` and `.` read as nothing
    return [_element(name) for name in named], positions


def _refuse_disorder(block: gemmi.cif.Block) -> None:
    if any(flag.lower() == "dum" for flag in _column(block, "_atom_site_calc_flag")):
        raise CrystalError("atoms must be real, found dummy atoms (_atom_site_calc_flag dum)")
    occupancies = [gemmi.cif.as_number(value) for value in block.find_values("_atom_site_occupancy")]
    partial = [occupancy for occupancy in occupancies if occupancy < FULL]
    if partial:
        raise CrystalError(f"sites must be fully occupied, found an occupancy of {partial[0]:g} (partial occupancy)")
    if any(occupancy > 2 - FULL for occupancy in occupancies):
        raise CrystalError(f"occupancies end at 1, found {max(occupancies):g}")
    groups = {group for group in _column(block, "_atom_site_disorder_group") if group not in ("", ".", "?", "0")}
    if groups:
        raise CrystalError(f"sites must be ordered, found the disorder groups {', '.join(sorted(groups))}")


def _element(name: str) -> str:
    """The element in a type symbol or label (`Fe3+`, `O12A`, `CA1`); CrystalError where there is none."""
    letters = ""
    for character in name.strip():
        if not character.isalpha():
            break
        letters += character
    for length in (2, 1):
        symbol = letters[:length].capitalize()
        if len(symbol) == length and symbol in NUMBER:
            return symbol
    raise CrystalError(f"sites must be elements, found {name!r}")


def _hold_against_formula(crystal: Crystal, block: gemmi.cif.Block) -> None:
    """Raise where the atoms are not in the formula's proportions: hydrogens left out, sites not located."""
    told = _formula(gemmi.cif.as_string(block.find_value("_chemical_formula_sum") or ""))
    if not told:
        return
    found = crystal.counts
    if set(told) != set(found):
        raise CrystalError(
            f"atoms must be those of the formula, found {' '.join(found)} where it says {' '.join(told)}: "
            "atoms were not located, or the formula is wrong"
        )
    shares = {e: (found[e] / len(crystal), told[e] / sum(told.values())) for e in told}
    worst = max(shares, key=lambda e: abs(shares[e][0] / shares[e][1] - 1))
    if abs(shares[worst][0] / shares[worst][1] - 1) > FORMULA_TOLERANCE:
        raise CrystalError(
            f"atoms must be in the formula's proportions, found {shares[worst][0]:.3f} {worst} per atom where it says "
            f"{shares[worst][1]:.3f}: atoms were not located, or the formula is wrong"
        )


def _formula(text: str) -> dict[str, float]:
    """`Fe2 O3` as {"Fe": 2, "O": 3}, deuterium as hydrogen; empty where it does not read so."""
    amounts: dict[str, float] = {}
    for word in text.split():
        symbol = word.rstrip("0123456789.")
        if symbol not in NUMBER:
            return {}
        symbol = {"D": "H", "T": "H"}.get(symbol, symbol)
        amounts[symbol] = amounts.get(symbol, 0.0) + float(word[len(symbol) :] or 1)
    return amounts
