"""Every property the lake knows, one block each. To add a property, add a block.

Paths and units: Materials Project SummaryDoc (emmet-core 0.87), AFLUX keywords (aflow 0.0.11), OQMD's OPTIMADE
fields, COD's CIF data names, Open Catalyst's system.txt and extxyz. Names carry what must not be mixed: `_agl` is
AFLOW's quasi-harmonic Debye model, `_measured` is experiment.
"""

from __future__ import annotations

from lake.properties.definition import Property, Reading

# PBE and PBE+U are what the three databases share; the matrix falls back to any other level, named in its provenance.
PBE_FIRST = ("PBE", "PBE+U", "*")


def _own(name: str, unit: str) -> Reading:
    """The user's own (in the demo: the sample's) measured values."""
    return Reading("labels", name, unit, "experiment", level_of_theory="experiment")


CATALOG: tuple[Property, ...] = (
    Property(
        "band_gap", "Band gap (computed, DFT)", "eV",
        "Energy between highest occupied and lowest empty state. Semilocal DFT gives about half of experiment.",
        "electronic", "computed", 0.0, 30.0,
        (
            Reading("mp", "band_gap", "eV", "Kohn-Sham gap"),
            Reading("aflow", "Egap", "eV", "Kohn-Sham gap"),
            Reading("oqmd", "_oqmd_band_gap", "eV", "Kohn-Sham gap"),
        ),
        PBE_FIRST,
    ),
    Property(
        "band_gap_measured", "Band gap (measured)", "eV",
        "Energy between highest occupied and lowest empty state, from experiment near room temperature.",
        "electronic", "measured", 0.0, 30.0, (_own("band_gap_measured", "eV"),),
    ),
    Property(
        "formation_energy_per_atom", "Formation energy (computed, DFT)", "eV/atom",
        "Energy of the crystal minus that of its elements, per atom. Corrections and references differ by source.",
        "thermodynamic", "computed", -10.0, 10.0,
        (
            Reading("mp", "formation_energy_per_atom", "eV/atom", "DFT total energies", correction="MP2020"),
            Reading("aflow", "enthalpy_formation_atom", "eV/atom", "DFT total energies"),
            Reading("oqmd", "_oqmd_delta_e", "eV/atom", "DFT total energies", correction="OQMD fitted references"),
        ),
        PBE_FIRST,
    ),
    Property(
        "formation_enthalpy_measured", "Formation enthalpy (measured)", "eV/atom",
        "Heat of formation from the elements at 298 K, per atom, from calorimetry.",
        "thermodynamic", "measured", -10.0, 10.0, (_own("formation_enthalpy_measured", "eV/atom"),),
    ),
    Property(
        "energy_above_hull", "Energy above hull (computed, DFT)", "eV/atom",
        "Distance to the convex hull of the same database: 0 is stable there. OQMD's may be negative.",
        "thermodynamic", "computed", -5.0, 20.0,
        (
            Reading("mp", "energy_above_hull", "eV/atom", "convex hull of Materials Project", correction="MP2020"),
            Reading("oqmd", "_oqmd_stability", "eV/atom", "convex hull of OQMD", correction="OQMD fitted references"),
        ),
        PBE_FIRST,
    ),
    Property(
        "bulk_modulus", "Bulk modulus (computed, DFT)", "GPa",
        "Resistance to uniform compression, Voigt-Reuss-Hill average of the elastic tensor.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "bulk_modulus.vrh", "GPa", "stress-strain, VRH"),
            Reading("aflow", "ael_bulk_modulus_vrh", "GPa", "AEL stress-strain, VRH"),
        ),
        PBE_FIRST, log=True,
    ),
    Property(
        "bulk_modulus_measured", "Bulk modulus (measured)", "GPa",
        "Resistance to uniform compression, from experiment near room temperature.",
        "elastic", "measured", 0.0, 700.0, (_own("bulk_modulus_measured", "GPa"),), log=True,
    ),
    Property(
        "shear_modulus", "Shear modulus (computed, DFT)", "GPa",
        "Resistance to shear, Voigt-Reuss-Hill average of the elastic tensor.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "shear_modulus.vrh", "GPa", "stress-strain, VRH"),
            Reading("aflow", "ael_shear_modulus_vrh", "GPa", "AEL stress-strain, VRH"),
        ),
        PBE_FIRST, log=True,
    ),
    Property(
        "shear_modulus_measured", "Shear modulus (measured)", "GPa",
        "Resistance to shear of the polycrystal, from experiment near room temperature.",
        "elastic", "measured", 0.0, 700.0, (_own("shear_modulus_measured", "GPa"),), log=True,
    ),
    Property(
        "magnetization_per_atom", "Magnetization (computed, DFT)", "muB/atom",
        "Size of the cell's total moment over its atoms: an extensive moment cannot be learnt by a mean over atoms.",
        "magnetic", "computed", 0.0, 10.0,
        (
            Reading("mp", "total_magnetization", "muB/cell", "collinear spin density"),
            Reading("aflow", "spin_atom", "muB/atom", "collinear spin density"),
        ),
        PBE_FIRST, unsigned=True,  # turning all spins over changes the sign and nothing else
    ),
    Property(
        "magnetization_measured", "Magnetization (measured)", "muB/atom",
        "Saturation moment per atom, from experiment at low temperature.",
        "magnetic", "measured", 0.0, 10.0, (_own("magnetization_measured", "muB/atom"),),
    ),
    Property(
        "static_dielectric_constant", "Static dielectric constant (computed, DFPT)", "",
        "Electronic plus ionic response, mean of the tensor's eigenvalues.",
        "dielectric", "computed", 1.0, 2000.0,
        (Reading("mp", "e_total", "", "density functional perturbation theory"),), PBE_FIRST, log=True,
    ),
    Property(
        "static_dielectric_constant_measured", "Static dielectric constant (measured)", "",
        "Low-frequency dielectric constant, from experiment near room temperature.",
        "dielectric", "measured", 1.0, 5000.0, (_own("static_dielectric_constant_measured", ""),), log=True,
    ),
    Property(
        "optical_dielectric_constant", "Optical dielectric constant (computed, DFPT)", "",
        "Electronic response alone, mean of the tensor's eigenvalues: the square of the refractive index.",
        "dielectric", "computed", 1.0, 500.0,
        (Reading("mp", "e_electronic", "", "density functional perturbation theory"),), PBE_FIRST, log=True,
    ),
    Property(
        "optical_dielectric_constant_measured", "Optical dielectric constant (measured)", "",
        "High-frequency dielectric constant, from experiment.",
        "dielectric", "measured", 1.0, 500.0, (_own("optical_dielectric_constant_measured", ""),), log=True,
    ),
    Property(
        "refractive_index", "Refractive index (computed, DFPT)", "",
        "Square root of the optical dielectric constant: the same quantity twice, not a second witness.",
        "dielectric", "computed", 1.0, 25.0,
        (Reading("mp", "n", "", "density functional perturbation theory"),), PBE_FIRST, log=True,
    ),
    Property(
        "refractive_index_measured", "Refractive index (measured)", "",
        "Refractive index below the gap, from experiment.",
        "dielectric", "measured", 1.0, 25.0, (_own("refractive_index_measured", ""),), log=True,
    ),
    Property(
        "piezoelectric_modulus", "Piezoelectric modulus (computed, DFPT)", "C/m^2",
        "Largest longitudinal piezoelectric response.",
        "piezoelectric", "computed", 0.0, 100.0,
        (Reading("mp", "e_ij_max", "C/m^2", "density functional perturbation theory"),), PBE_FIRST, log=True,
    ),
    Property(
        "debye_temperature_agl", "Debye temperature (computed, AGL)", "kelvin",
        "Debye temperature of AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", 1.0, 4000.0,
        (Reading("aflow", "agl_debye", "kelvin", "AGL quasi-harmonic Debye model"),), PBE_FIRST, log=True,
    ),
    Property(
        "debye_temperature_measured", "Debye temperature (measured)", "kelvin",
        "Debye temperature from heat capacity or elastic constants.",
        "thermal", "measured", 1.0, 4000.0, (_own("debye_temperature_measured", "kelvin"),), log=True,
    ),
    Property(
        "thermal_conductivity_agl", "Thermal conductivity at 300 K (computed, AGL)", "W/m/K",
        "Lattice part, by AFLOW's Debye model: fair in rank, far too low for the best conductors.",
        "thermal", "computed", 0.0, 5000.0,
        (Reading("aflow", "agl_thermal_conductivity_300K", "W/m/K", "AGL quasi-harmonic Debye model"),),
        PBE_FIRST, log=True,
    ),
    Property(
        "thermal_conductivity_measured", "Thermal conductivity at 300 K (measured)", "W/m/K",
        "Thermal conductivity from experiment at 300 K, electrons and lattice together.",
        "thermal", "measured", 0.0, 10000.0, (_own("thermal_conductivity_measured", "W/m/K"),), log=True,
    ),
    Property(
        "thermal_expansion_agl", "Thermal expansion at 300 K (computed, AGL)", "1/K",
        "Volume expansion of AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", -1e-3, 1e-2,
        (Reading("aflow", "agl_thermal_expansion_300K", "1/K", "AGL quasi-harmonic Debye model"),), PBE_FIRST,
    ),
    Property(
        "density_measured", "Density (measured, X-ray)", "g/cm^3",
        "Density from the measured cell and its content, as the depositors state it.",
        "structural", "measured", 0.01, 30.0,
        (Reading("cod", "_exptl_crystal_density_diffrn", "g/cm^3", "X-ray diffraction", "experiment"),),
    ),
    Property(
        "adsorption_energy", "Adsorption energy (computed, RPBE)", "eV",
        "Energy of slab and adsorbate minus that of clean slab and gas (OC20). Never mixed with bulk energies.",
        "adsorption", "computed", -10.0, 10.0,
        (Reading("ocp", "adsorption_energy", "eV", "last frame minus reference energy", level_of_theory="RPBE"),),
    ),
)  # fmt: skip
