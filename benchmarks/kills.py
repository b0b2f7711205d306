"""Kills: a crawl that is killed at any moment, and started again, gives the lake that nobody disturbed.

    python benchmarks/kills.py --kills 50 --seed 0      # at random moments
    python benchmarks/kills.py --kills 0 --commits      # before and after every commit

Every crawl is a process of its own and dies by SIGKILL: by the clock, as the n-th new file appears below the lake's
root (so inside of a commit, a download or a copy), or before or after its n-th commit. All seven sources are crawled in
small pieces from the mirror on loopback, OQMD also from its dump and COD also by rsync, in three nights: `first` into
an empty lake; `second` after the database gained, changed and lost records; `mended`, which goes on with a crawl that
was left open because the database failed. One CIF of COD is never there and one of PCOD never comes, so that their
nights close without them. A third of the crawls that go on are killed once more.

Then the crawl runs to its end, and the lake is compared: every version of every record and the night that brought it,
listings, differences, rejects, entries, states, the tables' contracts, and the other files below the root. What was
written down before a kill may not be fetched again. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn
from deltalake import DeltaTable
from deltalake.table import TableOptimizer
from starlette.responses import PlainTextResponse

from lake import store
from lake.contract import ContractError
from lake.crawl import crawl, ledger
from lake.entries import write_entries
from lake.sample.databases import tellings
from lake.sample.mirror.app import build_app
from lake.sample.mirror.cod_tree import write_tree
from lake.sample.mirror.oqmd_dump import dumped
from lake.sample.mirror.told import Told
from lake.sample.telling import Telling
from lake.settings import SLUGS, Settings
from lake.sources import source_named
from lake.store import Lake
from lake.tables import CRAWLS, DIFFERENCES, ENTRIES, LISTINGS, PAGES, RECORDS, REJECTS

FIRST = 12  # crystals that each database tells in the first night
ADDED, CHANGED, GONE = 3, 2, 2  # by the second night
PIECE = 3  # records of a unit
FLUSHES = 3  # of a crawl whose commits are counted
DRIP, PAUSE = 1024, 0.005  # bytes of an archive at once, and s between them: long enough to be killed in
LONGEST = 120.0  # s after which a crawl counts as hanging
# module, name, value: units of a few records, one tombstone a commit, files that are joined as soon as there are some
SMALL = (
    ("lake.sources.materials_project.rest", "PER_PAGE", 2 * PIECE),
    ("lake.sources.aflow.source", "PER_PAGE", 4),
    ("lake.sources.aflow.source", "PER_SWEEP", 8),
    ("lake.sources.oqmd.source", "PER_PAGE", PIECE),
    ("lake.sources.oqmd.dump", "PER_UNIT", PIECE),
    ("lake.sources.crystallography_open.engine", "PER_UNIT", PIECE),
    ("lake.sources.open_catalyst.source", "PER_UNIT", PIECE),
    ("lake.sources.folder.source", "FILES_PER_UNIT", PIECE),
    ("lake.crawl.ledger", "TOMBSTONES", 1),
    ("lake.store", "MANY_FILES", 2),
    ("lake.crawl.known", "BATCH", 7),
)


@dataclass(frozen=True)
class Way:
    """One way to a source's records. folders: setting -> what a night's database has on disk, under this name."""

    name: str
    source: str
    fixed: Mapping[str, object] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def nights(self) -> tuple[str, ...]:
        """What is on disk does not fail, so that nothing is to be mended."""
        return ("first", "second") if self.folders else ("first", "second", "mended")


WAYS = {
    way.name: way
    for way in (
        *(Way(slug, slug) for slug in SLUGS),
        Way("folder", "folder", folders={"folder_path": "cod"}),
        Way("oqmd dump", "oqmd", {"oqmd_path": "dump"}, {"oqmd_dump": "oqmd.sql"}),
        Way("cod rsync", "cod", folders={"cod_rsync": "cod"}),
    )
}


@dataclass(frozen=True)
class Kill:
    """When a crawl dies. by: clock (at: share of its time), file (at: n-th new one), before or after (n-th commit)."""

    by: str
    at: float


@dataclass(frozen=True)
class Job:
    """One run of a crawl, in a process of its own."""

    root: Path
    source: str
    settings: Mapping[str, Any]
    flush_bytes: int
    flush_seconds: float
    kill: Kill | None

    @property
    def report(self) -> Path:
        """Where the process says how the crawl ended."""
        return self.root.parent / "report.json"

    @property
    def temporary(self) -> Path:
        """The process's own folder for temporary files."""
        return self.root.parent / "temporary"


