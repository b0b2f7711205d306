"""Your own crystals: the CIF, POSCAR, extended XYZ and OPTIMADE files below a folder, as a seventh source.

    crystal-lake crawl folder --path DIR

A record is one crystal's text, verbatim, under the path of its file below the folder, with `#` and a block's name, a
frame's number or an OPTIMADE id behind it where a file holds several (an OPTIMADE file always does). A file that is
changed gives new versions, one that is removed tombstones; one that cannot be read is told with its reason, and the
others go on. One lake has one such folder: crawling another one says that the files of the first are gone.

Files are told by name: `*.cif`, `POSCAR*`, `CONTCAR*`, `*.vasp`, `*.poscar`, `*.extxyz`, `*.xyz` (extended XYZ with a
cell; molecules are refused when they are read), and `*.jsonl` as optimade-python-tools writes it. Links are not
followed, hidden and other files are counted and left alone; nothing is unpickled, and no format is guessed from a
content.
Tried on: files of every format, written by ase, pymatgen and gemmi.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from lake.cif import cif_fields, publication_year, structure_from_cif
from lake.crystal import Crystal, CrystalError
from lake.disordered import DisorderedCrystal
from lake.extxyz import crystal_from_extxyz, extxyz_fields
from lake.poscar import crystal_from_poscar
from lake.settings import Settings
from lake.sources.folder.files import STREAMED, BadFile, Found, Piece, format_of, found, pieces, walk
from lake.sources.page import MAIN, Entry, Forecast, Page, Record, Unit, Unusable
from lake.sources.reading import atomic_numbers, cell_vectors, from_cartesian, site_positions, year_of
from lake.sources.scope import Scope
from lake.wire.down import SourceDown

FILES_PER_UNIT = 200
BYTES_PER_UNIT = 8 << 20  # of files, and of texts in memory
FULL = 0.995  # shares above this are full: rounding in print
VACANCY = "vacancy"  # OPTIMADE's symbol of what is not there
MEDIA_TYPES = {
    "cif": "chemical/x-cif+json", "poscar": "chemical/x-vasp-poscar+json", "extxyz": "chemical/x-extxyz+json",
    "optimade": "application/vnd.optimade+json",
}  # fmt: skip


class Folder:
    """The crystals of one folder."""

    name = "folder"
    title = "Your own files"
    citation = "your own: cite what your files come from"
    keeps: Mapping[str, tuple[str, ...]] = {MAIN: ()}

    def __init__(self, path: Path | None, level: str, licence: str) -> None:
        """Files below `path`; the level of theory and the licence are those of all of them."""
        self._path, self._level, self.licence = path, level, licence

    def marker(self) -> str:
        """Digest of the files' paths, sizes and times: it changes whenever somebody writes to one."""
        digest = sha256(str(self._root).encode("utf-8", "surrogateescape"))
        for file in self._walk(Counter()):
            digest.update(f"{file.path}\0{file.version}\n".encode())
        return digest.hexdigest()[:16]

    def alive(self) -> None:
        """Whether the folder is there and can be listed."""
        next(self._walk(Counter()), None)

    def forecast(self, scope: Scope) -> Forecast:
        """Files of each format, and what is left alone; a file counts as one record here, and may hold many."""
        left: Counter[str] = Counter()
        formats: Counter[str] = Counter()
        size = 0
        for file in self._walk(left):
            formats[file.format] += 1
            size += file.size
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(formats.items())) or "no file"
        note = (
            f"{told} below {self._root}; left alone: {left['others']} files of other kinds, {left['hidden']} hidden, "
            f"{left['links']} links"
        )
        files = formats.total()
        return Forecast(min(files, scope.limit or files), 0, size, note)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """Some files at a time, in the order of the folder."""
        wish = {"elements": list(scope.elements), "chemsys": list(scope.chemsys)}
        wish = {name: symbols for name, symbols in wish.items() if symbols}
        some: list[Found] = []
        for file in self._walk(Counter()):
            if some and (len(some) == FILES_PER_UNIT or sum(f.size for f in some) + file.size > BYTES_PER_UNIT):
                yield _unit(some, wish)
                some = []
            some.append(file)
        if some:
            yield _unit(some, wish)

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """Records are whole: there is no field to be fetched alone."""
        raise ValueError(f"records of a folder are whole files, so {field!r} is in them or nowhere: crawl without it")

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """The crystals of these files; a large file ends the page, and what is left of it and of the others follows."""
        files: list[str] = list(unit.request["files"])  # type: ignore[call-overload]
        scope = Scope(tuple(unit.request.get("elements", ())), tuple(unit.request.get("chemsys", ())))  # type: ignore[arg-type]
        records: list[Record] = []
        listed: list[str] = []
        missing: dict[str, str] = {}
        following: tuple[Unit, ...] = ()
        digest, size = sha256(), 0
        for at, path in enumerate(files):
            start, number = self._where(unit, path) if at == 0 else (0, 0)
            try:
                for piece in pieces(self._root, path, start, number):
                    number += 1
                    record = _record(path, piece)
                    if piece.fault:
                        missing[record.source_id] = piece.fault
                        continue
                    digest.update(piece.text.encode())
                    size += len(piece.text)
                    listed.append(record.source_id)
                    if self._belongs(record, scope):
                        records.append(record)
                    if size > BYTES_PER_UNIT and format_of(path) in STREAMED:
                        following = (self._rest(unit, files[at:], piece.end, number),)
                        break
            except (BadFile, OSError) as fault:
                missing[path] = f"{path} cannot be read: {fault}"
            if following:
                break
        request = f"{(self._root / files[0]).as_uri()} and {len(files) - 1} more"
        return Page(
            request, records, digest.hexdigest(), len(records) + len(missing), following, 0, missing, listed=listed
        )

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Fewer files; one file is not divided, and nor is the rest of one."""
        files: list[str] = list(unit.request["files"])  # type: ignore[call-overload]
        if len(files) == 1 or "start" in unit.request:
            return ()
        wish = {name: unit.request[name] for name in ("elements", "chemsys") if name in unit.request}
        cut = (len(files) + 1) // 2
        return tuple(_unit([Found(path, 0, "") for path in some], wish) for some in (files[:cut], files[cut:]))

    def fields(self, payload: str) -> Mapping[str, object]:
        """`file`, `format`, and what the text says: values of a CIF, of a comment line, of an OPTIMADE structure."""
        told = orjson.loads(payload)
        return {**_FIELDS[told["format"]](told["text"]), "file": told["file"], "format": told["format"]}

    def read(self, payload: str) -> Entry:
        """The crystal in its own cell, ordered or not; what is not periodic in three directions cannot be used.

        Of these formats only a CIF has a name for the year of publication.
        """
        told = orjson.loads(payload)
        kind, text = told["format"], told["text"]
        crystal = _CRYSTALS[kind](text)
        year = year_of(publication_year(text)) if kind == "cif" else None
        return Entry(crystal, self._level, licence=self.licence, year=year)

    @property
    def _root(self) -> Path:
        if self._path is None:
            raise SourceDown("folder: a folder must be named, found none: crawl folder --path DIR")
        return self._path.expanduser().resolve()

    def _walk(self, left: Counter[str]) -> Iterator[Found]:
        try:
            yield from walk(self._root, left)
        except OSError as fault:
            raise SourceDown(f"folder: {self._root} must be a folder that can be read, found {fault}") from fault

    def _where(self, unit: Unit, path: str) -> tuple[int, int]:
        """Where the first file of a unit goes on; at its beginning if somebody has written to it since."""
        try:
            same = unit.request.get("version") == found(self._root, path).version
        except OSError:
            same = False
        return (int(unit.request["start"]), int(unit.request["number"])) if same else (0, 0)  # type: ignore[call-overload]

    def _rest(self, unit: Unit, files: list[str], start: int, number: int) -> Unit:
        version = found(self._root, files[0]).version
        key = f"{_digest(files)}/{quote(files[0])}@{version}/from={start:012d}"
        request = {**unit.request, "files": files, "version": version, "start": start, "number": number}
        return Unit(key, request)

    def _belongs(self, record: Record, scope: Scope) -> bool:
        """Whether a record holds what was asked for; one that cannot be read belongs to all of the folder alone."""
        if scope.whole:
            return True
        try:
            return scope.holds(self.read(record.payload).crystal.counts)
        except ValueError:
            return False


def source(settings: Settings) -> Folder:
    """The configured source."""
    return Folder(settings.folder_path, settings.folder_level, settings.folder_licence)


def _unit(files: list[Found], wish: Mapping[str, object]) -> Unit:
    """Files under a name that changes with them: a folder may change while a crawl lies open."""
    paths = [file.path for file in files]
    return Unit(f"{quote(paths[0])}/{_digest(paths)}", {"files": paths, **wish}, alone=len(paths) == 1)


def _digest(paths: list[str]) -> str:
    return sha256("\0".join(paths).encode()).hexdigest()[:16]


def _record(path: str, piece: Piece) -> Record:
    kind = format_of(path)
    payload = orjson.dumps({"file": path, "format": kind, "text": piece.text}).decode()
    stamp = sha256(piece.text.encode()).hexdigest()[:16]
    return Record(f"{path}#{piece.name}" if piece.name else path, payload, MEDIA_TYPES[kind], stamp)


def _attributes(text: str) -> dict[str, Any]:
    row = orjson.loads(text)
    return {**row["attributes"], "id": row["id"]}


def _optimade_crystal(text: str) -> Crystal | DisorderedCrystal:
    row = _attributes(text)
    absent = [name for name in ("lattice_vectors", "species_at_sites") if not row.get(name)]
    if absent:
        raise Unusable(f"a structure needs cell vectors, positions and species; the row lacks {absent}")
    if row.get("nperiodic_dimensions", 3) != 3:
        raise CrystalError(f"a crystal repeats in three directions, found {row['nperiodic_dimensions']}")
    lattice, positions = cell_vectors(row["lattice_vectors"]), site_positions(row.get("cartesian_site_positions"))
    try:
        species = {told["name"]: _mixture(told) for told in row.get("species") or []}
        sites = [species.get(name, {name: 1.0}) for name in row["species_at_sites"]]
    except (KeyError, TypeError, ValueError) as fault:
        raise Unusable(f"species must be as OPTIMADE defines them, found {type(fault).__name__}: {fault}") from None
    if all(len(site) == 1 and 2 - FULL >= min(site.values()) >= FULL for site in sites):
        return from_cartesian(lattice, positions, atomic_numbers([next(iter(site)) for site in sites]))
    if len(sites) != len(positions):
        raise CrystalError(f"every site needs one position, found {len(positions)} for {len(sites)} sites")
    atoms = [(place, *atom) for place, site in enumerate(sites) for atom in site.items() if atom[0] != VACANCY]
    places, symbols, shares = ([atom[column] for atom in atoms] for column in range(3))
    atomic_numbers(symbols)
    fractional = np.linalg.solve(lattice.T, positions.T).T
    return DisorderedCrystal.of_atoms(lattice, fractional[places], symbols, shares)


def _mixture(told: Mapping[str, Any]) -> dict[str, float]:
    """Element symbols of one of OPTIMADE's species, and VACANCY, with their concentrations."""
    symbols = told["chemical_symbols"]
    return dict(zip(symbols, map(float, told.get("concentration") or [1.0] * len(symbols)), strict=True))


_CRYSTALS = {
    "cif": structure_from_cif,
    "poscar": crystal_from_poscar,
    "extxyz": crystal_from_extxyz,
    "optimade": _optimade_crystal,
}
_FIELDS = {
    "cif": cif_fields,
    "poscar": lambda text: {"comment": text.partition("\n")[0].strip()},
    "extxyz": extxyz_fields,
    "optimade": _attributes,
}
