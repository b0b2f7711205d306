"""Telling: a run's events in words, on standard error. What was made, what does not hold, what broke."""

import os
from time import monotonic

import dagster as dg
from rich.console import Console

from lake.progress import QUIET

ROWS = ("rows", "dagster/row_count", "dagster/partition_row_count")  # of a whole run, before one partition of it
Kind = dg.DagsterEventType


class Teller:
    """Hears one run. `errors` are the lines that its end will be judged by."""

    def __init__(self, about: str) -> None:
        self.about = about
        self.errors: list[str] = []
        self.since: dict[str | None, float] = {}
        self.told: set[dg.AssetKey] = set()
        self.console = Console(stderr=True, quiet=bool(os.environ.get(QUIET)), highlight=False, soft_wrap=True)
        self.console.print(about, style="bold")

    def hear(self, entry: dg.EventLogEntry) -> None:
        """One event of the run."""
        event = entry.dagster_event
        if event is None:
            return
        if event.event_type == Kind.STEP_START:
            self.since[event.step_key] = monotonic()
        elif event.event_type == Kind.ASSET_MATERIALIZATION:
            self._made(event)
        elif event.event_type == Kind.ASSET_CHECK_EVALUATION:
            self._checked(event.asset_check_evaluation_data)
        elif event.event_type == Kind.STEP_FAILURE:
            self._broke(event)

    def _made(self, event: dg.DagsterEvent) -> None:
        made = event.step_materialization_data.materialization
        if made.asset_key in self.told:  # another of its partitions
            return
        self.told.add(made.asset_key)
        rows = next((f"{made.metadata[key].value:,} rows" for key in ROWS if key in made.metadata), "")
        took = monotonic() - self.since.get(event.step_key, monotonic())
        self.console.print(f"  {made.asset_key.to_user_string():<50}{rows:>14}{took:>8.1f} s", markup=False)

    def _checked(self, check: dg.AssetCheckEvaluation) -> None:
        if check.passed:
            return
        words = f"{check.asset_key.to_user_string()}: {check.check_name}: no. {check.description or ''}".rstrip()
        if check.severity == dg.AssetCheckSeverity.WARN:
            self.console.print(f"  note: {words}", style="yellow", markup=False)
        else:
            self.errors.append(f"{self.about}: {words}")

    def _broke(self, event: dg.DagsterEvent) -> None:
        error = event.step_failure_data.error
        cause = error.cause or error  # Dagster wraps what a body raised
        words = cause.message.strip().splitlines()[0].rpartition(f"{cause.cls_name}: ")[2]
        self.errors.append(f"{self.about}: {event.step_key}: {words}")
