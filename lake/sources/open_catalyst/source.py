"""Open Catalyst (OC20): relaxations of adsorbates on slabs, from its trajectory archives. Nothing here unpickles.

An archive is a plain tar of `<id>.extxyz.xz` trajectories and a `system.txt` with reference energies. It is downloaded
once, goes on where a download broke off, is held against its MD5, and stays on disk while hundreds of its members after
hundreds are read by their places (relaxations.py); it is never extracted. The next archive's download removes it, so
that the disk holds one at a time; the last one stays until then, or until somebody removes the folder.
The real server's list stands in its documentation, so in archives.py; a server of one's own may tell it
in an `index.txt`, as md5sum writes it. Which archives are taken: `CRYSTAL_LAKE_OCP_ARCHIVES`.

Left out: the IS2RE databases (LMDB) and the mapping tables, which are pickles, and OC22 (archives.py).
Assumed, never seen live: that archives hold what the documentation says. Others found (2020, 2023) that the real server
answers 403 for what it does not have; 403 stands for a refusal as well, so it stops a crawl and buries nothing.
Tried on: eight recorded relaxations, and the mirror on loopback.
"""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import requests

from lake.crystal import CrystalError
from lake.extxyz import crystal_from_extxyz
from lake.settings import Settings
from lake.sources.open_catalyst.archives import PACKED, PUBLISHED, UNPACKED, USUAL, chosen
from lake.sources.open_catalyst.relaxations import Contents, contents, relaxations
from lake.sources.page import MAIN, Entry, Forecast, Page, Record, Unit
from lake.sources.scope import Scope
from lake.spoken import storage
from lake.wire.answers import ABSENT, PASSING, NotData, TryAgain, quoted
from lake.wire.down import SourceDown
from lake.wire.http import Polite

PER_UNIT = 500  # trajectories: about 20 s of unpacking, and some MB of last frames
BYTES_PER_RECORD = 3_100  # on disk in the lake: measured on last frames of 75 atoms, Parquet packed by zstd
MOST_ASKED = 8  # archives whose size is asked for; where more are taken, what is published has to do
LISTING = "archives"
HOME = str(Settings.model_fields["ocp_url"].default)


