"""A handful of tellings, the mirror that serves them, and the recorded answers it is held against."""

import os
from pathlib import Path

import numpy as np
import pytest

from lake.crystal import Crystal
from lake.sample.mirror import serving
from lake.sample.telling import Telling

RECORDED = Path(__file__).parents[3] / "recorded"
KEY = {"x-api-key": "k" * 32}
HALITE = {"mineral": "Halite"}


def rock_salt(edge: float, repeats: int = 1, shift: float = 0.0) -> Crystal:
    """NaCl with its cubic edge in A, repeated along a, its origin shifted along the diagonal."""
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cell = np.vstack([corners, corners + 0.5])
    positions = np.vstack([(cell + np.array([i, 0, 0])) / [repeats, 1, 1] for i in range(repeats)]) + shift
    return Crystal(np.diag([edge * repeats, edge, edge]), positions % 1.0, np.array(([11] * 4 + [17] * 4) * repeats))


def quartz() -> Crystal:
    """alpha quartz: trigonal, so angles, thirds and free coordinates count."""
    lattice = np.array([[4.913, 0, 0], [-2.4565, 4.913 * np.sqrt(3) / 2, 0], [0, 0, 5.405]])
    u, (x, y, z) = 0.4697, (0.4135, 0.2669, 0.1191)
    silicon = [[u, 0, 0], [0, u, 2 / 3], [-u, -u, 1 / 3]]
    oxygen = [
        [x, y, z], [-y, x - y, z + 2 / 3], [y - x, -x, z + 1 / 3], 
        [y, x, 2 / 3 - z], [x - y, -y, -z], [-x, y - x, 1 / 3 - z],
    ]  # fmt: skip
    return Crystal(lattice, np.array(silicon + oxygen) % 1.0, np.array([14] * 3 + [8] * 6))


def slab() -> Crystal:
    """Two layers of copper under one oxygen, in vacuum."""
    positions = [[0, 0, 0.1], [0.5, 0.5, 0.19], [0.5, 0.5, 0.28]]
    return Crystal(np.diag([2.55, 2.55, 20.0]), np.array(positions), np.array([29, 29, 8]))


def tellings() -> list[Telling]:
    """Each database tells rock salt, and one or two crystals more, in its own cell."""
    gap = {"band_gap": 5.03, "formation_energy_per_atom": -1.95, "energy_above_hull": 0.0}
    dielectric = {
        "static_dielectric_constant": 5.9, "optical_dielectric_constant": 2.3, "refractive_index": 1.5165,
        "piezoelectric_modulus": 0.17, "bulk_modulus": 24.0, "shear_modulus": 14.0, "magnetization_per_atom": 0.25,
    }  # fmt: skip
    agl = {"thermal_conductivity_agl": 6.1, "debye_temperature_agl": 281.0, "thermal_expansion_agl": 1.1e-4}
    return [
        Telling("mp", "mp-22862", rock_salt(5.69), gap | dielectric, "PBE"),
        Telling("mp", "mp-149", quartz(), {"band_gap": 6.0}, "PBE+U"),
        Telling("mp", "mp-7000", quartz(), {"band_gap": 5.9}, "PBE", facts={"deprecated": True}),
        Telling("aflow", "aflow:2222222222222222", rock_salt(5.66), gap | agl | {"bulk_modulus": 23.0}, "PBE"),
        Telling("aflow", "aflow:1111111111111111", quartz(), {"band_gap": 5.8}, "LDA", facts={"catalog": "LIB2"}),
        Telling("aflow", "aflow:3333333333333333", rock_salt(5.61), {"magnetization_per_atom": 0.5}, "PBE+U"),
        Telling("oqmd", "4066011", rock_salt(5.65), gap | {"energy_above_hull": -0.0123456}, "PBE"),
        Telling("oqmd", "4066101", quartz(), {"band_gap": 5.7}, "PBE+U"),
        Telling("oqmd", "4066203", rock_salt(5.7, repeats=2), {}, "PBE"),
        Telling("cod", "1000041", rock_salt(5.62), {"density_measured": 2.163}, "experiment", facts=HALITE),
        Telling("cod", "9000041", quartz(), {}, "experiment"),
        Telling("cod", "9000042", rock_salt(5.62, repeats=2), {}, "experiment"),
        Telling("cod", "9000043", rock_salt(5.62, shift=0.0137), {}, "experiment"),
        Telling("pcod", "3102887", quartz(), {}, "GRINSP model"),
        Telling("ocp", "random1", slab(), {"adsorption_energy": -1.234}, "RPBE", facts={"tags": [0, 1, 2]}),
        Telling("ocp", "random2", slab(), {}, "RPBE"),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def told() -> dict[tuple[str, str], Telling]:
    """Every telling by source and id."""
    return {(telling.source, telling.source_id): telling for telling in tellings()}


@pytest.fixture(scope="session")
def mirror():
    """Base URL of a mirror that serves them."""
    with serving(tellings()) as url:
        yield url


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder of real files; the test is skipped where there is none."""
    folder = Path(os.environ.get("CRYSTAL_LAKE_REAL_DATA") or "../shared/data")
    if not (folder / "wire").is_dir():
        pytest.skip(
            f"no real data at {folder}: set $CRYSTAL_LAKE_REAL_DATA to hold the mirror against recorded answers"
        )
    return folder
