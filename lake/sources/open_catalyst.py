"""Open Catalyst (OC20): relaxations of adsorbates on slabs, from its trajectory archives. Nothing here unpickles.

An archive is a tar of `<id>.extxyz.xz` trajectories and a `system.txt` with reference energies. It is downloaded to a
temporary file, held against its MD5, and read member by member without being extracted. A record keeps the last frame.
The IS2RE databases and the mapping table are pickles and are left out.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from lake.crystal import Crystal
from lake.settings import Settings
from lake.sources.http import NotData, Polite, quoted
from lake.sources.page import Entry, Known, Page, Record, SourceDown, Unit, Unusable

# What the documentation publishes, for a server without a list of its own: the four validation archives, 100,000
# relaxations in 22 GB. The training archive (109 GB in one file) waits for resumable downloads.
PUBLISHED = {
    "is2res_val_id_trajectories.tar": "fcb71363018fb1e7127db2500e39e11a",
    "is2res_val_ood_ads_trajectories.tar": "5ced8ea84584aa229d31e693e0fb090f",
    "is2res_val_ood_cat_trajectories.tar": "88dcc02fd8c174a72d2c416878fc44ff",
    "is2res_val_ood_both_trajectories.tar": "bc74b6474a13542cc56eaa97bd51adfc",
}
LONGEST_LINE = 1 << 16  # characters: a frame's lines are short, a decompression bomb's need not be
MOST_ATOMS = 10_000
MEDIA_TYPE = "chemical/x-extxyz+json"


class OpenCatalyst:
    """The relaxed slabs with adsorbates of OC20."""

    name = "ocp"
    title = "Open Catalyst Project"
    citation = "Chanussot et al., ACS Catalysis 11, 6059 (2021), doi:10.1021/acscatal.0c04525"
    licence = "CC BY 4.0"

    def __init__(self, settings: Settings) -> None:
        self._http = Polite(self.name, settings)

    def marker(self) -> str:
        """Digest of the list of archives and their MD5s: releases are fixed, so it hardly ever moves."""
        return sha256(orjson.dumps(self._archives(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def plan(self, known: Known) -> Iterator[Unit]:
        """One archive at a time."""
        for archive, md5 in sorted(self._archives().items()):
            yield Unit(f"{archive}@{md5[:8]}", {"archive": archive, "md5": md5})

    def fetch(self, unit: Unit) -> Page:
        """Download an archive, verify it, and read the last frame of each of its trajectories."""
        url = f"{self._http.base}/{unit.request['archive']}"
        with TemporaryFile() as file:
            answer = self._http.download(url, file, str(unit.request["md5"]))
            try:
                records, missing = _records(file)
            except (tarfile.TarError, UnicodeDecodeError) as fault:
                raise SourceDown(f"ocp: {url} must be a tar of trajectories, found {fault}") from fault
        expected = len(records) + len(missing)
        return Page(answer.url, records, answer.sha256, expected, None, answer.attempts, missing)

    def stamp(self, payload: str) -> str:
        """Relaxations do not change within a release."""
        return ""

    def fields(self, payload: str) -> Mapping[str, object]:
        """`system_id`, `energy`, `reference_energy`, `adsorption_energy` in eV, and the last frame."""
        return orjson.loads(payload)

    def read(self, payload: str) -> Entry:
        """The relaxed slab with its adsorbate, in its periodic box with vacuum."""
        return Entry(_crystal(orjson.loads(payload)["extxyz"]), "RPBE", "slab+adsorbate", self.licence)

    def _archives(self) -> dict[str, str]:
        """Archive -> MD5, from the server's `index.txt` where it has one, else as published."""
        return self._http.ask(f"{self._http.base}/index.txt", index_of, may_be_absent=True).value or PUBLISHED


def source(settings: Settings) -> OpenCatalyst:
    """The configured source."""
    return OpenCatalyst(settings)


def index_of(body: bytes) -> dict[str, str]:
    """Archive -> MD5 from lines as md5sum writes them; raises NotData for anything else."""
    archives = {}
    for line in body.decode("utf-8", "replace").splitlines():
        md5, _, archive = line.strip().partition(" ")
        if not line.strip() or not archive.strip().endswith((".tar", ".tar.gz")):
            continue
        archives[archive.strip(" *")] = md5.lower()
    if not archives or not all(len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in archives.values()):
        raise NotData(f"something else where a list of MD5s belongs, beginning {quoted(body)}")
    return archives


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


def _records(file: IO[bytes]) -> tuple[list[Record], dict[str, str]]:
    """Records of an archive, and the members that could not be read with their reasons."""
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


def _crystal(frame: str) -> Crystal:
    from ase.io import read

    atoms: Any = read(io.StringIO(frame), format="extxyz")
    if not atoms.cell.rank == 3:
        raise Unusable("a slab needs a cell of three vectors, found fewer")
    return Crystal(atoms.cell.array, atoms.get_scaled_positions(wrap=False), atoms.numbers)
