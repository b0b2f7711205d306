"""What follows from what: columns of the lake from which the target of a published set follows, or nearly.

For regime (b): a crystal that stands in a set gives no source label of these columns. What is listed is generous: where
one quantity bounds another or is computed from it, it stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ENERGY = (
    "formation_energy_per_atom", "formation_energy_per_atom_mp2018", "formation_enthalpy_measured",
    "energy_above_hull", "energy_above_hull_mp2018",
)  # fmt: skip
DIELECTRIC = ("optical_dielectric_constant", "static_dielectric_constant", "refractive_index")
ELASTIC = ("bulk_modulus", "shear_modulus", "universal_anisotropy")
DEBYE = ("debye_temperature_agl", "thermal_conductivity_agl", "thermal_expansion_agl")

# set -> (columns, why)
FOLLOWS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType({
    f"chang2022.{key}": told
    for key, told in {
        "expt_eform": (ENERGY, "the computed formation energy is the measured one within .12 eV/atom; the energy above "
                       "the hull is its difference to that of its neighbours"),
        "jarvis_2d_eform": (ENERGY, "a formation energy of the same crystal, of another code"),
        "jarvis_2d_exfoliation": (ENERGY, "the difference of two energies, one of which is this"),
        "jarvis_2d_gap_opt": (("band_gap",), "the same quantity, of another functional"),
        "jarvis_2d_gap_tbmbj": (("band_gap",), "the same quantity, of another functional"),
        "jarvis_2d_dielectric_opt": ((*DIELECTRIC, "band_gap"), "the same quantity; a small gap is a large constant"),
        "jarvis_2d_dielectric_tbmbj": ((*DIELECTRIC, "band_gap"), "the same quantity; a small gap is a large constant"),
        "mp_eps_electronic": (DIELECTRIC, "the same quantity; the refractive index squared; a part of the static one"),
        "mp_eps_total": (DIELECTRIC, "the same quantity, of which the electronic one is a part"),
        "mp_poly_electronic": (DIELECTRIC, "the very column; the refractive index squared"),
        "mp_poly_total": (DIELECTRIC, "the very column, of which the electronic one is a part"),
        "mp_phonons": (("last_phonon_dos_peak", *DEBYE), "the very column; a Debye temperature is a cut-off frequency"),
        "mp_poisson_ratio": ((*ELASTIC, *DEBYE), "(3K - 2G) / (6K + 2G); AGL takes the ratio as its input"),
        "mp_elastic_anisotropy": ((*ELASTIC, *DEBYE), "the very column; moduli of the same tensor"),
        "piezoelectric_tensor": (("piezoelectric_modulus",), "the very column"),
    }.items()
})  # fmt: skip


def columns(name: str) -> tuple[str, ...]:
    """Of the lake, from which the target of this set follows."""
    return FOLLOWS[name][0]
