"""The trial: the same nights crawled in calm and in a storm, each source by itself, until each night is closed.

What belongs here: who is crawled, how, and what comes out. A crawl that ends open is run again, as a schedule would,
and so is one that closed without a record that can be told.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from unittest.mock import patch

from benchmarks.faults.nights import UNTELLABLE, nights, write_folder
from benchmarks.faults.sameness import differences, given_up, missing, open_ends
from benchmarks.faults.storm import PATIENCE, Storm, before, gathering
from lake.crawl import crawl
from lake.entries import write_entries
from lake.sample.mirror import open_catalyst as mirror_of_ocp
from lake.sources import source_named
from lake.sources.aflow import source as aflow
from lake.sources.crystallography_open import engine as crystallography_open
from lake.sources.crystallography_open import units as crystallography_open_units
from lake.sources.materials_project import rest as materials_project
from lake.sources.open_catalyst import source as open_catalyst
from lake.sources.oqmd import source as oqmd
from lake.store import Lake
from lake.tables import RECORDS, REJECTS
from lake.wire.clock import LeapingClock, running
from lake.wire.down import SourceDown
from tests.lake._internet import Internet, internet

NIGHTS = 2  # at least: one to begin, one with what is new, changed and gone
MOST_RUNS = 60  # of one night's crawl, after which it counts as open for ever
PIECE = 2  # records of a unit
TIMEOUT = 0.5  # s without a byte, which a stall costs in truth: all other waiting leaps
SMALL = (
    (materials_project, "PER_PAGE", PIECE), (aflow, "PER_PAGE", PIECE), (aflow, "PER_SWEEP", 4 * PIECE),
    (aflow, "PER_QUESTION", PIECE), (oqmd, "PER_PAGE", PIECE), (open_catalyst, "PER_UNIT", PIECE),
    (crystallography_open, "PER_UNIT", PIECE), (crystallography_open, "LIST_MOST", 3 * PIECE),
    (crystallography_open, "PREFIXES", ("10", "19", "80", "99")), (crystallography_open_units, "FIVE", 4),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Somebody to be crawled. how: settings. uncounted: its answers do not tell how many records there are.

    like: whose calm lake the result must equal, its own where empty.
    """

    name: str
    source: str
    how: Mapping[str, object] = field(default_factory=dict)
    uncounted: bool = False
    like: str = ""


CASES = (
    Case("mp", "mp"),
    Case("aflow", "aflow"),
    Case("oqmd", "oqmd"),
    Case("oqmd-uncounted", "oqmd", uncounted=True, like="oqmd"),
    Case("oqmd-rest", "oqmd", {"oqmd_path": "rest"}),
    Case("cod", "cod"),
    Case("pcod", "pcod"),
    Case("ocp", "ocp"),
    Case("folder", "folder"),
)


@dataclass
class Outcome:
    """What a trial found. complaints: what differs or is open, nothing where it is passed.

    runs, given_up: case -> crawls run in the storm, and those of them that closed without what can be told.
    open_because: case -> why its crawls were left open, in the order of the nights. leapt: seconds that nobody waited.
    versions: of records in calm. refused: ids that no lake can hold, whatever the weather.
    """

    storm: Storm
    nights: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    open_because: dict[str, list[str]] = field(default_factory=dict)
    leapt: float = 0.0
    seconds: float = 0.0
    versions: int = 0
    refused: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


def trial(root: Path, faults: int, seed: int, each: int = 9, share: float = 0.3) -> Outcome:
    """Night after night until so many faults have struck.

    root: a folder for the lakes, alone in its own. each: crystals that every database begins with. share: of the
    requests that are struck.
    """
    began, clock = time.perf_counter(), LeapingClock()
    archives = patch.object(mirror_of_ocp, "SYSTEMS_PER_FILE", PIECE + 1)
    with gathering(seed, share) as storm, internet([]) as net, running(clock), archives:
        outcome, told = Outcome(storm), nights(each, seed)
        for night in count():
            net.tell(next(told))
            write_folder(root / "files", night, each)
            for case in CASES:
                if not case.like:
                    _in_calm(case, net, root)
                _in_storm(case, net, root, night, outcome)
            outcome.nights += 1
            if outcome.complaints or (outcome.nights >= NIGHTS and storm.faults >= faults):
                break
        for case in CASES:
            _compare(case, net, root, outcome)
        calm = [_lake(root, "calm", case.name) for case in CASES if not case.like]
        outcome.versions = sum(len(lake.read(RECORDS)) for lake in calm)
        outcome.refused = {entry_id for lake in calm for entry_id in lake.read(REJECTS)["entry_id"]}
        outcome.refused |= {f"ocp:{each}" for each in missing(_lake(root, "storm", "ocp"), "ocp")["source_id"]}
        folders = (root.parent.rglob("evil*"), Path.cwd().glob("evil*"), Path.cwd().parent.glob("evil*"))
        outcome.complaints += [f"{path} was written" for paths in folders for path in paths]
        outcome.complaints += [f"another host was asked {storm.astray} times"] * bool(storm.astray)
    outcome.leapt, outcome.seconds = sum(clock.slept), time.perf_counter() - began
    return outcome


def _in_calm(case: Case, net: Internet, root: Path) -> None:
    lake = _lake(root, "calm", case.name)
    source = source_named(case.source, net.settings(root=lake.root, folder_path=root / "files", **case.how))
    report = crawl(lake, source)
    if report.state != "published":
        raise RuntimeError(f"a crawl in calm must be published, {case.name} is {report.state}: {report.error}")


def _in_storm(case: Case, net: Internet, root: Path, night: int, outcome: Outcome) -> None:
    lake = _lake(root, "storm", case.name)
    with before(net.base, outcome.storm, case.name, night, case.uncounted) as base, _small_pieces():
        urls = {f"{case.source}_url": f"{base}/{case.source}"} if case.source != "folder" else {}
        how = {"root": lake.root, "folder_path": root / "files", "attempts": PATIENCE + 2, "timeout": TIMEOUT}
        settings = net.settings(**how, **urls, **case.how)
        because = outcome.open_because.setdefault(case.name, [])
        for _ in range(MOST_RUNS):
            outcome.runs[case.name] += 1
            source = source_named(case.source, settings)
            try:
                report = crawl(lake, source)
            except SourceDown as fault:
                because.append(str(fault))
                continue
            if report.state != "published":
                because.append(f"{report.state}: {report.error or report.held}")
            elif given_up(lake, report.crawl) <= {UNTELLABLE}:
                break
            else:
                outcome.given_up[case.name] += 1
                because.append(f"closed with rejects: {report.error}")
        else:
            outcome.complaints.append(f"{case.name} stays open after {MOST_RUNS} runs of night {night}: {because[-3:]}")


def _compare(case: Case, net: Internet, root: Path, outcome: Outcome) -> None:
    stormy, calm = _lake(root, "storm", case.name), _lake(root, "calm", case.like or case.name)
    for lake in (stormy, calm):
        write_entries(lake, source_named(case.source, net.settings(root=lake.root, **case.how)))
    found = [*differences(stormy, calm, case.source), *open_ends(stormy, case.source)]
    outcome.complaints += [f"{case.name}: {words}" for words in found]


def _lake(root: Path, weather: str, name: str) -> Lake:
    return Lake(root / weather / name)


@contextmanager
def _small_pieces() -> Iterator[None]:
    """Units of few records, so that there are many requests to strike."""
    with ExitStack() as stack:
        for module, name, value in SMALL:
            stack.enter_context(patch.object(module, name, value))
        yield
