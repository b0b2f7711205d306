"""Surfaces of elements, as averages over the Wulff shape.

Source: emmet-core 0.87 (SummaryDoc); Tran et al., Sci. Data 3, 160080 (2016). The surface energy in eV/A^2 that stands
beside is the same number, and is not read.
"""

from __future__ import annotations

from lake.properties.catalog.theory import PBE_FIRST
from lake.properties.definition import Property, Reading

SLABS, WULFF = "slabs", "slabs, Wulff construction"

SURFACE = (
    Property(
        "weighted_surface_energy", "Surface energy (computed, DFT)", "J/m^2",
        "Work to make surface, over all facets of the Wulff shape by their areas.",
        "surface", "computed", 0.0, 20.0, (Reading("mp", "weighted_surface_energy", "J/m^2", WULFF),),
        PBE_FIRST, log=True,
    ),
    Property(
        "weighted_work_function", "Work function (computed, DFT)", "eV",
        "Work to take an electron out to vacuum, over all facets of the Wulff shape by their areas.",
        "surface", "computed", 0.0, 15.0, (Reading("mp", "weighted_work_function", "eV", SLABS),), PBE_FIRST,
    ),
    Property(
        "surface_anisotropy", "Anisotropy of surface energy (computed, DFT)", "",
        "Spread of the facets' surface energies over their mean, by area: 0 where all facets cost the same.",
        "surface", "computed", 0.0, 5.0, (Reading("mp", "surface_anisotropy", "", WULFF),), PBE_FIRST,
    ),
    Property(
        "shape_factor", "Shape factor of the Wulff shape (computed, DFT)", "",
        "Area of the Wulff shape over its volume to the power 2/3: 4.84 for a sphere, more for all else.",
        "surface", "computed", 4.8, 100.0, (Reading("mp", "shape_factor", "", WULFF),), PBE_FIRST,
    ),
)  # fmt: skip
