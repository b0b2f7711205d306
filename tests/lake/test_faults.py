"""A hundred faults between the crawlers and the mirror change nothing; `python -m benchmarks.faults` has a thousand."""

from __future__ import annotations

from benchmarks.faults.nights import EVIL
from benchmarks.faults.strikes import FAULTS
from benchmarks.faults.trial import CASES, trial

SEED = 1
AT_LEAST = 100


def test_a_storm_of_faults_over_all_sources_changes_nothing(tmp_path):
    outcome = trial(tmp_path / "trial", AT_LEAST, SEED, each=5)
    struck, crawls = outcome.storm.kinds(), outcome.runs.total()
    print(f"seed {SEED}: {struck.total()} faults in {crawls} crawls of {outcome.nights} nights, {dict(struck)}")
    assert outcome.complaints == []
    assert struck.total() >= AT_LEAST
    assert len(struck) >= len(FAULTS) - 2, f"nearly every kind must strike, {set(FAULTS) - set(struck)} did not"
    assert f"ocp:{EVIL}" in outcome.refused
    assert set(outcome.storm.requests) == {case.name for case in CASES} - {"folder"}
