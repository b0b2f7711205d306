"""A thousand faults between the crawlers and the mirror, and whether the lake is the one crawled without them.

    python -m benchmarks.faults --faults 1000 --seed 0

All six databases and a folder of files, OQMD by three ways, are crawled night after night: in calm, and through a proxy
that strikes with the faults of strikes.py, until so many have struck. Every night records are new, changed and gone.
Then every version of every record, every entry, every reject and what was listed must be the same, every crawl closed
and published, no other host asked, and no file written outside. A crawl that is left open is run again, as a schedule
would. All waiting but that of stalls goes by a clock that leaps. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.strikes import FAULTS
from benchmarks.faults.trial import CASES, Outcome, trial


def table(outcome: Outcome) -> Iterator[str]:
    """Lines: each kind of fault by who was asked, then requests and runs."""
    asked = [case.name for case in CASES if case.source != "folder"]
    wide = max(map(len, FAULTS)) + 2
    columns = [max(len(name), 5) + 2 for name in asked]

    def line(word: str, numbers: list[int | str], total: int | str) -> str:
        cells = "".join(f"{number or '.':>{width}}" for number, width in zip(numbers, columns, strict=True))
        return f"{word:<{wide}}{cells}{total:>8}"

    yield line("", asked, "all")
    for kind, times in outcome.storm.kinds().most_common():
        yield line(kind, [outcome.storm.struck[name, kind] for name in asked], times)
    counts = {name: sum(n for (who, _), n in outcome.storm.struck.items() if who == name) for name in asked}
    yield line("faults", [counts[name] for name in asked], outcome.storm.faults)
    yield line("requests", [outcome.storm.requests[name] for name in asked], outcome.storm.requests.total())
    yield line("crawls run", [outcome.runs[name] for name in asked], sum(outcome.runs[name] for name in asked))
    opened = {name: len(outcome.open_because.get(name, ())) for name in asked}
    yield line("of them left open", [opened[name] for name in asked], sum(opened[name] for name in asked))


def main() -> None:
    """Run, print the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000, help="so many must strike")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=24, help="crystals that every database begins with")
    parser.add_argument("--share", type=float, default=0.3, help="of the requests that are struck")
    parser.add_argument("--core", type=int, default=0, help="the core the run may use")
    parser.add_argument("--reasons", action="store_true", help="print why crawls were left open")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {asked.core})
    logging.getLogger("lake").setLevel(logging.CRITICAL)  # a line for each fault would hide the table
    with tempfile.TemporaryDirectory() as folder:
        outcome = trial(Path(folder) / "trial", asked.faults, asked.seed, asked.each, asked.share)
    print("\n".join(table(outcome)))
    if asked.reasons:
        for name, reasons in outcome.open_because.items():
            for reason in reasons:
                print(f"{name}: {reason[:200]}")
    for complaint in outcome.complaints:
        print(f"FAULT: {complaint}")
    passed = not outcome.complaints and outcome.storm.faults >= asked.faults
    storm, verdict = outcome.storm, "PASS" if passed else "FAIL"
    print(f"refused in both lakes: {', '.join(sorted(outcome.refused))}")
    print(
        f"{verdict}: seed {asked.seed}, {storm.faults:,} faults of {len(storm.kinds())} kinds in "
        f"{storm.requests.total():,} requests, {outcome.nights} nights, {outcome.runs.total()} crawls, "
        f"{outcome.versions:,} versions of records; {outcome.seconds:.0f} s, and {outcome.leapt / 60:,.0f} minutes of "
        "waiting leapt over"
    )
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
