"""A source of a few lines whose every behaviour a test can choose: what tests of the crawl's engine stand on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lake.sources.page import Forecast, Page, Record, Unit
from lake.sources.scope import Scope
from lake.wire.down import SourceDown


@dataclass
class Shelf:
    """A source whose units are its pages: page -> id -> payload.

    chain: pages follow one another. broken: page or id -> what goes wrong when it is asked. dead: no sign of life.
    told: page -> records that the source says it holds. loops: the last page leads back to the first.
    A page is its own partition; a page with several records is halved into its records' units.
    """

    pages: Mapping[str, Mapping[str, str]]
    chain: bool = False
    version: str | None = None
    broken: dict[str, Exception] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()
    promised: int | None = None
    loops: bool = False
    dead: bool = False
    route: str = ""
    name: str = "shelf"
    fetched: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def marker(self) -> str | None:
        return self.version

    def alive(self) -> None:
        if self.dead:
            raise SourceDown("shelf: no sign of life")

    def forecast(self, scope: Scope) -> Forecast:
        return Forecast(sum(map(len, self.pages.values())), len(self.pages), 0)

    def plan(self, scope: Scope) -> Iterator[Unit]:
        for key in [*self.pages][: 1 if self.chain else None]:
            yield Unit(key, {"ids": [*self.pages[key]]}, partition=key)
        if "plan" in self.broken:
            raise self.broken["plan"]

    def column(self, field: str, known: Mapping[str, str]) -> Iterator[Unit]:
        if field != "colour":
            raise ValueError(f"shelf can be asked for colour alone, not for {field}")
        yield Unit("colours", {"ids": sorted(known), "field": field})

    def fetch(self, unit: Unit, known: Mapping[str, str]) -> Page:
        self.fetched.append(unit.key)
        self.known = dict(known)
        name = unit.partition
        ids = list(unit.request["ids"])
        for asked in (unit.key, name if len(ids) > 1 else "", *ids):
            if asked in self.broken:
                raise self.broken[asked]
        if unit.request.get("field"):
            records = [Record(i, f"colour of {i}", route="colour") for i in ids]
            return Page("shelf://colours", records, "0" * 64, route="colour")
        records = [Record(i, self.pages[name][i], stamp=self.pages[name][i].upper(), route=self.route) for i in ids]
        keys = [*self.pages]
        after = keys[(keys.index(name) + 1) % len(keys)]
        leads_on = self.chain and not unit.alone and (after != keys[0] or self.loops)
        following = (Unit(after, {"ids": [*self.pages[after]]}, partition=after),) if leads_on else ()
        listed = [i for i in ids if i not in self.unlisted]
        return Page(f"shelf://{unit.key}", records, "0" * 64, self.promised, following, 1, {}, self.route, listed,
                    self.told.get(name))  # fmt: skip

    def halves(self, unit: Unit) -> tuple[Unit, ...]:
        ids = list(unit.request["ids"])
        middle = len(ids) // 2
        parts = [part for part in (ids[:middle], ids[middle:]) if part] if len(ids) > 1 else []
        return tuple(
            Unit(f"{unit.partition}/{'+'.join(part)}", {"ids": part}, unit.partition, alone=len(part) == 1)
            for part in parts
        )

    def fields(self, payload: str) -> Mapping[str, object]:
        return {"length": len(payload), "number": float(payload)} if payload.isdigit() else {"length": len(payload)}