@dataclass(frozen=True)
class Night:
    """A night that nobody disturbed: the lake before and after it, what it took, and what the lake tells then."""

    way: Way
    name: str
    base: Path | None
    root: Path
    settings: Mapping[str, Any]
    seconds: float = 0.0
    questions: int = 0
    units: int = 0
    files: int = 0
    payloads: int = 0  # bytes
    told: Mapping[str, list] = field(default_factory=dict)


@dataclass
class Life:
    """What became of a crawl that was killed. doing: what it was about then. faults: what is not as it should be."""

    root: Path
    kills: Sequence[Kill]
    doing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def crawl_once(job: Job) -> None:
    """In a process of its own: crawl, and write a report; or die where the job says."""
    logging.disable(logging.WARNING)  # a database that fails is said to fail
    os.environ["TMPDIR"] = tempfile.tempdir = str(job.temporary)
    for module, name, value in SMALL:
        setattr(import_module(module), name, value)
    ledger.FLUSH_BYTES, ledger.FLUSH_SECONDS = job.flush_bytes, job.flush_seconds
    commits = _watch_commits(job.kill)
    if job.kill and job.kill.by == "file":
        threading.Thread(target=_die_of_a_file, args=(job.root, job.kill.at), daemon=True).start()
    report = crawl(Lake(job.root), source_named(job.source, Settings(**job.settings)))
    job.report.write_text(json.dumps({**asdict(report), "commits": commits}))


def _watch_commits(kill: Kill | None) -> list[str]:
    """Names of all commits, as they come; dies before or after one of them."""
    commits: list[str] = []

    def watched(whole: Callable, word: str, folder: Callable[[Any], str]) -> Callable:
        def commit(first: Any, *rest: Any, **more: Any) -> Any:
            commits.append(f"{word} {Path(folder(first)).name}")
            if kill == Kill("before", len(commits)):
                os.kill(os.getpid(), signal.SIGKILL)
            told = whole(first, *rest, **more)
            if kill == Kill("after", len(commits)):
                os.kill(os.getpid(), signal.SIGKILL)
            return told

        return commit

    store.write_deltalake = watched(store.write_deltalake, "write", str)
    store.create_table_with_add_actions = watched(store.create_table_with_add_actions, "write", str)
    exchange = DeltaTable.create_write_transaction
    DeltaTable.create_write_transaction = watched(exchange, "write", lambda table: table.table_uri)
    DeltaTable.delete = watched(DeltaTable.delete, "remove", lambda table: table.table_uri)
    TableOptimizer.compact = watched(TableOptimizer.compact, "compact", lambda optimizer: optimizer.table.table_uri)
    return commits


def _die_of_a_file(root: Path, at: float) -> None:
    sys.setswitchinterval(1e-4)
    before = _files(root)
    while len(_files(root) - before) < at:
        time.sleep(1e-4)
    os.kill(os.getpid(), signal.SIGKILL)


def _files(folder: Path) -> set[str]:
    return {f"{where}/{name}" for where, _, names in os.walk(folder) for name in names}


