"""Transport of electrons by BoltzTraP, for electrons (n) and holes (p): no source serves it, own values alone.

Boltzmann's equation with one relaxation time for all: but for the Seebeck coefficient every number is per relaxation
time, and nobody knows that time. The thermal conductivity is the electrons' own. Temperature and doping belong to each
value (Ricci et al., Sci. Data 4, 170085, 2017: 300 K and 1e18 per cm^3 here, tables of both there).
Units: SI. Ricci's tables tell conductivity per relaxation time in 1/ohm/m/fs, thermal conductivity in GW/m/K/s and
power factor in GW/m/K^2/s: numbers told in 1/ohm/m/s that look handy are 1e15 too small, which the ranges show.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property


def _of(carrier: str, letter: str) -> tuple[Property, ...]:
    """The properties of one kind of carrier."""
    conductivity = f"electrical_conductivity_per_relaxation_time_{letter}"
    return (
        Property(
            conductivity, f"Electrical conductivity per relaxation time, {letter} (computed, BoltzTraP)",
            "1/ohm/m/s", f"Conductivity by {carrier} over a relaxation time that nobody computed.",
            "transport", "computed", 1e8, 1e24, (), PBE_FIRST,
            log=True, shape="tensor invariant", family=conductivity,
        ),
        Property(
            f"seebeck_coefficient_{letter}", f"Seebeck coefficient, {letter} (computed, BoltzTraP)", "uV/K",
            f"Voltage per kelvin that {carrier} drive along a difference of temperature.",
            "transport", "computed", -2000.0, 2000.0, (), PBE_FIRST, shape="tensor invariant",
        ),
        Property(
            f"electronic_thermal_conductivity_per_relaxation_time_{letter}",
            f"Electronic thermal conductivity per relaxation time, {letter} (computed, BoltzTraP)", "W/m/K/s",
            f"Heat that {carrier} carry, without the lattice, over a relaxation time that nobody computed.",
            "transport", "computed", 1e3, 1e19, (), PBE_FIRST, log=True, shape="tensor invariant",
            family=conductivity, family_words="times temperature and Lorenz number (Wiedemann and Franz)",
        ),
        Property(
            f"power_factor_per_relaxation_time_{letter}",
            f"Power factor per relaxation time, {letter} (computed, BoltzTraP)", "W/m/K^2/s",
            f"Seebeck coefficient squared times conductivity, of {carrier}, over a relaxation time nobody computed.",
            "transport", "computed", 1.0, 1e15, (), PBE_FIRST, log=True, shape="tensor invariant",
        ),
        Property(
            f"conductivity_effective_mass_{letter}", f"Conductivity effective mass, {letter} (computed, BoltzTraP)",
            "m_e", f"Mass with which {carrier} of one parabolic band would conduct as well.",
            "transport", "computed", 1e-4, 1e4, (), PBE_FIRST, log=True, shape="tensor invariant",
            family=conductivity, family_words="its inverse, times density and squared charge of the carriers",
        ),
    )  # fmt: skip


TRANSPORT = _of("electrons", "n") + _of("holes", "p")
