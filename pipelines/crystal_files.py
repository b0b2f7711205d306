"""Crystal files: what `predict` and `same` are given. CIF and POSCAR by our own readers, all else by pymatgen's."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lake.crystal import Crystal, CrystalError

if TYPE_CHECKING:
    from lake.store import Lake

POSCAR_NAMES = ("POSCAR", "CONTCAR")  # a name begins with one of them
POSCAR_SUFFIXES = (".vasp", ".poscar")


def crystals_in(files: Sequence[Path]) -> tuple[dict[str, Crystal], list[str]]:
    """File name -> its crystal, and for each file that holds none the reason, which names it."""
    found, faults = {}, []
    for file in files:
        try:
            found[str(file)] = _read(file)
        except CrystalError as fault:
            faults.append(str(fault))
    return found, faults


def named_by(asked: Sequence[str]) -> Iterator[str]:
    """What is asked for, folders replaced by all files below them, sorted; names that begin with a dot are passed by.

    A folder that cannot be read or has no file stands for itself, to be refused.
    """
    for name in dict.fromkeys(asked):
        empty = True
        for folder, folders, files in os.walk(name):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            for file in sorted(f for f in files if not f.startswith(".")):
                empty = False
                yield str(Path(folder) / file)
        if empty:
            yield name


def crystal_named(name: str, lake: "Lake") -> Crystal:
    """The crystal of a file, or of an entry or material of the lake; CrystalError says why there is none."""
    return _read(Path(name)) if Path(name).exists() else _of_lake(name, lake)


def _of_lake(name: str, lake: "Lake") -> Crystal:
    import polars as pl

    from lake.lookup import SeveralNamed, UnknownId, material_named
    from lake.tables import ENTRIES

    try:
        entry_id, _ = material_named(lake, name)
    except (UnknownId, SeveralNamed) as fault:
        raise CrystalError(f"{name}: no such file, and no entry: {fault}") from None
    asked = ("kind", "lattice", "positions", "numbers")
    row = lake.scan(ENTRIES).filter(pl.col("entry_id") == entry_id).select(asked).collect().row(0, named=True)
    if row["kind"] != "bulk":
        raise CrystalError(f"{name}: the models speak of ordered bulk crystals, found one of kind {row['kind']}")
    try:
        return Crystal(row["lattice"], row["positions"], row["numbers"]).checked()
    except CrystalError as fault:
        raise CrystalError(f"{name}: {fault}") from None


def _read(file: Path) -> Crystal:
    try:
        return _crystal(file).checked()
    except Exception as error:  # pymatgen's readers raise whatever they stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CrystalError(f"{file} holds no crystal that can be read: {reason}") from error


def _crystal(file: Path) -> Crystal:
    from lake.cif import cif_text, crystal_from_cif
    from lake.poscar import crystal_from_poscar

    if file.is_dir():
        raise CrystalError("a folder without files")
    if not file.is_file():
        raise CrystalError("no regular file")
    if not file.stat().st_size:
        raise CrystalError("the file is empty")
    if file.suffix.lower() == ".cif":
        return crystal_from_cif(cif_text(file.read_bytes()))
    if file.name.upper().startswith(POSCAR_NAMES) or file.suffix.lower() in POSCAR_SUFFIXES:
        return crystal_from_poscar(file.read_text(encoding="utf-8"))
    from pymatgen.core import Structure

    return Crystal.from_pymatgen(Structure.from_file(file))
