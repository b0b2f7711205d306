"""Crystal files: what `predict` and `same` are given. CIF by our own reader, everything else by pymatgen's."""

from collections.abc import Sequence
from pathlib import Path

from lake.crystal import Crystal, CrystalError


def crystals_in(files: Sequence[Path]) -> tuple[dict[str, Crystal], list[str]]:
    """File name -> its crystal, and for each file that holds none the reason, which names it."""
    found, faults = {}, []
    for file in files:
        try:
            found[str(file)] = _read(file)
        except CrystalError as fault:
            faults.append(str(fault))
    return found, faults


def _read(file: Path) -> Crystal:
    from pymatgen.core import Structure

    from lake.cif import cif_text, crystal_from_cif

    try:
        if file.suffix.lower() == ".cif":
            return crystal_from_cif(cif_text(file.read_bytes())).checked()
        return Crystal.from_pymatgen(Structure.from_file(file)).checked()
    except Exception as error:  # pymatgen's readers raise whatever they stumble over
        raise CrystalError(f"{file} holds no crystal that can be read: {error}") from error
