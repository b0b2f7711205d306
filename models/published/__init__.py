"""Published sets: small property sets with fixed splits that others trained on, so that errors can be compared.

chang2022: Chang et al., npj Comput. Mater. 8, 242 (2022), fifteen sets of the Materials Project, JARVIS and experiment,
five splits each (github.com/rees-c/MoE, MIT). Their values are learnt as they are told, logarithms included. All
logarithms are natural ones: where a crystal is also among the Materials Project's tables of 2018, the value is `ln` of
the dielectric constant there (1,065 of 1,065 within 0.01), and `ln(1 + e)` of the largest piezoelectric tensor element.

What belongs here: names and units. Reading the files: chang2022.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class PublishedSet:
    """key: its name among its publisher's.  unit: of values and errors; `ln` where natural logarithms are told."""

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
        ("mp_eps_electronic", "ln", "electronic dielectric constant, ln"),
        ("mp_eps_total", "ln", "dielectric constant, ln"),
        ("mp_phonons", "ln", "last phonon peak, ln of 1/cm"),
        ("mp_poisson_ratio", "", "Poisson's ratio"),
        ("mp_poly_electronic", "", "polycrystalline electronic dielectric constant"),
        ("mp_poly_total", "", "polycrystalline dielectric constant"),
        ("piezoelectric_tensor", "ln", "piezoelectric modulus, ln of 1 + C/m^2"),
    )
})  # fmt: skip
