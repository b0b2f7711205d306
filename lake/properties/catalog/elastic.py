"""Elasticity: averages of the elastic tensor, what follows from them, and AGL's bulk moduli.

Source: emmet-core 0.87 (SummaryDoc, ElasticityDoc), AFLUX keywords (aflow 0.0.11). The average of Voigt, Reuss and Hill
is the modulus; its bounds are properties of their own. Young's modulus comes in Pa from a database whose other moduli
are in GPa. AFLOW's `ael_elastic_anisotropy` is the universal anisotropy (two complete entries say so to four
decimals). Not read: Snyder's sound velocities, which pymatgen computes by a formula for thermal conductivity.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property, Reading

MP, AEL, AGL = "stress-strain", "AEL stress-strain", "AGL quasi-harmonic Debye model"
ISOTROPIC = "stress-strain, from the averaged moduli"

ELASTIC = (
    Property(
        "bulk_modulus", "Bulk modulus (computed, DFT)", "GPa",
        "Resistance to uniform compression, Voigt-Reuss-Hill average of the elastic tensor.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "bulk_modulus.vrh", "GPa", f"{MP}, VRH"),
            Reading("aflow", "ael_bulk_modulus_vrh", "GPa", f"{AEL}, VRH"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="bulk_modulus",
    ),
    Property(
        "bulk_modulus_voigt", "Bulk modulus, Voigt bound (computed, DFT)", "GPa",
        "Resistance to uniform compression of a polycrystal whose grains share one strain: the upper bound.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "bulk_modulus.voigt", "GPa", f"{MP}, Voigt"),
            Reading("aflow", "ael_bulk_modulus_voigt", "GPa", f"{AEL}, Voigt"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="bulk_modulus",
        family_words="its upper bound, equal to it in a cubic crystal",
    ),
    Property(
        "bulk_modulus_reuss", "Bulk modulus, Reuss bound (computed, DFT)", "GPa",
        "Resistance to uniform compression of a polycrystal whose grains share one stress: the lower bound.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "bulk_modulus.reuss", "GPa", f"{MP}, Reuss"),
            Reading("aflow", "ael_bulk_modulus_reuss", "GPa", f"{AEL}, Reuss"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="bulk_modulus",
        family_words="its lower bound, equal to it in a cubic crystal",
    ),
    Property(
        "bulk_modulus_measured", "Bulk modulus (measured)", "GPa",
        "Resistance to uniform compression, from experiment near room temperature.",
        "elastic", "measured", 0.0, 700.0,
        (Reading("labels", "bulk_modulus_measured", "GPa", "experiment", "experiment"),),
        log=True, shape="tensor invariant",
    ),
    Property(
        "bulk_modulus_static_agl", "Bulk modulus, static (computed, AGL)", "GPa",
        "Curvature of energy over volume at the volume of 300 K, without the motion of the atoms.",
        "elastic", "computed", 0.0, 700.0,
        (Reading("aflow", "agl_bulk_modulus_static_300K", "GPa", AGL, temperature=300.0),),
        PBE_FIRST, log=True,
    ),
    Property(
        "bulk_modulus_isothermal_agl", "Bulk modulus at 300 K, isothermal (computed, AGL)", "GPa",
        "Resistance to uniform compression at 300 K by AFLOW's quasi-harmonic Debye model: softened by warmth.",
        "elastic", "computed", 0.0, 700.0,
        (Reading("aflow", "agl_bulk_modulus_isothermal_300K", "GPa", AGL, temperature=300.0),),
        PBE_FIRST, log=True,
    ),
    Property(
        "shear_modulus", "Shear modulus (computed, DFT)", "GPa",
        "Resistance to shear, Voigt-Reuss-Hill average of the elastic tensor.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "shear_modulus.vrh", "GPa", f"{MP}, VRH"),
            Reading("aflow", "ael_shear_modulus_vrh", "GPa", f"{AEL}, VRH"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="shear_modulus",
    ),
    Property(
        "shear_modulus_voigt", "Shear modulus, Voigt bound (computed, DFT)", "GPa",
        "Resistance to shear of a polycrystal whose grains share one strain: the upper bound.",
        "elastic", "computed", 0.0, 1000.0,
        (
            Reading("mp", "shear_modulus.voigt", "GPa", f"{MP}, Voigt"),
            Reading("aflow", "ael_shear_modulus_voigt", "GPa", f"{AEL}, Voigt"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="shear_modulus", family_words="its upper bound",
    ),
    Property(
        "shear_modulus_reuss", "Shear modulus, Reuss bound (computed, DFT)", "GPa",
        "Resistance to shear of a polycrystal whose grains share one stress: the lower bound.",
        "elastic", "computed", 0.0, 700.0,
        (
            Reading("mp", "shear_modulus.reuss", "GPa", f"{MP}, Reuss"),
            Reading("aflow", "ael_shear_modulus_reuss", "GPa", f"{AEL}, Reuss"),
        ),
        PBE_FIRST, log=True, shape="tensor invariant", family="shear_modulus", family_words="its lower bound",
    ),
    Property(
        "shear_modulus_measured", "Shear modulus (measured)", "GPa",
        "Resistance to shear of the polycrystal, from experiment near room temperature.",
        "elastic", "measured", 0.0, 700.0,
        (Reading("labels", "shear_modulus_measured", "GPa", "experiment", "experiment"),),
        log=True, shape="tensor invariant",
    ),
    Property(
        "young_modulus", "Young's modulus (computed, DFT)", "GPa",
        "Stiffness of the polycrystal when it is pulled: 9 K G / (3 K + G) of its bulk and shear moduli.",
        "elastic", "computed", 0.0, 1500.0,
        (Reading("mp", "elasticity.young_modulus", "Pa", ISOTROPIC, route="elasticity"),),  # Pa: see above
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "poisson_ratio", "Poisson's ratio (computed, DFT)", "",
        "How much the polycrystal thins when it is pulled: (3 K - 2 G) / (6 K + 2 G) of its bulk and shear moduli.",
        "elastic", "computed", -1.0, 0.5,
        (
            Reading("mp", "homogeneous_poisson", "", ISOTROPIC),
            Reading("aflow", "ael_poisson_ratio", "", "AEL stress-strain, from the averaged moduli"),
        ),
        PBE_FIRST, shape="tensor invariant",
    ),
    Property(
        "universal_anisotropy", "Universal elastic anisotropy (computed, DFT)", "",
        "5 G_V/G_R + K_V/K_R - 6 of the bounds of shear and bulk modulus: 0 where all directions are alike.",
        "elastic", "computed", 0.0, 1000.0,
        (
            Reading("mp", "universal_anisotropy", "", MP),
            Reading("aflow", "ael_elastic_anisotropy", "", AEL),
        ),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "transverse_sound_velocity", "Transverse sound velocity (computed, DFT)", "m/s",
        "Speed of sound that shears the polycrystal, from shear modulus and density.",
        "elastic", "computed", 1.0, 20_000.0,
        (Reading("mp", "elasticity.sound_velocity.transverse", "m/s", ISOTROPIC, route="elasticity"),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "longitudinal_sound_velocity", "Longitudinal sound velocity (computed, DFT)", "m/s",
        "Speed of sound that compresses the polycrystal, from both moduli and density.",
        "elastic", "computed", 1.0, 30_000.0,
        (Reading("mp", "elasticity.sound_velocity.longitudinal", "m/s", ISOTROPIC, route="elasticity"),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
)  # fmt: skip
