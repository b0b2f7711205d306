"""A crawl that is killed at any moment, and started again, gives the same lake and leaves nothing lying about."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys

import pytest

from benchmarks.kills import WAYS, Kill, summed, world
from lake.crawl import crawl
from lake.sample.mirror.oqmd_dump import dumped
from lake.sample.mirror.told import Told
from lake.sources.oqmd.staging import staged
from lake.sources.page import Unit
from lake.sources.scope import Scope
from lake.store import Lake
from lake.tables import CRAWLS, LISTINGS, PAGES
from lake.wire.down import SourceDown
from tests.lake._internet import telling
from tests.lake._owed import ledger, versions
from tests.lake._shelf import Shelf

SEED = 20261122
PAGES_ABC = {"a": {"1": "one", "2": "two"}, "b": {"3": "three"}, "c": {"4": "four"}}


def test_five_kills_of_five_sources_change_nothing(tmp_path):
    chance = random.Random(SEED)
    kills = {
        "aflow": ("first", Kill("after", 3)),  # between what was listed and the pages that say so
        "folder": ("second", Kill("before", 17)),  # between two tombstones
        "cod": ("first", Kill("file", chance.randint(8, 16))),
        "oqmd": ("first", Kill("clock", chance.random())),
        "ocp": ("first", Kill("clock", chance.random())),
    }
    with world(tmp_path) as here:
        here.warm([WAYS[name] for name in kills])
        lives = [(WAYS[name], here.life(here.night(WAYS[name], night), kill)) for name, (night, kill) in kills.items()]
    assert summed(f"5 kills, seed {SEED}", lives), [life.faults for _, life in lives]
    assert [len(life.doing) for _, life in lives] == [1] * 5


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def dies(monkeypatch, at: int, method: str, *tables: object, crawled: tuple) -> None:
    """A crawl that is stopped just before the store's method is called for the n-th time, for these tables or any."""
    whole, number = getattr(Lake, method), itertools.count(1)

    def dying(self, table, *rest, **more):
        if (not tables or table in tables) and next(number) == at:
            raise KeyboardInterrupt
        return whole(self, table, *rest, **more)

    monkeypatch.setattr(Lake, method, dying)
    with pytest.raises(KeyboardInterrupt):
        crawl(*crawled)
    monkeypatch.undo()


def test_what_was_listed_by_a_page_that_was_not_written_down_is_listed_once(lake, monkeypatch):
    dies(monkeypatch, 1, "append", PAGES, crawled=(lake, Shelf(PAGES_ABC)))
    assert len(lake.read(LISTINGS)) == 3
    assert crawl(lake, Shelf(PAGES_ABC)).state == "published"
    assert len(LISTINGS.checked(lake.read(LISTINGS))) == 3


def test_a_record_that_went_away_before_its_page_was_written_down_is_gone(lake, monkeypatch):
    dies(monkeypatch, 1, "append", PAGES, crawled=(lake, Shelf(PAGES_ABC)))
    report = crawl(lake, Shelf({**PAGES_ABC, "a": {"1": "one"}}))
    assert (report.state, report.gone) == ("published", 1)


def test_a_part_that_is_killed_as_it_closes_is_not_read_again(lake, monkeypatch):
    part, told = Scope(elements=("Mg",)), {"a": 2, "b": 1, "c": 1}
    dies(monkeypatch, 2, "append", CRAWLS, crawled=(lake, Shelf(PAGES_ABC, told=told), part))
    shelf = Shelf(PAGES_ABC, told=told)
    assert crawl(lake, shelf, part).state == "published"
    assert shelf.fetched == [] and lake.read(LISTINGS).is_empty()


def test_what_led_to_a_failure_is_asked_again_though_the_next_run_was_killed_as_it_began(lake, monkeypatch):
    class Liar(Shelf):
        def fetch(self, unit, known):
            page = super().fetch(unit, known)
            wrong = Unit("b", {"ids": ["no such"]}, partition="b")
            return type(page)(**{**vars(page), "following": (wrong,)}) if unit.key == "a" else page

    assert crawl(lake, Liar(PAGES_ABC, chain=True)).state == "open"
    dies(monkeypatch, 2, "remove", crawled=(lake, Shelf(PAGES_ABC, chain=True)))
    shelf = Shelf(PAGES_ABC, chain=True)
    assert crawl(lake, shelf).state == "published"
    assert shelf.fetched == ["a", "b", "c"] and len(versions(lake, "shelf")) == 4


def test_a_partition_that_was_short_is_read_anew_by_the_next_run(lake):
    assert crawl(lake, Shelf(PAGES_ABC, told={"a": 3})).state == "open"
    shelf = Shelf({**PAGES_ABC, "a": {"1": "one", "2": "two", "9": "nine"}}, told={"a": 3})
    assert crawl(lake, shelf).state == "published"
    assert shelf.fetched == ["a~4"] and len(versions(lake, "shelf")) == 5


def test_a_round_that_was_interrupted_goes_on_where_it_was(lake):
    pages = {"a": {"1": "one"}, "b": {"2": "two"}}
    broken = {"b~2": SourceDown("asleep")}
    assert crawl(lake, Shelf(pages, told={"a": 2, "b": 2}, broken=broken, dead=True)).state == "open"
    shelf = Shelf({"a": {"1": "one", "8": "eight"}, "b": {"2": "two", "9": "nine"}}, told={"a": 2, "b": 2})
    assert crawl(lake, shelf).state == "published"
    assert shelf.fetched == ["b~2", "a~3"]
    assert not ledger(lake, "shelf", "poisoned")


KNOWS = """
import os, signal
from lake.crawl.known import Known
known = Known()
known.list("", "", [f"mp-{number}" for number in range(300_000)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_crawl_that_is_killed_leaves_no_temporary_file(tmp_path):
    env = os.environ | {"TMPDIR": str(tmp_path), "SQLITE_TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", KNOWS], env=env).returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_staging_left_beside_a_whole_one_is_removed(tmp_path):
    dump = tmp_path / "oqmd.sql"
    dump.write_bytes(b"".join(dumped([Told(telling("oqmd", 1))])))
    there = staged(dump, "0" * 64, tmp_path / "staging")
    (there.parent / "oqmd.raw").write_bytes(b"killed")
    assert staged(dump, "0" * 64, there.parent) == there
    assert [*there.parent.iterdir()] == [there]
