"""An Open Catalyst archive as records: the last frame of each trajectory with its energies. Nothing is extracted.

What belongs here: the tar, the xz and the extended XYZ inside, and the reference energies of `system.txt`.
"""

from __future__ import annotations

import lzma
import tarfile
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import IO

import orjson

from lake.sources.page import Record, Unusable

LONGEST_LINE = 1 << 16  # characters: a frame's lines are short, a decompression bomb's need not be
MOST_ATOMS = 10_000
MEDIA_TYPE = "chemical/x-extxyz+json"


def relaxations(file: IO[bytes]) -> tuple[list[Record], dict[str, str]]:
    """Records of an archive (open for reading), and the systems that could not be read, with their reasons."""
    frames, references, missing = {}, {}, {}
    with tarfile.open(fileobj=file, mode="r:*") as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if name == "system.txt":
                references.update(_references(content.read(1 << 28).decode()))
            elif name.endswith(".extxyz.xz"):
                system = name.removesuffix(".extxyz.xz")
                try:
                    with lzma.open(content, "rt", encoding="utf-8") as lines:
                        frames[system] = last_frame(iter(partial(lines.readline, LONGEST_LINE), ""))
                except (Unusable, lzma.LZMAError, EOFError, UnicodeDecodeError) as fault:
                    missing[system] = f"{member.name} cannot be read: {fault}"
    return [_record(system, frame, references.get(system)) for system, frame in frames.items()], missing


def last_frame(lines: Iterable[str]) -> str:
    """The last frame of an extended XYZ trajectory, verbatim; Unusable where it breaks off or is none."""
    frame: list[str] = []
    lines = iter(lines)
    for head in lines:
        if not head.strip():
            continue
        if not head.strip().isdigit() or int(head) > MOST_ATOMS:
            raise Unusable(f"a frame must begin with its number of atoms, found {head[:40]!r}")
        frame = [head, *islice(lines, int(head) + 1)]
        if len(frame) != int(head) + 2:
            raise Unusable(f"a frame of {int(head)} atoms must have {int(head) + 2} lines, found {len(frame)}")
    if not frame:
        raise Unusable("a trajectory needs frames, found none")
    return "".join(frame)


def _references(text: str) -> dict[str, float]:
    rows = (line.strip().split(",") for line in text.splitlines() if line.strip())
    return {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[1].strip()}


def _record(system: str, frame: str, reference: float | None) -> Record:
    energy = _energy(frame)
    known = energy is not None and reference is not None
    payload = {
        "system_id": system,
        "reference_energy": reference,
        "energy": energy,
        "adsorption_energy": energy - reference if known else None,
        "extxyz": frame,
    }
    return Record(system, orjson.dumps(payload).decode(), MEDIA_TYPE)


def _energy(frame: str) -> float | None:
    """`energy` in eV from a frame's comment line (not `free_energy`)."""
    words = frame.split("\n", 2)[1].split()
    told = next((word.removeprefix("energy=") for word in words if word.startswith("energy=")), None)
    return float(told) if told else None