class Door:
    """The mirror behind a door: which night it is, what fails, and archives that come slowly."""

    def __init__(self, nights: Mapping[str, Sequence[Telling]]) -> None:
        self._apps = {name: build_app(told) for name, told in nights.items()}
        first = nights["first"]
        self._absent = [t.source_id for t in first if t.source == "cod"][FIRST // 2]
        self._refused = [t.source_id for t in first if t.source == "pcod"][FIRST // 2]
        self.night, self.asked, self.fails_after = "first", 0, float("inf")

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        self.asked += 1
        path = scope.get("path", "")
        app = self._apps[self.night]
        if self.asked > self.fails_after or (path.startswith("/pcod/") and path.endswith(f"/{self._refused}.cif")):
            app = PlainTextResponse("Bad Gateway", 502)
        elif path == f"/cod/{self._absent}.cif":
            app = PlainTextResponse("Not Found", 404)
        await app(scope, receive, _dripping(send) if path.endswith(".tar") else send)


def _dripping(send: Callable) -> Callable:
    async def drip(message: dict) -> None:
        body = message.get("body", b"")
        while len(body) > DRIP:
            await send({"type": message["type"], "body": body[:DRIP], "more_body": True})
            await asyncio.sleep(PAUSE)
            body = body[DRIP:]
        await send({**message, "body": body} if body else message)

    return drip


class World:
    """The databases, a folder for lakes, and processes that crawl."""

    def __init__(self, folder: Path, door: Door, base: str) -> None:
        self.folder, self.door, self.base = folder, door, base
        self._numbers = itertools.count(1)
        self._nights: dict[tuple[str, str], Night] = {}
        self._processes = multiprocessing.get_context("forkserver")  # born of a parent that only imported

    def warm(self, ways: Sequence[Way]) -> None:
        """Import once what all crawls need: mp-api alone takes seconds."""
        modules = {name for name in sys.modules if name.startswith("lake.")} | {module for module, _, _ in SMALL}
        if WAYS["mp"] in ways:
            modules.add("lake.sources.materials_project.client")
        self._processes.set_forkserver_preload([*sorted(modules), "uvicorn", "deltalake"])
        process = self._processes.Process(target=_nothing)
        process.start()
        process.join()

    def night(self, way: Way, name: str) -> Night:
        """A night of a way that nobody disturbed; crawled once."""
        if (way.name, name) not in self._nights:
            first = self.night(way, "first") if name != "first" else None
            base = {"first": lambda: None, "second": lambda: first.root, "mended": lambda: self._failed(first)}[name]()
            self._nights[way.name, name] = self._undisturbed(way, name, base)
        return self._nights[way.name, name]

    def commits(self, night: Night) -> list[str]:
        """Names of the commits of that night, in their order."""
        self.door.night = _database(night.name)
        return self._run(self._job(night, self._fresh(night.base), Kill("before", 0)))["commits"]

    def life(self, night: Night, *kills: Kill) -> Life:
        """Kill that night's crawl so many times, let it end, and compare."""
        self.door.night = _database(night.name)
        while True:
            life = Life(self._fresh(night.base), kills)
            late = next((number for number, kill in enumerate(kills) if not self._killed(night, life, kill)), None)
            if late is None:
                break
            shutil.rmtree(life.root.parent)  # it ended before: sooner, then
            at = kills[late].at * 0.8 if kills[late].by == "clock" else max(1, kills[late].at - 1)
            kills = tuple(replace(kill, at=at) if number == late else kill for number, kill in enumerate(kills))
        self._to_its_end(night, life)
        return life

    def _killed(self, night: Night, life: Life, kill: Kill) -> bool:
        if self._run(self._job(night, life.root, kill), night.seconds) is not None:
            return False
        life.doing.append(doing(night, life.root))
        return True

    def _to_its_end(self, night: Night, life: Life) -> None:
        """Go on with the crawl: it must fetch nothing that was written down, and make the lake what it should be."""
        before = _pages_of_the_open_crawl(Lake(life.root), night.way.source)
        done = len(before.filter(pl.col("state").is_in(("ok", "halved"))))
        report = self._run(self._job(night, life.root))
        if report is None or report["state"] not in ("published", "unchanged"):
            life.faults.append(f"the crawl did not end: {report}")
            return
        if "poisoned" not in before["state"] and report["units_skipped"] != done:
            life.faults.append(f"{done} units were done, only {report['units_skipped']} were not fetched again")
        life.faults += differing(night.told, told_by(night, life.root))
        idle = _idle(life.root, night) - (_idle(night.base, night) if night.base else 0)
        if idle > life.doing.count("ended") + life.doing.count(
            "closing"
        ):  # a crawl that was killed after its end is followed by one more
            life.faults.append(f"{idle} crawls brought nothing, though the kills came while it was {life.doing}")
        left = sorted(path.name for path in (life.root.parent / "temporary").iterdir())
        if left:
            life.faults.append(f"left among temporary files: {left[:3]}")

    def _undisturbed(self, way: Way, name: str, base: Path | None) -> Night:
        folders = {key: str(self.folder / _database(name) / below) for key, below in way.folders.items()}
        given = Settings.for_mirror(self.base, **way.fixed, **folders, attempts=2, wait_initial=0.01, wait_max=0.02)
        settings = given.model_dump(exclude_unset=True) | {"mp_key": given.mp_key.get_secret_value()}
        night = Night(way, name, base, self._fresh(base), settings)
        self.door.night = _database(name)
        files, asked, began = _files(night.root), self.door.asked, time.monotonic()
        report = self._run(self._job(night, night.root))
        seconds = time.monotonic() - began
        if report is None or report["state"] != "published":
            raise RuntimeError(f"an undisturbed crawl must be published, found {report} for {way.name}, night {name}")
        mine = (pl.col("source") == way.source) & (pl.col("crawl") == report["crawl"])
        lake = Lake(night.root)
        return replace(
            night, seconds=seconds, questions=self.door.asked - asked, files=len(_files(night.root) - files),
            units=len(_units(lake.scan(PAGES).filter(mine).collect())),
            payloads=int(lake.scan(RECORDS).filter(mine).collect()["payload"].str.len_bytes().sum()),
            told=told_by(night, night.root),
        )  # fmt: skip

    def _failed(self, first: Night) -> Path:
        """A lake whose first crawl is open, since the database failed from half of its questions on."""
        self.door.night, self.door.fails_after = "first", self.door.asked + first.questions // 2
        root = self._fresh(None)
        report = self._run(self._job(first, root))
        self.door.fails_after = float("inf")
        if report is None or report["state"] != "open":
            raise RuntimeError(f"the crawl of a database that fails must stay open, found {report}")
        return root

    def _fresh(self, base: Path | None) -> Path:
        """The root of a lake of its own, which is as the base is."""
        root = self.folder / f"lake-{next(self._numbers)}" / "root"
        (root.parent / "temporary").mkdir(parents=True)
        return shutil.copytree(base, root) if base else root

    def _job(self, night: Night, root: Path, kill: Kill | None = None) -> Job:
        """Where commits are counted, sizes alone say when to write: they are the same ones each time."""
        counted = kill is not None and kill.by in ("before", "after")
        flush = (max(1, night.payloads // FLUSHES), 1e9) if counted else (1 << 30, 0.05)
        return Job(root, night.way.source, {**night.settings, "root": root}, *flush, kill)

    def _run(self, job: Job, seconds: float = 0.0) -> dict[str, Any] | None:
        """The report of a crawl, None where it was killed. seconds: how long it takes, where a clock kills it."""
        job.report.unlink(missing_ok=True)
        process = self._processes.Process(target=crawl_once, args=(job,))
        process.start()
        by_clock = job.kill is not None and job.kill.by == "clock"
        process.join(job.kill.at * seconds if by_clock else LONGEST)
        if process.is_alive() and not by_clock:
            process.kill()
            raise RuntimeError(f"a crawl must end, found one that did not in {LONGEST:g} s: {job}")
        process.kill()
        process.join()
        if process.exitcode not in (0, -signal.SIGKILL):
            raise RuntimeError(f"a crawl must end or be killed, found exit status {process.exitcode}: {job}")
        return None if process.exitcode else json.loads(job.report.read_text())


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The databases of both nights, on a free loopback port and below a folder, while the block lasts."""
    nights = _databases()
    for name, told in nights.items():
        write_tree(told, "cod", folder / name / "cod")
        dump = b"".join(dumped(Told(telling) for telling in told if telling.source == "oqmd"))
        (folder / name / "oqmd.sql").write_bytes(dump)
    door = Door(nights)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(door, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield World(folder, door, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()


def _databases() -> dict[str, list[Telling]]:
    """The sample's smallest crystals of each database; by the second night some are new, changed or gone."""
    nights: dict[str, list[Telling]] = {"first": [], "second": []}
    for slug in SLUGS:
        told = sorted((t for t in tellings() if t.source == slug), key=lambda t: (len(t.crystal), t.source_id))
        first, added = told[:FIRST], told[FIRST : FIRST + ADDED]
        larger = [replace(t, crystal=replace(t.crystal, lattice=t.crystal.lattice * 1.01)) for t in first[GONE:]]
        nights["first"] += first
        nights["second"] += [*larger[:CHANGED], *first[GONE + CHANGED :], *added]
    return nights


def _database(night: str) -> str:
    return "second" if night == "second" else "first"


def _nothing() -> None:
    """What the first process does: its parent imports meanwhile."""


def doing(night: Night, root: Path) -> str:
    """What a crawl was about when it was killed, by what it left."""
    lake, mine = Lake(root), pl.col("source") == night.way.source
    before = set(Lake(night.base).read(CRAWLS)["crawl"]) if night.name == "second" else set()
    crawls = lake.scan(CRAWLS).filter(mine).collect().filter(~pl.col("crawl").is_in([*before]))
    if crawls.is_empty():
        return "opening"
    if crawls["state"].str.starts_with("closed").any():
        return "ended"
    mine &= pl.col("crawl") == crawls["crawl"].max()
    pages = lake.scan(PAGES).filter(mine).collect()
    records, listings = (set(lake.scan(table).filter(mine).collect()["page"]) for table in (RECORDS, LISTINGS))
    if (records | listings) - {*pages["page"], "closing"}:
        return "flushing"
    if [*root.glob("downloads/**/*.part"), *root.glob("downloads/**/.*"), *root.glob("staging/oqmd.*")]:
        return "downloading"
    if pages.is_empty():
        return "planning"
    return "fetching" if len(_units(pages)) < night.units else "closing"


def _units(pages: pl.DataFrame) -> pl.DataFrame:
    return pages.filter(pl.col("state") != "missing")


def told_by(night: Night, root: Path) -> dict[str, list]:
    """All that a lake tells of a source, without times; crawls are numbered, and those without records left out."""
    lake, source, mine = Lake(root), night.way.source, pl.col("source") == night.way.source
    write_entries(lake, source_named(source, Settings(**night.settings)))
    crawls, records, listings, differences = (
        lake.scan(table).filter(mine).collect() for table in (CRAWLS, RECORDS, LISTINGS, DIFFERENCES)
    )
    nights = {crawl: number for number, crawl in enumerate(sorted(set(records["crawl"])), start=1)}
    ended = set(crawls.filter(pl.col("state").str.starts_with("closed"))["crawl"])
    published = crawls.filter(pl.col("state") == "published")["crawl"].max()
    return {
        "versions": _rows(records, nights, "route", "source_id", "stamp", "gone", "media_type", "payload"),
        "listings": sorted(listings.explode("source_ids").select("route", "partition", "source_ids").unique().rows()),
        "listed by": ["the last crawl" if crawl == published else crawl for crawl in {*listings["crawl"]}],
        "differences": _rows(differences, nights, *(name for name in DIFFERENCES.schema if name != "crawl")),
        "states": _rows(crawls, nights, "state", "scope", "marker", "note"),
        "crawls left open": sorted(set(crawls["crawl"]) - ended),
        "rejects": sorted(map(str, lake.read(REJECTS).rows())),
        "entries": sorted(map(str, lake.read(ENTRIES).drop("fetched_at").rows())),
        "broken contracts": _broken(lake),
        "other files": sorted(file.removeprefix(str(root)) for file in _files(root) if not _of_a_table(file, root)),
    }


def _idle(root: Path, night: Night) -> int:
    """Crawls that ended and brought nothing."""
    lake, mine = Lake(root), pl.col("source") == night.way.source
    crawls = lake.scan(CRAWLS).filter(mine & pl.col("state").str.starts_with("closed")).collect()["crawl"]
    return len(set(crawls) - set(lake.scan(RECORDS).filter(mine).collect()["crawl"]))


def _rows(frame: pl.DataFrame, nights: Mapping[str, int], *columns: str) -> list[str]:
    """Rows of crawls that brought something, as text: floats to nine digits, since sums depend on an order."""
    rounded = frame.with_columns(pl.selectors.float().round_sig_figs(9))
    rows = rounded.filter(pl.col("crawl").is_in([*nights])).select("crawl", *columns).iter_rows()
    return sorted(str((nights[crawl], *rest)) for crawl, *rest in rows)


def _broken(lake: Lake) -> list[str]:
    broken = []
    for table in (CRAWLS, PAGES, LISTINGS, RECORDS, DIFFERENCES, REJECTS, ENTRIES):
        try:
            table.checked(lake.read(table))
        except ContractError as fault:
            broken.append(str(fault))
    return broken


def _of_a_table(file: str, root: Path) -> bool:
    return file.startswith((f"{root}/bronze/", f"{root}/silver/"))


def _pages_of_the_open_crawl(lake: Lake, source: str) -> pl.DataFrame:
    mine = pl.col("source") == source
    crawls = lake.scan(CRAWLS).filter(mine).collect()
    ended = crawls.filter(pl.col("state").str.starts_with("closed"))["crawl"]
    return lake.scan(PAGES).filter(mine).collect().filter(~pl.col("crawl").is_in([*ended]))


def differing(there: Mapping[str, list], here: Mapping[str, list]) -> list[str]:
    """Each part of a lake that is told otherwise."""
    faults = []
    for part in (part for part in there if there[part] != here[part]):
        lost, new = Counter(there[part]) - Counter(here[part]), Counter(here[part]) - Counter(there[part])
        words = "; ".join(
            f"{word} {str(next(iter(rows)))[:400]}" for word, rows in (("lacks", lost), ("has", new)) if rows
        )
        faults.append(f"{part}: {len(there[part])} became {len(here[part])}, {words}")
    return faults


def drawn(chance: random.Random, here: World, night: Night) -> tuple[Kill, ...]:
    """One kill at a random moment, or two."""
    by = chance.choices(("clock", "file", "before", "after"), (4, 2, 1, 1))[0]
    last = 0 if by == "clock" else night.files if by == "file" else len(here.commits(night))
    first = Kill(by, chance.randint(1, last) if last else chance.random())
    return (first, Kill("clock", chance.random() * 0.7)) if chance.random() < 1 / 3 else (first,)


def at_random(here: World, ways: Sequence[Way], kills: int, seed: int) -> Iterator[tuple[Way, str, Life]]:
    """So many kills, over all ways and nights; a second night follows on a first one that was killed."""
    healed: dict[str, Path] = {}
    for number in itertools.count():
        if kills <= 0:
            return
        way = ways[number % len(ways)]
        night = here.night(way, way.nights[number // len(ways) % len(way.nights)])
        if night.name == "second":
            night = replace(night, base=healed.get(way.name, night.base))
        life = here.life(night, *drawn(random.Random(f"{seed} {number}"), here, night)[:kills])
        if night.name == "first" and not life.faults:
            healed[way.name] = life.root
        kills -= len(life.kills)
        yield way, night.name, life


def at_commits(here: World, ways: Sequence[Way]) -> Iterator[tuple[Way, str, Life]]:
    """A kill before and one after every commit of every night."""
    for way in ways:
        for name in way.nights:
            night = here.night(way, name)
            for number, commit in enumerate(here.commits(night), start=1):
                for by in ("before", "after"):
                    life = here.life(night, Kill(by, number))
                    shutil.rmtree(life.root.parent)
                    yield way, f"{name}, {by} {commit}", life


def summed(title: str, lives: Sequence[tuple[Way, Life]]) -> bool:
    """Print a line for each way, and one for all; whether all is well."""
    if lives:
        print(f"\n{title}\n{'source':10} {'kills':>5}  {'by':36} {'while it was':84} verdict")
    for name in (*dict.fromkeys(way.name for way, _ in lives), *(["all"] if lives else [])):
        mine = [life for way, life in lives if name in (way.name, "all")]
        by = Counter(kill.by for life in mine for kill in life.kills)
        was = Counter(word for life in mine for word in life.doing)
        failed = sum(bool(life.faults) for life in mine)
        verdict = f"FAIL ({failed} of {len(mine)} lakes)" if failed else f"PASS ({len(mine)} lakes)"
        print(f"{name:10} {by.total():5}  {_told(by):36} {_told(was):84} {verdict}", flush=True)
    return not any(life.faults for _, life in lives)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items()))


def main() -> None:
    """Kill, print what failed as it comes, and the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="at random moments")
    parser.add_argument("--commits", action="store_true", help="before and after every commit as well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sources", nargs="+", choices=WAYS, default=list(WAYS))
    asked = parser.parse_args()
    ways = [WAYS[name] for name in asked.sources if "rsync" not in name or shutil.which("rsync")]
    os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "CRYSTAL_LAKE_QUIET": "1"}
    began, well = time.monotonic(), True
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, world(Path(folder)) as here:
        here.warm(ways)
        parts = {
            f"{asked.kills} kills at random moments, seed {asked.seed}": at_random(here, ways, asked.kills, asked.seed),
            "a kill before and one after every commit": at_commits(here, ways if asked.commits else ()),
        }
        for title, lives in parts.items():
            told = []
            for way, night, life in lives:
                told.append((way, life))
                for fault in life.faults:
                    print(f"{way.name}, night {night}, {life.kills}, while {life.doing}: {fault}", flush=True)
            well &= summed(title, told)
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(not well)


if __name__ == "__main__":
    main()
