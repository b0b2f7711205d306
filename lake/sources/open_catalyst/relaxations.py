"""An Open Catalyst archive as records: the last frame of each trajectory with its energies. Nothing is extracted.

What belongs here: the tar, the xz inside, and the reference energies of `system.txt`, which may stand anywhere in the
tar. An archive is looked through once, header by header; then its members are read by their place in the file.
Nothing is ever written under a member's name, and what is no plain file inside the archive is refused with a reason.
"""

from __future__ import annotations

import lzma
import re
import tarfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

import orjson
import polars as pl

from lake.crystal import CrystalError
from lake.extxyz import extxyz_fields, frames
from lake.sources.page import Record

LONGEST_LINE = 1 << 16  # bytes: a frame's lines are short, a decompression bomb's need not be
LARGEST_MEMBER = 1 << 28  # bytes packed; the real ones have 0.24 MB on average
LARGEST_TRAJECTORY = 1 << 30  # bytes unpacked; the real ones have 1.8 MB on average
DECODER_MEMORY = 1 << 28  # bytes that an xz header may ask for; the strongest preset asks for 65 MB
CHUNK = 1 << 16
MEDIA_TYPE = "chemical/x-extxyz+json"
_SYSTEM = re.compile(r"[\w.-]{1,100}\.extxyz\.xz")


@dataclass(frozen=True)
class Contents:
    """What an archive holds.

    members: one row a trajectory, in the order of the file: system, start and size in bytes, reference in eV (or null).
    lacking: systems that system.txt names and that have no trajectory. refused: member -> why it is not looked into.
    """

    members: pl.DataFrame
    lacking: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Distinct systems, with and without a trajectory."""
        return len(self.members) + len(self.lacking)


def contents(file: BinaryIO) -> Contents:
    """Look through a plain tar; raises tarfile.TarError for anything else."""
    refused: dict[str, str] = {}
    references: dict[str, float | None] = {}
    rows: dict[str, tuple[int, int]] = {}
    with tarfile.open(fileobj=file, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # it would keep every header it ever saw
            reason = _why_not(member)
            name = PurePosixPath(member.name).name
            if reason:
                refused[member.name] = reason
            elif member.isfile() and name == "system.txt":
                text = tar.extractfile(member).read().decode("utf-8", "replace")  # type: ignore[union-attr]
                references |= _references(text, member.name, refused)
            elif member.isfile() and _SYSTEM.fullmatch(name):
                system = name.removesuffix(".extxyz.xz")
                if system in rows:
                    refused[member.name] = f"a system stands once in its archive, found {system} again"
                else:
                    rows[system] = (member.offset_data, member.size)
    members = pl.DataFrame(
        {
            "system": list(rows),
            "start": [start for start, _ in rows.values()],
            "size": [size for _, size in rows.values()],
            "reference": [references.get(system) for system in rows],
        },
        schema={"system": pl.String, "start": pl.Int64, "size": pl.Int64, "reference": pl.Float64},
    )
    return Contents(members, tuple(system for system in references if system not in rows), refused)


def relaxations(file: BinaryIO, members: pl.DataFrame) -> Iterator[tuple[str, bytes, Record | str]]:
    """Each of these members of an open archive: its system, its packed bytes, and its record or why there is none."""
    for system, start, size, reference in members.iter_rows():
        file.seek(start)
        packed = file.read(size)
        try:
            yield system, packed, _record(system, last_frame(packed), reference)
        except (CrystalError, lzma.LZMAError, EOFError, UnicodeDecodeError) as fault:
            yield system, packed, f"{system}.extxyz.xz cannot be read: {fault}"


def last_frame(packed: bytes) -> str:
    """The last frame of a packed trajectory, verbatim; CrystalError, LZMAError or EOFError where it is not whole."""
    last = deque(frames(_lines(_unpacked(packed))), maxlen=1)
    if not last:
        raise CrystalError("a trajectory needs frames, found none")
    return b"".join(last[0]).decode()


def _why_not(member: tarfile.TarInfo) -> str | None:
    """Why a member is not looked into; None for a folder or a plain file that stays inside its archive."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        return "a member's name must stay inside its archive"
    if not (member.isdir() or member.isreg()) or member.issparse():
        return "a member must be a plain file, found a link, a device or a file with holes"
    if member.size > LARGEST_MEMBER:
        return f"a member must stay below {LARGEST_MEMBER:,} bytes, found {member.size:,}"
    return None


def _references(text: str, name: str, refused: dict[str, str]) -> dict[str, float | None]:
    """System -> reference energy in eV, None where the line has none; what is no such line is refused, told once."""
    found: dict[str, float | None] = {}
    strange = []
    for line in text.splitlines():
        system, comma, energy = line.strip().partition(",")
        try:
            if comma and system:
                found[system] = float(energy) if energy.strip() else None
            elif line.strip():
                strange.append(line)
        except ValueError:
            found[system] = None
            strange.append(line)
    if strange:
        refused[name] = (
            f"lines must be `system_id,reference_energy`, found {len(strange)} others as {strange[0][:80]!r}"
        )
    return found


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """The bytes of one or more xz streams, piece by piece, within limits of memory and size."""
    size = 0
    while packed:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DECODER_MEMORY)
        while not decoder.eof:
            piece = decoder.decompress(packed, CHUNK)
            packed = b""
            size += len(piece)
            if size > LARGEST_TRAJECTORY:
                raise CrystalError(f"a trajectory must stay below {LARGEST_TRAJECTORY:,} bytes, found more")
            if not piece and not decoder.eof and decoder.needs_input:
                raise EOFError("the xz breaks off")
            yield piece
        packed = decoder.unused_data.lstrip(b"\0")  # streams may be padded with zeros


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their ends, as they stand."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise CrystalError(f"lines must stay below {LONGEST_LINE:,} bytes, found a longer one")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def _record(system: str, frame: str, reference: float | None) -> Record:
    energy = extxyz_fields(frame).get("energy")  # not `free_energy`
    energy = energy if isinstance(energy, float) else None
    payload = {
        "system_id": system,
        "reference_energy": reference,
        "energy": energy,
        "adsorption_energy": energy - reference if energy is not None and reference is not None else None,
        "extxyz": frame,
    }
    return Record(system, orjson.dumps(payload).decode(), MEDIA_TYPE)
