"""Crystal files: what `predict` is given. CIF by our own reader, everything else by pymatgen's."""

from collections.abc import Sequence
from pathlib import Path

from lake.crystal import Crystal, CrystalError


def crystals_in(files: Sequence[Path]) -> dict[str, Crystal]:
    """File name -> its crystal; CrystalError names the file that holds none."""
    return {str(file): _read(file) for file in files}


def _read(file: Path) -> Crystal:
    from pymatgen.core import Structure

    from lake.cif import crystal_from_cif

    try:
        if file.suffix.lower() == ".cif":
            return crystal_from_cif(file.read_text()).checked()
        return Crystal.from_pymatgen(Structure.from_file(file)).checked()
    except Exception as error:  # pymatgen's readers raise whatever they stumble over
        raise CrystalError(f"{file} holds no crystal that can be read: {error}") from error
