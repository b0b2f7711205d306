"""Sameness: what `same` is given, files or ids of the lake, read and put to the decision."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.manners import NoLake

if TYPE_CHECKING:
    from lake.lookup import Named
    from lake.store import Lake
    from lake.structures.explained import Verdict


class Unreadable(ValueError):
    """Something that is neither a crystal's file nor an id of the lake: a reason each, in `faults`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def compared(lake: "Callable[[], Lake]", a: str, b: str) -> "Verdict":
    """The verdict on two files, entries or materials; the lake is asked for only where one is no file.

    Two entries that the lake has compared already get its own decision. Raises Unreadable.
    """
    from lake.lookup import recorded
    from lake.structures.explained import verdict

    found, faults = [], []
    for name in (a, b):
        try:
            found.append(_in_file(Path(name)) if Path(name).exists() else _in_lake(lake, name))
        except Unreadable as fault:
            faults += fault.faults
    if faults:
        raise Unreadable(faults)
    one, other = found
    ours = one.material and other.material
    known = recorded(lake(), one.candidate, other.candidate) if ours else None
    return verdict(one.candidate, other.candidate, known, (one.material, other.material))


def _in_file(path: Path) -> "Named":
    from lake.lookup import Named
    from lake.structures.compare import Candidate
    from pipelines.crystal_files import crystals_in

    crystals, faults = crystals_in([path])
    if faults:
        raise Unreadable(faults)
    crystal = crystals[str(path)]
    return Named(Candidate(str(path), "file", crystal.reduced_formula, crystal), None)


def _in_lake(lake: "Callable[[], Lake]", name: str) -> "Named":
    from lake.lookup import UnknownId, named

    try:
        return named(lake(), name)
    except NoLake as fault:
        raise Unreadable([f"{name} is no file, and an id needs a lake: {fault}"]) from None
    except UnknownId as fault:
        raise Unreadable([str(fault)]) from None
