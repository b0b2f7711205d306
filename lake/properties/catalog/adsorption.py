"""Adsorbates on slabs. Source: Open Catalyst's extxyz and system.txt (fairchem's documentation of OC20).

OC20 tells adsorption energies (RPBE), OC22 total energies of oxides (PBE+U): no property may take both. OC22 is not
crawled, so its total energy has no block.
"""

from __future__ import annotations

from lake.properties.definition import Property, Reading

ADSORPTION = (
    Property(
        "adsorption_energy", "Adsorption energy (computed, RPBE)", "eV",
        "Energy of slab and adsorbate minus that of clean slab and gas (OC20). Never mixed with bulk energies.",
        "adsorption", "computed", -10.0, 10.0,
        (Reading("ocp", "adsorption_energy", "eV", "last frame minus reference energy", level_of_theory="RPBE"),),
    ),
)  # fmt: skip
