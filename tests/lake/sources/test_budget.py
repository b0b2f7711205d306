"""A budget holds for a database, whoever asks, and comes back on the next night."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.settings import SLUGS, Settings
from lake.wire.answers import json_of
from lake.wire.budget import Budget, BudgetSpent, Spent
from lake.wire.clock import LeapingClock
from lake.wire.down import SourceDown
from lake.wire.shared_state import Shared
from tests.lake.sources._script import client, reply, server


def test_sessions_share_a_budget_and_a_spent_one_says_when_it_goes_on(tmp_path):
    clock = LeapingClock(start=1_700_000_000.0)  # 2023-11-14 22:13 UTC
    with server(reply(503), reply()) as (base, heard):
        both = [client(base, clock, cod_rate=1000.0, politeness=tmp_path, budget=3) for _ in range(2)]
        both[0].ask(base, json_of)  # two requests: what is asked again is asked
        both[1].ask(base, json_of)
        for polite in both:
            with pytest.raises(BudgetSpent, match=r"3 requests.*goes on at 2023-11-15 22:00 UTC"):
                polite.ask(base, json_of)
    assert len(heard) == 3
    assert issubclass(BudgetSpent, SourceDown)


def test_a_spent_budget_does_not_open_the_circuit():
    clock = LeapingClock()
    with server(reply()) as (base, _):
        polite = client(base, clock, budget=1, circuit_after=1)
        polite.ask(base, json_of)
        with pytest.raises(BudgetSpent):
            polite.ask(base, json_of)
        clock.sleep(24 * 3600)
        assert polite.ask(base, json_of).value == {"ok": 1}


@given(st.integers(1, 50), st.floats(0, 3599), st.integers(2, 5))
def test_a_crawl_at_the_same_hour_has_its_whole_budget_every_night(allowed, minute, nights):
    clock = LeapingClock(start=1_700_000_000.0 // 3600 * 3600 + minute)
    budget = Budget("cod", allowed, Shared(None, Spent), clock)
    for _ in range(nights):
        for _ in range(allowed):
            budget.spend()
        with pytest.raises(BudgetSpent):
            budget.spend()
        clock.sleep(24 * 3600)


@given(st.lists(st.floats(0, 20_000), min_size=1, max_size=80), st.integers(1, 10))
def test_no_day_holds_more_than_the_budget(pauses, allowed):
    """A day of 24 hours of the clock, the present one among them."""
    clock = LeapingClock()
    budget, spent = Budget("cod", allowed, Shared(None, Spent), clock), []
    for pause in pauses:
        clock.sleep(pause)
        try:
            budget.spend()
            spent.append(int(clock.now() // 3600))
        except BudgetSpent:
            pass
    assert all(sum(first <= hour < first + 24 for hour in spent) <= allowed for first in spent)


def test_a_database_may_have_a_budget_of_its_own(monkeypatch):
    monkeypatch.setenv("CRYSTAL_LAKE_BUDGET", "1000")
    monkeypatch.setenv("CRYSTAL_LAKE_COD_BUDGET", "50")
    monkeypatch.setenv("CRYSTAL_LAKE_OQMD_BUDGET", "0")
    settings = Settings()
    assert {slug: settings.budget_of(slug) for slug in SLUGS} == dict.fromkeys(SLUGS, 1000) | {"cod": 50, "oqmd": 0}
