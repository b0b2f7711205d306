"""Symmetry: a cell written with its operations holds the same atoms as the one with every atom written out."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lake.cif import crystal_from_cif
from lake.crystal import SYMBOLS, Crystal, CrystalError
from lake.symmetry import expanded, operations_listed

GROUPS = list(gemmi.spacegroup_table())
SPECIAL = (0.0, 0.5, 0.25, 0.75, 1 / 3, 2 / 3, 0.125)
free = st.floats(0, 1, exclude_max=True)
places = st.tuples(free, free, free) | st.builds(
    lambda x, form: tuple(form(x)),
    st.sampled_from(SPECIAL) | free,
    st.sampled_from([
        lambda x: (x, x, x), lambda x: (x, 0, 0), lambda x: (0, x, 0), lambda x: (0, 0, x), lambda x: (x, x, 0),
        lambda x: (x, 2 * x, 0.25), lambda x: (x, -x, 0), lambda x: (0.25, 0.25, x), lambda x: (0.5, 0, x),
        lambda x: (1 / 3, 2 / 3, x), lambda x: (x, 0.25, 0.125),
    ]),
)  # fmt: skip


def cell_of(group: gemmi.SpaceGroup, size: float) -> tuple[float, ...]:
    """Lengths and angles that the group allows, of about this size in A."""
    a, b, c = size, size * 1.2, size * 1.4
    symbol, system = group.xhm(), group.crystal_system_str()
    if symbol.endswith(":R"):
        return a, a, a, 75, 75, 75
    if system == "cubic":
        return a, a, a, 90, 90, 90
    if system in ("hexagonal", "trigonal"):
        return a, a, c, 90, 90, 120
    if system == "tetragonal":
        return a, a, c, 90, 90, 90
    if system == "orthorhombic":
        return a, b, c, 90, 90, 90
    if system == "monoclinic":
        unique = next(axis for axis in range(3) if all(_keeps(op, axis) for op in group.operations().sym_ops))
        return a, b, c, *(103 if axis == unique else 90 for axis in range(3))
    return a, b, c, 80, 95, 103


def _keeps(op: gemmi.Op, axis: int) -> bool:
    return all(op.rot[axis][other] == 0 == op.rot[other][axis] for other in range(3) if other != axis)


def every_image(group: gemmi.SpaceGroup, site: tuple[float, ...], lattice: np.ndarray) -> np.ndarray:
    """Its places one by one, each held against all before it."""
    kept: list[np.ndarray] = []
    for op in group.operations():
        image = np.array(op.apply_to_xyz(list(site)))
        distances = [np.linalg.norm((d - np.round(d)) @ lattice) for d in (image - other for other in kept)]
        assume(not any(1e-3 < distance < 0.5 for distance in distances))  # nearly special: whose rule is it?
        if not any(distance < 0.5 for distance in distances):
            kept.append(image)
    return np.array(kept)


def assert_same_atoms(found: Crystal, due: Crystal):
    assert len(found) == len(due)
    apart = found.positions[:, None] - due.positions[None]
    distances = np.linalg.norm((apart - np.round(apart)) @ due.lattice, axis=2)
    partner = distances.argmin(axis=1)
    assert sorted(partner.tolist()) == list(range(len(due)))
    assert distances.min(axis=1).max() < 2e-3
    assert (found.numbers == due.numbers[partner]).all()


@settings(max_examples=60)
@given(
    st.sampled_from(GROUPS),
    st.floats(12, 25),
    st.lists(st.tuples(st.integers(1, 103), places), min_size=1, max_size=3),
    st.sampled_from(["operations", "Hermann-Mauguin", "Hall"]),
)
def test_a_symmetric_cif_holds_the_atoms_that_are_written_out_in_p1(group, size, sites, told_by):
    cell = cell_of(group, size)
    lattice = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
    images = [every_image(group, place, lattice) for _, place in sites]
    numbers = np.repeat([z for z, _ in sites], [len(one) for one in images])
    assume(len({tuple(np.round(place, 6)) for place in np.concatenate(images) % 1}) == len(numbers))
    symmetry = {
        "operations": "loop_\n_space_group_symop_operation_xyz\n"
        + "\n".join(f"'{op.triplet()}'" for op in group.operations()),
        "Hermann-Mauguin": f"_space_group_name_H-M_alt '{group.xhm()}'",
        "Hall": f"_space_group_name_Hall \"{group.hall}\"" if '"' not in group.hall else
        f"_space_group_name_Hall\n;{group.hall}\n;",
    }[told_by]  # fmt: skip
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"_cell_{name} {value}" for name, value in zip(names, cell, strict=True)]
    columns = ["loop_", "_atom_site_type_symbol", *(f"_atom_site_fract_{axis}" for axis in "xyz")]
    atoms = [" ".join([SYMBOLS[z], *map(np.format_float_positional, place)]) for z, place in sites]
    found = crystal_from_cif("\n".join(["data_x", *lines, symmetry, *columns, *atoms]))
    assert_same_atoms(found, Crystal(lattice, np.concatenate(images), numbers))


@pytest.mark.parametrize("cell, name", [((60, 60, 60), "R -3 m:R"), ((90, 90, 120), "R -3 m:H")])
def test_angles_tell_the_two_settings_of_a_rhombohedral_symbol_apart(cell, name):
    alpha, beta, gamma = cell
    text = f"""data_x\n_cell_length_a 5\n_cell_length_b 5\n_cell_length_c 5\n_cell_angle_alpha {alpha}
    _cell_angle_beta {beta}\n_cell_angle_gamma {gamma}\n_symmetry_space_group_name_H-M 'R -3 m'\nloop_\n_atom_site_label
    _atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nFe1 0.1 0.3 0.77\n"""
    assert len(crystal_from_cif(text)) == len(gemmi.find_spacegroup_by_name(name).operations())


@settings(max_examples=60)
@given(st.sampled_from(GROUPS), places, st.randoms(use_true_random=False))
def test_a_list_that_is_no_group_is_expanded_by_distances_alone(group, place, choose):
    """Twice the same list, or in a cell that the group does not turn into itself: the rule of the distance holds."""
    listed = [op.triplet() for op in group.operations()]
    twice = operations_listed(tuple(listed + choose.sample(listed, choose.randint(1, len(listed)))))
    assert twice.earlier is None
    sites = np.array([place])
    lattice = np.array(gemmi.UnitCell(*cell_of(group, 20)).orth.mat.tolist()).T
    once, owners = expanded(sites, operations_listed(tuple(listed)), lattice)
    again, _ = expanded(sites, twice, lattice)
    assume(len(listed) > 1)
    every_image(group, place, lattice)  # nearly special places aside
    assert (owners == 0).all() and np.allclose(once, again)


def test_a_cell_at_odds_with_its_operations_keeps_no_atom_twice():
    cubic = operations_listed(tuple(op.triplet() for op in gemmi.find_spacegroup_by_name("P m -3 m").operations()))
    lattice = np.diag([4.0, 12.0, 16.0])
    found, _ = expanded(np.array([[0.0, 0.0, 0.045]]), cubic, lattice)
    apart = found[:, None] - found[None]
    distances = np.linalg.norm((apart - np.round(apart)) @ lattice, axis=2) + 9 * np.eye(len(found))
    assert distances.min() > 0.4
    assert len(found) == 5  # 0.18 A to both sides along a is one place; along b and c there are two


def test_more_operations_than_any_cell_has_are_refused():
    with pytest.raises(CrystalError, match="at most 768 operations"):
        operations_listed(tuple(f"x+{n}/24,y,z" for n in range(24)) * 40)
