"""A crawl that is killed at any moment, and started again, gives the same lake."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from lake.crawl import crawl
from lake.sources import source_named
from lake.store import Lake
from tests.lake._internet import internet, tellings
from tests.lake._owed import ledger, versions

SEED = 20261122
KILLS = 3
CHILD = """
import sys
from lake.sources import oqmd
from lake.sources.crystallography_open import engine as crystallography_open
from lake.sources.aflow import source as aflow
crystallography_open.PER_UNIT = oqmd.PER_PAGE = aflow.PER_PAGE = {piece}
from lake.crawl import crawl
from lake.settings import Settings
from lake.sources import source_named
from lake.store import Lake
print(crawl(Lake({root!r}), source_named({name!r}, Settings.for_mirror({base!r}))).state)
"""
PIECE = 3


@pytest.mark.parametrize("name", ["oqmd", "cod", "aflow"])
def test_kills_at_random_moments_change_nothing(name, tmp_path, monkeypatch):
    chance = random.Random(SEED)
    with internet(tellings(name, each=40)) as net:
        whole = Lake(tmp_path / "whole")
        crawl(whole, source_named(name, net.settings()))
        net.asked.clear()
        lake = Lake(tmp_path / "killed")
        words = CHILD.format(root=str(lake.root), name=name, base=net.base, piece=PIECE)
        closed = 0
        for _ in range(KILLS):
            child = subprocess.Popen([sys.executable, "-c", words], env={**os.environ, "PYTHONPATH": "."})
            _wait_for_units(lake, name, closed + chance.randint(1, 3), child)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            closed = len(ledger(lake, name, "ok"))
        data = {"oqmd": "page_limit", "cod": ".cif", "aflow": f",{PIECE})"}[name]
        done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "closed"
        asked = [path for path in net.asked if data in path]
        assert versions(lake, name) == versions(whole, name)
        per_unit = PIECE if name == "cod" else 1
        assert len(asked) - len(set(asked)) <= KILLS * per_unit  # each kill costs at most its open unit


def _wait_for_units(lake: Lake, name: str, units: int, child: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while len(ledger(lake, name, "ok")) < units and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
