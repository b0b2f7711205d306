"""Levels of theory and schemes of correction that several properties share, each named once.

What belongs here: names, and which levels a property admits in which order. What is assumed is marked [U]: seen in no
answer of the service, and to be changed here.
"""

from __future__ import annotations

# Materials Project's hulls, each of which is a level of its own (emmet's ThermoType; `thermo_type` in its documents).
# Energies of different hulls share no zero. r2SCAN's own hull is written as the functional it stands on.
MIXED = "GGA_GGA+U_R2SCAN"  # summary's energies: the default of emmet's builder [U: a summary does not name its hull]
GGA_AND_U = "GGA_GGA+U"
R2SCAN = "r2SCAN"

# Corrections as the databases state them.
MP2020 = "MP2020"  # pymatgen's MaterialsProject2020Compatibility, on GGA and GGA+U
MP2020_MIXED = "MP2020, mixed with r2SCAN"  # its MaterialsProjectDFTMixingScheme, which leaves r2SCAN uncorrected
OQMD_FITTED = "OQMD fitted references"  # the fit `standard`; there are others, which no crawl asks for

# Materials Project's phonons by DFPT are Abinit's with PBEsol (Petretto et al., Sci. Data 5, 180065, 2018), while all
# else there is VASP's [U: a document names method and code, no functional].
PBESOL = "PBEsol"

# All other readings take the level of the row: AFLOW's and OQMD's as told, Materials Project's from the task behind the
# structure [U: another task may stand behind a gap or a tensor; `run_types` in the record names those that are told].
# PBE and PBE+U are what the three databases share; the matrix falls back to any other, named in its provenance.
PBE_FIRST = ("PBE", "PBE+U", "*")
# Energies that stand on a hull: Materials Project's come first, corrected ones before others.
HULLS_FIRST = (MIXED, GGA_AND_U, *PBE_FIRST)

# Density functional perturbation theory, as it is told for three groups.
DFPT = "density functional perturbation theory"
