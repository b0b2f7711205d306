"""A crystal as a COD file: header lines, symmetry operations and the asymmetric unit, in the very cell and origin told.

What belongs here: writing. Operations are written where they fit the cell as told (translations of 24ths); a cell with
a free origin, or without symmetry, is written in P 1 with every atom. Data names: the CIF core dictionary of the IUCr.
"""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import moyopy
import numpy as np

from lake.crystal import SYMBOLS
from lake.sample.mirror import formulas
from lake.sample.mirror.told import Told, symmetry_of

TOLERANCE = 1e-4  # A: operations and the sites they make agree this well
DIGITS = 6  # decimals of coordinates; cells carry 5
TRANSLATION_TOLERANCE = 1e-4  # of a cell edge
# fact of a telling -> data name
STANDING = {
    "method": "_cod_struct_determination_method",
    "status": "_cod_error_flag",
    "duplicateof": "_cod_duplicate_entry",
    "onhold": "_cod_hold_until_date",
}


def written_cif(told: Told, database: str, number: str, revision: int) -> str:
    """The CIF text of a telling. `database` is `cod` or `pcod`, which stands in the header and nowhere else."""
    groups, sites = _symmetry(told)
    lines = [*_header(told, database, number, revision), f"data_{number}"]
    lines += _publication(told) + _chemistry(told) + _space_group(groups, told) + _cell(told)
    lines += [f"_cod_database_code               {number}", *_standing(told)]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz"] + [op.triplet() for op in groups]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"] + ["_atom_site_occupancy"]
    return "\n".join(lines + _atoms(told, sites)) + "\n"


def _header(told: Told, database: str, number: str, revision: int) -> list[str]:
    rule = "#" + "-" * 78
    folder = f"{number[0]}/{number[1:3]}/{number[3:5]}"
    return [
        rule,
        f"#$Date: {told.revised:%Y-%m-%d %H:%M:%S} +0200 ({told.revised:%a, %d %b %Y}) $",
        f"#$Revision: {revision} $",
        f"#$URL: svn://www.crystallography.net/{database}/cif/{folder}/{number}.cif $",
        rule,
        "#",
        "# Sample values of Crystal Lake, told in the form of the Crystallography Open Database.",
        "#",
    ]


def _publication(told: Told) -> list[str]:
    facts = told.telling.facts
    authors = facts.get("authors") or ["Crystal Lake sample"]
    lines = ["loop_", "_publ_author_name"] + [_quoted(str(author)) for author in authors]  # type: ignore[attr-defined]
    lines += ["_publ_section_title", ";", f" {facts.get('title', 'Sample values, from textbooks')}", ";"]
    return [*lines, f"_journal_year                    {facts['year']}"] if "year" in facts else lines


def _chemistry(told: Told) -> list[str]:
    facts = told.telling.facts
    counts = told.crystal.counts
    units = sum(counts.values()) // sum(formulas.reduced(counts).values())
    lines = [f"_chemical_formula_sum             {_quoted(formulas.hill(formulas.reduced(counts)))}"]
    if facts.get("mineral"):
        lines.append(f"_chemical_name_mineral            {_quoted(str(facts['mineral']))}")
    if told.telling.level_of_theory == "experiment":
        density = told.value("density_measured")
        lines.append(f"_exptl_crystal_density_diffrn     {told.density if density is None else density:.3f}")
        temperature = facts.get("temperature", 295)
        lines += [f"_{of}       {temperature}" for of in ("cell_measurement_temperature", "diffrn_ambient_temperature")]
    return [*lines, f"_cell_formula_units_Z             {units}"]


def _standing(told: Told) -> list[str]:
    """What COD adds to entries that are theoretical, withdrawn, told twice or on hold (cod-tools, CIF2COD)."""
    facts = told.telling.facts
    return [f"{tag} {_quoted(str(facts[name]))}" for name, tag in STANDING.items() if facts.get(name)]


def _space_group(groups: Sequence[gemmi.Op], told: Told) -> list[str]:
    """Symbols of exactly these operations, `?` where the tables have no such setting."""
    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(list(groups)))
    if group is None:
        return ["_symmetry_space_group_name_H-M    ?"]
    return [
        f"_space_group_IT_number            {group.number}",
        f"_symmetry_space_group_name_Hall   {_quoted(group.hall)}",
        f"_symmetry_space_group_name_H-M    {_quoted(group.xhm().replace(':', ' :'))}",
    ]


def _cell(told: Told) -> list[str]:
    (a, b, c), (alpha, beta, gamma) = told.cell.lengths, told.cell.angles
    return [
        f"_cell_angle_alpha                {alpha:.5f}",
        f"_cell_angle_beta                 {beta:.5f}",
        f"_cell_angle_gamma                {gamma:.5f}",
        f"_cell_length_a                   {a:.5f}",
        f"_cell_length_b                   {b:.5f}",
        f"_cell_length_c                   {c:.5f}",
        f"_cell_volume                     {told.crystal.volume:.3f}",
    ]


def _atoms(told: Told, sites: Sequence[int]) -> list[str]:
    lines = []
    for label, site in enumerate(sites, start=1):
        symbol = SYMBOLS[told.crystal.numbers[site]]
        x, y, z = (f"{coordinate + 0.0:.{DIGITS}f}" for coordinate in told.crystal.positions[site])
        lines.append(f"{symbol}{label} {symbol} {x} {y} {z} 1")
    return lines


def _symmetry(told: Told) -> tuple[list[gemmi.Op], list[int]]:
    """(operations in the cell as told, the sites of the asymmetric unit)."""
    everything = [gemmi.Op("x,y,z")], list(range(len(told.crystal)))
    found = symmetry_of(told.crystal, TOLERANCE)
    if found is None:
        return everything
    operations = _operations(found)
    if operations is None:
        return everything
    return operations, _asymmetric_unit(told, operations)


def _asymmetric_unit(told: Told, operations: Sequence[gemmi.Op]) -> list[int]:
    """One site of every orbit under these operations; moyo's own orbits know more than a supercell can write."""
    crystal = told.crystal
    images = np.array([[op.apply_to_xyz(list(xyz)) for op in operations] for xyz in crystal.positions])
    waiting, chosen = set(range(len(crystal))), []
    while waiting:
        site = min(waiting)
        chosen.append(site)
        apart = images[site][:, None, :] - crystal.positions[None, :, :]
        nearest = np.linalg.norm((apart - np.round(apart)) @ crystal.lattice, axis=2).min(axis=0)
        same = (nearest < 10 * TOLERANCE) & (crystal.numbers == crystal.numbers[site])
        waiting -= {site, *np.flatnonzero(same).tolist()}
    return chosen


def _operations(found: moyopy.MoyoDataset) -> list[gemmi.Op] | None:
    """moyo's operations as gemmi's, identity first; None where a translation is no 24th of the cell."""
    triplets = {}
    for rotation, translation in zip(found.operations.rotations, found.operations.translations, strict=True):
        parts = np.asarray(translation) * gemmi.Op.DEN
        if np.abs(parts - np.round(parts)).max() > TRANSLATION_TOLERANCE * gemmi.Op.DEN:
            return None
        op = gemmi.Op()
        op.rot = (np.asarray(rotation, dtype=int) * gemmi.Op.DEN).tolist()
        op.tran = [int(part) % gemmi.Op.DEN for part in np.round(parts)]
        triplets[op.triplet()] = op
    return [triplets.pop("x,y,z"), *triplets.values()]


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'
