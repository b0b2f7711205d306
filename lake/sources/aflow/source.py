"""AFLOW over AFLUX: catalogs cut into parts, parts into pages; later crawls sweep dates and fetch what changed.

What the service does, as its papers, the code of its clients and recorded answers tell: most of its errors come with
HTTP 200 and a line of text; numbers are strings in one paging shape and numbers in the other; a page fails as a whole
for one bad row or one heavy field; nothing moves with its content, and no filter by date is known. An unknown keyword
fails the whole question, so KEYWORDS holds only what complete entries or the client's own list name.

Assumed, and not seen live: pages of 512 rows and sweeps of 4096 are answered (500 and 5000 were seen); a new version of
a row has a new `aflowlib_date`; `species(!X)` is all that `species(X)` is not, which each crawl asks AFLUX to show by
its own counts before it relies on it. Tried on recorded answers and on the mirror on loopback, never on the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from urllib.parse import quote

import orjson

from lake.settings import Settings
from lake.sources.aflow import units
from lake.sources.aflow.rows import crystal_of, dates_of, fields_of, keywords_of, level_of, rows_of, says
from lake.sources.aflow.summons import (
    CATALOGS,
    ELEMENTS,
    GRAMMAR,
    Where,
    any_of,
    catalogs_of,
    parts_of,
    summons,
    with_and_without,
)
from lake.sources.page import MAIN, Entry, Forecast, Page, Record, Unit
from lake.sources.scope import Scope
from lake.wire.answers import json_of
from lake.wire.down import SourceDown
from lake.wire.http import Answer, Polite

PER_PAGE = 512  # rows with positions; a power of two, so that its halves are pages too
PER_SWEEP = 8 * PER_PAGE  # rows of two short fields
PER_QUESTION = 64  # ids in one question
FIRST_LOOK = 16  # rows that tell whether a part is known
LARGEST_PART = 65_536  # rows; a larger catalog is cut by species: pages far from the start cost the service dearly
PROOF = ("Mg", "Al", "Si", "Fe")  # elements to prove the cut by: most catalogs have rows of them
FEW = 3200  # ids that a column crawl asks for by name; more of them by catalog
BYTES_PER_ROW = 500  # of a lake on disk; 310 for ten atoms and half of the keywords told, by the mirror
KEYWORDS = (
    "compound", "aurl", "catalog", "data_source", "prototype", "aflow_prototype_label_relax",
    "species", "composition", "geometry", "positions_fractional", "spacegroup_relax", "Pearson_symbol_relax",
    "volume_cell", "density",
    "aflowlib_date", "aflowlib_version", "aflow_version", "code", "dft_type", "species_pp_version", "ldau_TLUJ",
    "energy_cutoff", "kpoints",
    "energy_cell", "energy_atom", "enthalpy_formation_cell", "enthalpy_formation_atom", "entropic_temperature",
    "Egap", "Egap_fit", "Egap_type", "spin_cell", "spin_atom", "spinF",
    "ael_bulk_modulus_vrh", "ael_bulk_modulus_voigt", "ael_bulk_modulus_reuss",
    "ael_shear_modulus_vrh", "ael_shear_modulus_voigt", "ael_shear_modulus_reuss",
    "ael_poisson_ratio", "ael_elastic_anisotropy",
    "agl_thermal_conductivity_300K", "agl_thermal_expansion_300K", "agl_debye", "agl_acoustic_debye", "agl_gruneisen",
    "agl_heat_capacity_Cp_300K", "agl_heat_capacity_Cv_300K", "agl_bulk_modulus_static_300K",
    "agl_bulk_modulus_isothermal_300K",
)  # fmt: skip


class Aflow:
    """The entries of AFLOW's catalogs ICSD and LIB0 to LIB9."""

    name = "aflow"
    title = "AFLOW"
    citation = "Curtarolo et al., Comput. Mater. Sci. 58, 227 (2012), doi:10.1016/j.commatsci.2012.02.002"
    licence = "see aflow.org (unverified)"  # the API states none; do not redistribute
    keeps: Mapping[str, Sequence[str]] = {MAIN: KEYWORDS}

    def __init__(self, settings: Settings) -> None:
        self._http = Polite(self.name, settings)
        self._hasty = Polite(self.name, settings.model_copy(update={"attempts": 1}))

    def marker(self) -> None:
        """AFLUX has nothing that moves with its content."""

    def alive(self) -> None:
        """One id of the first catalog; raises SourceDown."""
        self._ask((), {"catalog": CATALOGS[0]}, 1, 1, self._hasty)

    def forecast(self, scope: Scope) -> Forecast:
        """One question per catalog; a crawl looks at each part and fetches its pages."""
        totals = [self._count(where) for _, where in catalogs_of(scope)]
        records = min(sum(totals), scope.limit or sum(totals))
        cut = 0 if scope.chemsys or scope.limit else sum(total > LARGEST_PART for total in totals)
        pages = ceil(records / PER_PAGE) if scope.limit else sum(ceil(total / PER_PAGE) for total in totals)
        requests = len(totals) + pages + cut * (len(ELEMENTS) + 3)
        note = "a later crawl sweeps ids and dates in an eighth of the requests, and fetches what changed"
        return Forecast(records, requests, records * BYTES_PER_ROW, note)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        """A look at each catalog, which leads to its pages."""
        size = PER_PAGE if scope.limit is None else min(PER_PAGE, _power_of_two(scope.limit))
        for name, where in catalogs_of(scope):
            yield units.look(name, where, size, PER_SWEEP, may_be_cut=not scope.chemsys)

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        """A keyword that is not kept, of the rows that have a value: by id where few are known, else by catalog.

        Raises ValueError for a keyword that is kept, or that AFLUX does not have; SourceDown.
        """
        if field in KEYWORDS:
            raise ValueError(f"a column must be a keyword that crawls of aflow do not keep, they keep {field}")
        there = self._http.ask(f"{self._http.base}/API/aflux/?schema,format(json)", keywords_of).value
        if field not in there:
            raise ValueError(f"a column must be a keyword of AFLUX, found {field!r}; there are {', '.join(there)}")
        if len(known) <= FEW:
            for auids in units.batches(sorted(known), PER_QUESTION):
                yield units.question("", {}, auids, field)
            return
        for catalog in CATALOGS:
            yield units.look(catalog, {"catalog": catalog, field: "*"}, PER_PAGE, PER_SWEEP, True, field)

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """One question or a few; un-muted, so that the answer says how many rows there are."""
        kinds = {"part": self._look, "rows": self._page, "dates": self._sweep, "auids": self._question}
        return kinds[str(unit.request["ask"])](unit, known)

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        """Pages, sweeps and questions about ids are divided; a look is not."""
        return units.halves(unit)

    def fields(self, payload: str) -> Mapping[str, object]:
        """What the row says, with numbers that were told as strings made numbers."""
        return fields_of(orjson.loads(payload))

    def read(self, payload: str) -> Entry:
        """The relaxed cell; the level of theory is told row by row (LDA, PBE, +U, SCAN stand side by side)."""
        row = orjson.loads(payload)
        return Entry(crystal_of(row), level_of(row), licence=self.licence)

    def optimade_answers(self) -> bool:
        """Whether AFLOW's OPTIMADE server gives a structure; a probe, on which nothing depends.

        In 2026 two others found it broken: HTTP 500 for any question about structures.
        """
        try:
            url = f"{self._http.base}/API/optimade/v1/structures?page_limit=1&response_fields=id"
            answer = self._hasty.ask(url, json_of).value
        except SourceDown:
            return False
        return isinstance(answer, dict) and bool(answer.get("data"))

    def _look(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """How large a part is, and whether it is known: so it is cut, fetched or swept."""
        request, part = unit.request, unit.partition
        where, size = request["where"], request["size"]
        answer = self._ask(("aflowlib_date",), where, 1, FIRST_LOOK)
        total, rows = answer.value.total or 0, answer.value.rows
        if request["may_be_cut"] and total > LARGEST_PART and self._can_be_cut(where, total):
            told = None  # by its parts
            following = [
                units.look(name, piece, size, request["sweep"], False, request["column"])
                for name, piece in parts_of(part, where)
            ]
        else:
            told = total
            is_known = not request["column"] and 2 * sum(row["auid"] in known for row in rows) > len(rows)
            kind, step = (units.sweep, request["sweep"]) if is_known else (units.page, size)
            following = [kind(part, request, number + 1) for number in range(ceil(total / step))]
        return Page(
            answer.url, (), answer.sha256,
            following=tuple(following), attempts=answer.attempts, listed=(), total=told, route=request["column"],
        )  # fmt: skip

    def _page(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """A page of rows; of a column, those of the known ones."""
        where, number, size, column = (unit.request[word] for word in ("where", "page", "size", "column"))
        try:
            answer = self._ask([column] if column else KEYWORDS, where, number, size)
        except SourceDown as fault:
            if not unit.alone:
                raise
            return self._by_name(unit, fault)
        total, rows, found = answer.value
        first = (number - 1) * size + 1
        if rows and found != first:
            raise SourceDown(f"{self.name}: {answer.url} must begin with row {first}, found row {found}")
        promised = min(size, total - first + 1) if rows and not column else None
        records = [_record(row, column) for row in rows if not column or row["auid"] in known]
        return Page(
            answer.url, records, answer.sha256, promised,
            attempts=answer.attempts, route=column, listed=_ids(rows), total=total,
        )  # fmt: skip

    def _sweep(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """What stands in AFLOW; leads to the rows that are new, by whole pages where those are many."""
        request, part = unit.request, unit.partition
        answer = self._ask(("aflowlib_date",), request["where"], request["page"], request["sweep"])
        rows = answer.value.rows
        following, few = [], []
        for number, block in zip(units.pages_of(request), units.batches(rows, request["size"]), strict=False):
            changed = [row["auid"] for row in block if known.get(row["auid"]) != dates_of(row)]
            if len(changed) > PER_QUESTION:
                following.append(units.page(part, request, number))
            else:
                few += changed
        catalog = _catalog(request["where"])
        following += [units.question(part, catalog, auids) for auids in units.batches(few, PER_QUESTION)]
        return Page(
            answer.url, (), answer.sha256,
            following=tuple(following), attempts=answer.attempts, listed=_ids(rows), total=answer.value.total,
        )  # fmt: skip

    def _question(self, unit: Unit, known: Mapping[str, str]) -> Page:
        """The rows of some ids; of a column, those that have a value."""
        auids, column = unit.request["auids"], unit.request["column"]
        where = {**unit.request["where"], "auid": any_of(auids)}
        answer = self._ask([column] if column else KEYWORDS, where, 1, PER_QUESTION)
        rows = answer.value.rows
        missing = dict.fromkeys(sorted(set(auids) - {*_ids(rows)}), "AFLUX has no such row any more")
        records = [_record(row, column) for row in rows if not column or says(row.get(column))]
        return Page(
            answer.url, records, answer.sha256, None if column else len(auids),
            attempts=answer.attempts, missing=missing, route=column, listed=_ids(rows),
        )  # fmt: skip

    def _can_be_cut(self, where: Where, total: int) -> bool:
        """Whether `not` means the rest here: rows with an element and rows without it are all. Else pages go deep."""
        element = next(symbol for symbol in PROOF if symbol not in where.get("species", "").split(","))
        return sum(self._count(half) for half in with_and_without(where, element)) == total

    def _count(self, where: Where) -> int:
        return self._ask((), where, 1, 1).value.total or 0

    def _by_name(self, unit: Unit, fault: SourceDown) -> Page:
        """Where a single row cannot be had but its id can: list it, and lead to a question about that very id."""
        where, number, column = (unit.request[word] for word in ("where", "page", "column"))
        try:
            answer = self._ask((), where, number, 1, self._hasty)
        except SourceDown:
            raise fault from None
        auids = _ids(answer.value.rows)
        alone = tuple(units.question(unit.partition, _catalog(where), [auid], column) for auid in auids)
        return Page(answer.url, (), answer.sha256, following=alone, listed=auids, route=column)

    def _ask(self, columns: Sequence[str], where: Where, page: int, size: int, http: Polite | None = None) -> Answer:
        question = quote(summons(columns, where, page, size), safe=GRAMMAR)
        return (http or self._http).ask(f"{self._http.base}/API/aflux/?{question}", rows_of)


def source(settings: Settings) -> Aflow:
    """The configured source."""
    return Aflow(settings)


def _record(row: Mapping[str, object], column: str) -> Record:
    return Record(str(row["auid"]), orjson.dumps(row).decode(), stamp=dates_of(row), route=column)


def _catalog(where: Where) -> Where:
    return {"catalog": where["catalog"]}


def _ids(rows: Sequence[Mapping[str, object]]) -> list[str]:
    return [str(row["auid"]) for row in rows]


def _power_of_two(number: int) -> int:
    """The smallest one that is not below."""
    return 1 << (number - 1).bit_length()
