"""Schedules: what happens at night. Off until switched on in the UI, for they ask other people's servers."""

from collections.abc import Iterator

import dagster as dg

from lake.sources import NAMES
from pipelines.jobs import crawl


@dg.schedule(job=crawl, cron_schedule="0 1 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """Every night at one, one run per database: one that fails never stops the night for the others."""
    night = context.scheduled_execution_time.date()
    for source in NAMES:
        yield dg.RunRequest(run_key=f"{night}:{source}", partition_key=source)
