"""Open Catalyst (OC20): relaxations of adsorbates on slabs, from its trajectory archives. Nothing here unpickles.

An archive is a tar of `<id>.extxyz.xz` trajectories and a `system.txt` with reference energies. It is downloaded to a
temporary file, held against its MD5, and read member by member without being extracted (relaxations.py).
The IS2RE databases and the mapping table are pickles and are left out.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any

import orjson

from lake.crystal import Crystal
from lake.settings import Settings
from lake.sources.answers import NotData, quoted
from lake.sources.http import Polite
from lake.sources.page import Entry, Known, Page, SourceDown, Unit, Unusable
from lake.sources.relaxations import relaxations

# What the documentation publishes, for a server without a list of its own: the four validation archives, 100,000
# relaxations in 22 GB. The training archive (109 GB in one file) waits for resumable downloads.
PUBLISHED = {
    "is2res_val_id_trajectories.tar": "fcb71363018fb1e7127db2500e39e11a",
    "is2res_val_ood_ads_trajectories.tar": "5ced8ea84584aa229d31e693e0fb090f",
    "is2res_val_ood_cat_trajectories.tar": "88dcc02fd8c174a72d2c416878fc44ff",
    "is2res_val_ood_both_trajectories.tar": "bc74b6474a13542cc56eaa97bd51adfc",
}


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
                records, missing = relaxations(file)
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


def _crystal(frame: str) -> Crystal:
    from ase.io import read

    atoms: Any = read(io.StringIO(frame), format="extxyz")
    if not atoms.cell.rank == 3:
        raise Unusable("a slab needs a cell of three vectors, found fewer")
    return Crystal(atoms.cell.array, atoms.get_scaled_positions(wrap=False), atoms.numbers)