class OpenCatalyst:
    """The relaxed slabs with adsorbates of OC20."""

    name = "ocp"
    title = "Open Catalyst Project"
    citation = "Chanussot et al., ACS Catalysis 11, 6059 (2021), doi:10.1021/acscatal.0c04525"
    licence = "CC BY 4.0"
    keeps: Mapping[str, tuple[str, ...]] = {MAIN: ()}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = Polite(self.name, settings)
        self._once = Polite(self.name, settings.model_copy(update={"attempts": 1}))
        self._folder = settings.ocp_downloads or settings.root / "downloads" / "ocp"
        self._contents: tuple[Path, Contents] | None = None

    def marker(self) -> str:
        """Digest of the archives that are taken and their MD5s: releases are fixed, so it hardly ever moves."""
        archives = self._archives(self._http)
        taken = {name: archives[name] for name in self._taken(archives)}
        return sha256(orjson.dumps(taken, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def alive(self) -> None:
        """Whether the first archive that is taken is there."""
        archives = self._archives(self._once)
        first = self._taken(archives)[0]
        if self._size(first, self._once) is None:
            raise SourceDown(f"ocp: {self._url(first)} must be there, found nothing; the list of archives has changed")

    def forecast(self, scope: Scope) -> Forecast:
        """Sizes as the server tells them (a few) or as published (many); records from the average trajectory."""
        archives = self._archives(self._http)
        taken = self._taken(archives)
        ask = len(taken) <= MOST_ASKED
        sizes = [self._size(name, self._http) if ask or name not in PUBLISHED else None for name in taken]
        sizes = [size or _published_size(name) for name, size in zip(taken, sizes, strict=True)]
        records = max(len(taken), sum(sizes) // PACKED)
        records = min(records, scope.limit or records)
        largest = max(sizes)
        note = (
            f"{len(taken)} archives of {storage(sum(sizes))} in all are downloaded one after another; the largest has "
            f"{storage(largest)} and needs them on disk. Unpacked they are about "
            f"{storage(sum(sizes) / PACKED * UNPACKED)}, which pass through memory and never lie on disk. "
            "A crawl of some elements, or with a limit, still downloads whole archives"
        )
        return Forecast(records, 1 + len(taken), largest + records * BYTES_PER_RECORD, note)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """The list of archives; all else follows from it."""
        yield Unit(LISTING, _wish(scope))

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """Records are whole: there is no field to be fetched alone."""
        raise ValueError(
            f"records of Open Catalyst are whole, so {field!r} is in them or nowhere: none is fetched alone"
        )

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """The list of archives, an archive, some of its members, or the ids of an archive that the lake holds whole."""
        request = unit.request
        if unit.key == LISTING:
            return self._list(request, known)
        if "held" in request:
            return self._standing(request, known)
        if "first" in request:
            return self._members(request, known)
        return self._archive(request)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Fewer members of the same archive; a list and an archive cannot be divided."""
        request = unit.request
        if "first" not in request or unit.alone:
            return ()
        first, count = int(request["first"]), int(request["count"])
        cut = (count + 1) // 2
        return (_some(request, first, cut), _some(request, first + cut, count - cut))

    def fields(self, payload: str) -> Mapping[str, object]:
        """`system_id`, `energy`, `reference_energy`, `adsorption_energy` in eV, and the last frame."""
        return orjson.loads(payload)

    def read(self, payload: str) -> Entry:
        """The relaxed slab with its adsorbate, in its periodic box with vacuum."""
        crystal = crystal_from_extxyz(orjson.loads(payload)["extxyz"])
        return Entry(crystal, "RPBE", "slab+adsorbate", self.licence)

    def _list(self, wish: Mapping[str, Any], known: Mapping[str, str]) -> Page:
        """What to do with each archive: those that are held whole are only listed, the others are fetched.

        Archives that are no longer chosen are listed as well while they stand: their records are not gone.
        """
        archives = self._archives(self._http)
        taken = self._taken(archives)
        held = Counter(known.values())
        following = []
        for stamp, count in sorted(held.items()):
            archive, md5, total = _parts(stamp)
            whole = count == total
            if archives.get(archive) == md5 and (whole or archive not in taken):
                request = {"archive": archive, "md5": md5, "held": stamp, "total": total if whole else None}
                following.append(Unit(f"{_key(request)}/held", request, archive))
        listed = {unit.partition for unit in following}
        for archive in taken:
            if archive not in listed:
                request = {"archive": archive, "md5": archives[archive], **wish}
                following.append(Unit(_key(request), request, archive))
        told = orjson.dumps(archives, option=orjson.OPT_SORT_KEYS)
        return Page(f"{self._http.base}/index.txt", (), sha256(told).hexdigest(), following=tuple(following), listed=())

    def _standing(self, request: Mapping[str, Any], known: Mapping[str, str]) -> Page:
        """The ids of an archive that the lake holds, if it is still there."""
        there = self._size(str(request["archive"]), self._http) is not None
        ids = [source_id for source_id, stamp in known.items() if stamp == request["held"]] if there else []
        digest = sha256("\n".join(ids).encode()).hexdigest()
        total = request["total"] if there else None
        return Page(self._url(str(request["archive"])), (), digest, listed=ids, total=total)

    def _archive(self, request: Mapping[str, Any]) -> Page:
        """Download an archive and look through it: which members follow, which systems have none."""
        archive, url = str(request["archive"]), self._url(str(request["archive"]))
        path = self._path(request)
        self._make_room(path)
        answer = self._http.download(url, path, str(request["md5"]))
        there = self._look_through(request)
        lacking = dict.fromkeys(there.lacking, f"system.txt of {archive} names it, and there is no trajectory of it")
        following = tuple(
            _some(request, first, min(PER_UNIT, len(there.members) - first))
            for first in range(0, len(there.members), PER_UNIT)
        )
        return Page(
            answer.url, (), answer.sha256, len(lacking) + len(there.refused), following, answer.attempts,
            {**lacking, **there.refused}, listed=there.lacking, total=there.total,
        )  # fmt: skip

    def _members(self, request: Mapping[str, Any], known: Mapping[str, str]) -> Page:
        """Some members of an archive, from disk; those that the lake holds already are only listed."""
        first, count = int(request["first"]), int(request["count"])
        path, url, attempts = self._path(request), self._url(str(request["archive"])), 0
        if not path.exists():  # somebody tidied up
            self._make_room(path)
            attempts = self._http.download(url, path, str(request["md5"])).attempts
        there = self._look_through(request)
        stamp = f"{request['archive']}@{request['md5']}/{there.total}"
        scope = Scope(tuple(request.get("elements", ())), tuple(request.get("chemsys", ())))
        members = there.members.slice(first, count)
        fresh = members.filter(
            pl.Series([known.get(system) != stamp for system in members["system"]], dtype=pl.Boolean)
        )
        records, missing, digest = [], {}, sha256()
        with path.open("rb") as file:
            for system, packed, found in relaxations(file, fresh):
                digest.update(packed)
                if isinstance(found, str):
                    missing[system] = found
                elif _belongs(found, scope):
                    records.append(Record(system, found.payload, found.media_type, stamp))
        return Page(
            f"{url}#members={first}-{first + count - 1}", records, digest.hexdigest(), len(records) + len(missing),
            attempts=attempts, missing=missing, listed=members["system"].to_list(),
        )  # fmt: skip

    def _look_through(self, request: Mapping[str, Any]) -> Contents:
        """What the archive on disk holds; the last one looked through is remembered."""
        path = self._path(request)
        if self._contents is None or self._contents[0] != path:
            try:
                with path.open("rb") as file:
                    self._contents = (path, contents(file))
            except tarfile.TarError as fault:
                url = self._url(str(request["archive"]))
                raise SourceDown(f"ocp: {url} must be a plain tar of trajectories, found {fault}") from fault
        return self._contents[1]

    def _path(self, request: Mapping[str, Any]) -> Path:
        return self._folder / f"{_key(request).replace('/', '+')}.tar"

    def _make_room(self, path: Path) -> None:
        """Remove the archives that were read before; files of other names are none of ours."""
        for old in self._folder.glob("*.tar@????????.tar*"):
            if not old.name.startswith(path.name):
                old.unlink()
        self._folder.mkdir(parents=True, exist_ok=True)

    def _url(self, archive: str) -> str:
        return f"{self._http.base}/{archive}"

    def _taken(self, archives: Mapping[str, str]) -> tuple[str, ...]:
        """The archives of this crawl: those of the settings, else the usual ones, or all of a server of one's own."""
        patterns = [word.strip() for word in self._settings.ocp_archives.split(",") if word.strip()]
        usual = USUAL if archives == _published() else ("*",)
        return chosen(archives, patterns or usual)

    def _archives(self, http: Polite) -> dict[str, str]:
        """Archive -> MD5, from the server's `index.txt` where it has one, else as published."""
        if http.base == HOME:
            return _published()
        return http.ask(f"{http.base}/index.txt", index_of, may_be_absent=True).value or _published()

    def _size(self, archive: str, http: Polite) -> int | None:
        """Bytes of an archive on the server, None where it has no such file. Raises SourceDown."""
        url = self._url(archive)

        def once() -> int | None:
            # past `request`, which wants a body: a HEAD has none
            response = requests.Session.request(http, "HEAD", url, timeout=http.settings.timeout)
            if response.status_code in ABSENT:
                return None
            if response.status_code in PASSING:
                raise TryAgain(f"HTTP {response.status_code}")
            if response.status_code != 200:
                raise SourceDown(f"ocp: {url} must be there or not, found HTTP {response.status_code} for a HEAD")
            return int(response.headers.get("Content-Length", 0))

        return http.patiently(url, once)


def source(settings: Settings) -> OpenCatalyst:
    """The configured source."""
    return OpenCatalyst(settings)


def index_of(body: bytes) -> dict[str, str]:
    """Archive -> MD5 from lines as md5sum writes them; raises NotData for anything else."""
    archives = {}
    for line in body.decode("utf-8", "replace").splitlines():
        md5, _, archive = line.strip().partition(" ")
        archive = archive.strip(" *")
        if archive.endswith(".tar") and not archive.startswith("/") and ".." not in archive.split("/"):
            archives[archive] = md5.lower()
    if not archives or not all(len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in archives.values()):
        raise NotData(f"something else where a list of MD5s belongs, beginning {quoted(body)}")
    return archives


def _published() -> dict[str, str]:
    return {name: archive.md5 for name, archive in PUBLISHED.items()}


def _published_size(archive: str) -> int:
    return (PUBLISHED[archive].size if archive in PUBLISHED else None) or 0


def _wish(scope: Scope) -> dict[str, list[str]]:
    """The part of a scope that members are chosen by: no server can be asked for elements."""
    told = {"elements": list(scope.elements), "chemsys": list(scope.chemsys)}
    return {name: symbols for name, symbols in told.items() if symbols}


def _key(request: Mapping[str, Any]) -> str:
    return f"{request['archive']}@{str(request['md5'])[:8]}"


def _some(request: Mapping[str, Any], first: int, count: int) -> Unit:
    """Members of an archive, counted from its beginning."""
    words = {name: request[name] for name in ("archive", "md5", "elements", "chemsys") if name in request}
    key = f"{_key(request)}/members={first:06d}-{first + count - 1:06d}"
    return Unit(key, {**words, "first": first, "count": count}, str(request["archive"]), alone=count == 1)


def _parts(stamp: str) -> tuple[str, str, int | None]:
    """Archive, MD5 and number of systems in a stamp; what else a lake may hold belongs to no archive."""
    rest, _, total = stamp.rpartition("/")
    archive, _, md5 = rest.rpartition("@")
    return archive, md5, int(total) if total.isdigit() else None


def _belongs(record: Record, scope: Scope) -> bool:
    """Whether a record holds what was asked for; one that cannot be read belongs to all of the source alone."""
    if scope.whole:
        return True
    try:
        return scope.holds(crystal_from_extxyz(orjson.loads(record.payload)["extxyz"]).counts)
    except CrystalError:
        return False
