"""Phonons and heat. Four kinds of numbers that share words and must not be mixed, so that every name says which it is.

`_agl`: AFLOW's quasi-harmonic Debye model. `minimum_`: Clarke's and Cahill's models of the least conductivity a solid
can have. `_from_elasticity`: what elastic constants give. `_measured`: experiment.
Source: AFLUX keywords (aflow 0.0.11); emmet-core 0.87 (ElasticityDoc); the phonon peak has no source but own values
(matminer's `matbench_phonons`).
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property, Reading

AGL = "AGL quasi-harmonic Debye model"

THERMAL = (
    Property(
        "debye_temperature_agl", "Debye temperature (computed, AGL)", "kelvin",
        "Debye temperature of AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", 1.0, 4000.0, (Reading("aflow", "agl_debye", "kelvin", AGL),),
        PBE_FIRST, log=True, family="debye_temperature_agl",
    ),
    Property(
        "acoustic_debye_temperature_agl", "Acoustic Debye temperature (computed, AGL)", "kelvin",
        "Debye temperature of the three acoustic branches alone, by AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", 1.0, 4000.0, (Reading("aflow", "agl_acoustic_debye", "kelvin", AGL),),
        PBE_FIRST, log=True, family="debye_temperature_agl",
        family_words="over the cube root of the number of atoms in the primitive cell",
    ),
    Property(
        "debye_temperature_from_elasticity", "Debye temperature (computed, from elastic constants)", "kelvin",
        "Debye temperature from the mean velocity of sound, which computed elastic constants give.",
        "thermal", "computed", 1.0, 4000.0,
        (Reading("mp", "elasticity.debye_temperature", "kelvin", "sound velocities", route="elasticity"),),
        PBE_FIRST, log=True,
    ),
    Property(
        "debye_temperature_measured", "Debye temperature (measured)", "kelvin",
        "Debye temperature from heat capacity or elastic constants.",
        "thermal", "measured", 1.0, 4000.0,
        (Reading("labels", "debye_temperature_measured", "kelvin", "experiment", "experiment"),), log=True,
    ),
    Property(
        "gruneisen_parameter_agl", "Grüneisen parameter (computed, AGL)", "",
        "How much phonons soften as the crystal expands, by AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", -10.0, 10.0, (Reading("aflow", "agl_gruneisen", "", AGL),), PBE_FIRST,
    ),
    Property(
        "heat_capacity_cp_per_atom_agl", "Heat capacity at constant pressure, 300 K (computed, AGL)", "kB/atom",
        "Heat per kelvin and atom at constant pressure and 300 K, by AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", 0.0, 10.0,
        (Reading("aflow", "agl_heat_capacity_Cp_300K", "kB/cell", AGL, temperature=300.0),),
        PBE_FIRST, kind="extensive",
    ),
    Property(
        "heat_capacity_cv_per_atom_agl", "Heat capacity at constant volume, 300 K (computed, AGL)", "kB/atom",
        "Heat per kelvin and atom at constant volume and 300 K, by AFLOW's quasi-harmonic Debye model: at most 3.",
        "thermal", "computed", 0.0, 3.01,
        (Reading("aflow", "agl_heat_capacity_Cv_300K", "kB/cell", AGL, temperature=300.0),),
        PBE_FIRST, kind="extensive",
    ),
    Property(
        "thermal_expansion_agl", "Thermal expansion at 300 K (computed, AGL)", "1/K",
        "Volume expansion of AFLOW's quasi-harmonic Debye model.",
        "thermal", "computed", -1e-3, 1e-2,
        (Reading("aflow", "agl_thermal_expansion_300K", "1/K", AGL, temperature=300.0),),
        PBE_FIRST, shape="tensor invariant",
    ),
    Property(
        "thermal_conductivity_agl", "Thermal conductivity at 300 K (computed, AGL)", "W/m/K",
        "Lattice part, by AFLOW's Debye model: fair in rank, far too low for the best conductors.",
        "thermal", "computed", 0.0, 5000.0,
        (Reading("aflow", "agl_thermal_conductivity_300K", "W/m/K", AGL, temperature=300.0),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "minimum_thermal_conductivity_clarke", "Minimum thermal conductivity (computed, Clarke's model)", "W/m/K",
        "Least a solid of this stiffness and density could conduct, far above the Debye temperature; not what it does.",
        "thermal", "computed", 0.0, 50.0,
        (Reading("mp", "elasticity.thermal_conductivity.clarke", "W/m/K", "Clarke's model", route="elasticity"),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "minimum_thermal_conductivity_cahill", "Minimum thermal conductivity (computed, Cahill's model)", "W/m/K",
        "Least a solid of this sound velocity and density of atoms could conduct: that of a glass; not what it does.",
        "thermal", "computed", 0.0, 50.0,
        (Reading("mp", "elasticity.thermal_conductivity.cahill", "W/m/K", "Cahill's model", route="elasticity"),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "thermal_conductivity_measured", "Thermal conductivity at 300 K (measured)", "W/m/K",
        "Thermal conductivity from experiment at 300 K, electrons and lattice together.",
        "thermal", "measured", 0.0, 10000.0,
        (Reading("labels", "thermal_conductivity_measured", "W/m/K", "experiment", "experiment", temperature=300.0),),
        log=True, shape="tensor invariant",
    ),
    Property(
        "last_phonon_dos_peak", "Last peak of the phonon density of states (computed, DFPT)", "1/cm",
        "Highest frequency at which phonons crowd: goes with stiff bonds between light atoms.",
        "thermal", "computed", 1.0, 5000.0, (), ("PBEsol", *PBE_FIRST), log=True,
    ),
)  # fmt: skip
