"""Sensors: what follows what. The build follows the crawls once none is running; the matrix follows its columns."""

import dagster as dg

from pipelines.jobs import build, crawl

# On from the start: it asks nobody outside, and who makes a column by hand wants to see it.
matrix_follows_columns = dg.AutomationConditionSensorDefinition(
    "matrix_follows_columns",
    target=dg.AssetSelection.assets("splits", "property_matrix", "matrix_provenance", "lake_duckdb", "snapshots"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)

RUNNING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.sensor(job=build, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.STOPPED)
def build_after_crawls(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Build when crawls have brought something new and the last of them is done, whichever of them failed."""
    if context.instance.get_runs(dg.RunsFilter(job_name=crawl.name, statuses=RUNNING), limit=1):
        return dg.SkipReason("a source is still being crawled")
    done = dg.RunsFilter(job_name=crawl.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    newest = context.instance.get_runs(done, limit=1)
    if not newest or newest[0].run_id == context.cursor:
        return dg.SkipReason("no crawl since the last build")
    context.update_cursor(newest[0].run_id)
    return dg.RunRequest(run_key=newest[0].run_id)
