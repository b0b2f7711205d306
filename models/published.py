"""Published sets: small property sets with fixed splits that others trained on, so that errors can be compared.

chang2022: Chang et al., npj Comput. Mater. 8, 242 (2022), fifteen sets of the Materials Project, JARVIS and experiment,
five splits each (github.com/rees-c/MoE, MIT). Their values are learnt as they are told, logarithms included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class PublishedSet:
    """key: its name among its publisher's.  unit: of values and errors, `log` where logarithms are told."""

    key: str
    unit: str
    label: str


PUBLISHED: Mapping[str, PublishedSet] = MappingProxyType({
    f"chang2022.{key}": PublishedSet(key, unit, label)
    for key, unit, label in (
        ("expt_eform", "eV/atom", "formation enthalpy, measured"),
        ("jarvis_2d_dielectric_opt", "", "2D dielectric constant (OptB88)"),
        ("jarvis_2d_dielectric_tbmbj", "", "2D dielectric constant (MBJ)"),
        ("jarvis_2d_eform", "eV/atom", "2D formation energy"),
        ("jarvis_2d_exfoliation", "meV/atom", "exfoliation energy"),
        ("jarvis_2d_gap_opt", "eV", "2D band gap (OptB88)"),
        ("jarvis_2d_gap_tbmbj", "eV", "2D band gap (MBJ)"),
        ("mp_elastic_anisotropy", "", "elastic anisotropy"),
        ("mp_eps_electronic", "log", "electronic dielectric constant, log"),
        ("mp_eps_total", "log", "dielectric constant, log"),
        ("mp_phonons", "log", "last phonon peak, log"),
        ("mp_poisson_ratio", "", "Poisson's ratio"),
        ("mp_poly_electronic", "", "polycrystalline electronic dielectric constant"),
        ("mp_poly_total", "", "polycrystalline dielectric constant"),
        ("piezoelectric_tensor", "log", "piezoelectric modulus, log"),
    )
})  # fmt: skip
