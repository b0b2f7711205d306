"""Your own crystals: a folder of CIF, POSCAR, extended XYZ and OPTIMADE files as a source."""
