"""Dielectric response: a third of the tensor's trace, and the index that follows from it.

Source: emmet-core 0.87 (SummaryDoc, PhononBSDOSDoc). The phonon route tells tensors of another calculation of the same
quantities, whose means the source makes. Of its methods only `dfpt` is read: there `epsilon_static` is the total one,
while phonopy's `epsilon_static` is the high-frequency one, as emmet's own words and VASP's say.
"""

from __future__ import annotations

from lake.properties.catalog.theory import DFPT, PBE_FIRST, PBESOL
from lake.properties.definition import Property, Reading


def _phonon(tensor: str) -> Reading:
    """The mean of a tensor that stands beside phonons."""
    path = f"phonon.dfpt.{tensor}_mean"
    return Reading("mp", path, "", f"{DFPT}, beside phonons", PBESOL, route="phonon", field=tensor)


DIELECTRIC = (
    Property(
        "static_dielectric_constant", "Static dielectric constant (computed, DFPT)", "",
        "Electronic plus ionic response, mean of the tensor's eigenvalues.",
        "dielectric", "computed", 1.0, 2000.0,
        (Reading("mp", "e_total", "", DFPT), _phonon("epsilon_static")),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "static_dielectric_constant_measured", "Static dielectric constant (measured)", "",
        "Low-frequency dielectric constant, from experiment near room temperature.",
        "dielectric", "measured", 1.0, 5000.0,
        (Reading("labels", "static_dielectric_constant_measured", "", "experiment", "experiment"),),
        log=True, shape="tensor invariant",
    ),
    Property(
        "ionic_dielectric_constant", "Ionic part of the dielectric constant (computed, DFPT)", "",
        "What displaced ions add to the response of the electrons; the two make up the static constant.",
        "dielectric", "computed", 0.0, 2000.0, (Reading("mp", "e_ionic", "", DFPT),),
        PBE_FIRST, log=True, shape="tensor invariant",
    ),
    Property(
        "optical_dielectric_constant", "Optical dielectric constant (computed, DFPT)", "",
        "Electronic response alone, mean of the tensor's eigenvalues: the square of the refractive index.",
        "dielectric", "computed", 1.0, 500.0,
        (Reading("mp", "e_electronic", "", DFPT), _phonon("epsilon_electronic")),
        PBE_FIRST, log=True, shape="tensor invariant", family="optical_dielectric_constant",
    ),
    Property(
        "optical_dielectric_constant_measured", "Optical dielectric constant (measured)", "",
        "High-frequency dielectric constant, from experiment.",
        "dielectric", "measured", 1.0, 500.0,
        (Reading("labels", "optical_dielectric_constant_measured", "", "experiment", "experiment"),),
        log=True, shape="tensor invariant", family="optical_dielectric_constant_measured",
    ),
    Property(
        "refractive_index", "Refractive index (computed, DFPT)", "",
        "Square root of the optical dielectric constant: the same quantity twice, not a second witness.",
        "dielectric", "computed", 1.0, 25.0, (Reading("mp", "n", "", DFPT),),
        PBE_FIRST, log=True, shape="tensor invariant",
        family="optical_dielectric_constant", family_words="its square root",
    ),
    Property(
        "refractive_index_measured", "Refractive index (measured)", "",
        "Refractive index below the gap, from experiment.",
        "dielectric", "measured", 1.0, 25.0,
        (Reading("labels", "refractive_index_measured", "", "experiment", "experiment"),),
        log=True, shape="tensor invariant",
        family="optical_dielectric_constant_measured", family_words="nearly its square root, at some wavelength",
    ),
)  # fmt: skip
