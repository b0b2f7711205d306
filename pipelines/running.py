"""Running: jobs in this process, with a line on the terminal for every asset that is made."""

import os
from pathlib import Path
from time import monotonic
from uuid import uuid4

import dagster as dg
from rich.console import Console

from lake.progress import QUIET
from pipelines.definitions import build
from pipelines.instance import instance_of

ONLY_ERRORS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # `Teller` says what went wrong
ROWS = ("dagster/row_count", "dagster/partition_row_count")


class Teller:
    """Hears a run's events and tells them in words, on standard error: what was made, what broke, how long it took."""

    def __init__(self, about: str) -> None:
        self.about, self.since, self.errors = about, {}, []
        self.console = Console(stderr=True, quiet=bool(os.environ.get(QUIET)), highlight=False)
        self.waiting = self.console.status(about)

    def __call__(self, entry: dg.EventLogEntry) -> None:
        """One event of the run."""
        event = entry.dagster_event
        if event is None:
            return
        if event.event_type == dg.DagsterEventType.STEP_START:
            self.since[event.step_key] = monotonic()
            self.waiting.update(f"{self.about}: {event.step_key.replace('__', '/')}")
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._made(event)
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._checked(event.asset_check_evaluation_data)
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            self._broke(event)

    def _made(self, event: dg.DagsterEvent) -> None:
        made = event.step_materialization_data.materialization
        rows = next((f"{made.metadata[key].value:,} rows" for key in ROWS if key in made.metadata), "")
        took = monotonic() - self.since.get(event.step_key, monotonic())
        name = made.asset_key.to_user_string() + (f" [{made.partition}]" if made.partition else "")
        self.console.print(f"  {name:<52}{rows:>14}{took:>8.1f} s", markup=False)

    def _checked(self, check: dg.AssetCheckEvaluation) -> None:
        if not check.passed:
            words = f"{check.asset_key.to_user_string()}: {check.check_name} does not hold. {check.description or ''}"
            self.console.print(f"  {check.severity.value.lower()}: {words}", markup=False)

    def _broke(self, event: dg.DagsterEvent) -> None:
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        if error:
            self.errors.append(f"{self.about}: {error.message.strip().splitlines()[0]}")


def run(root: Path, job: str, partition: str | None = None, only: list[str] | None = None, **resources: object) -> list[str]:
    """Run a job of the lake below `root`, or the assets `only` of it; returns what went wrong, one line each.

    Dagster keeps the run in the root's own instance, where the UI shows it.
    """
    teller = Teller(f"{job} {partition or ''}".strip())
    run_id = str(uuid4())
    with instance_of(root) as instance, teller.waiting:
        instance.add_event_listener(run_id, teller)
        result = build(root, **resources).resolve_job_def(job).execute_in_process(
            run_config=ONLY_ERRORS,
            instance=instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey.from_user_string(key) for key in only] if only else None,
            raise_on_error=False,
            run_id=run_id,
        )
    return [] if result.success else teller.errors or [f"{teller.about}: failed; `crystal-lake ui` shows why"]
