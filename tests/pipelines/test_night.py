"""The night: one run per source, and one that fails leaves the others and what was there before alone."""

from datetime import datetime

import dagster as dg
import pytest

from lake.settings import Settings
from lake.sources import NAMES
from lake.store import Lake
from lake.tables import ENTRIES, RECORDS
from pipelines import definitions
from pipelines.jobs import build, crawl
from pipelines.schedules import nightly
from pipelines.sensors import build_after_crawls
from tests import told_lake

NOBODY = "http://127.0.0.1:9"  # discard: nothing listens there


def requests(instance) -> list[dg.RunRequest]:
    night = datetime(2024, 5, 17, 1)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
        return list(nightly(context))


def test_a_night_asks_for_one_run_per_database(instance):
    found = requests(instance)
    assert [request.partition_key for request in found] == [*NAMES]
    assert len({request.run_key for request in found}) == 6 and found[0].run_key == "2024-05-17:mp"


def test_nothing_runs_at_night_until_somebody_switches_it_on():
    assert nightly.default_status is dg.DefaultScheduleStatus.STOPPED
    assert build_after_crawls.default_status is dg.DefaultSensorStatus.STOPPED


def test_a_source_that_is_down_does_not_stop_the_others(tmp_path, instance):
    with told_lake.told(tmp_path) as settings:
        down = settings.model_copy(update={"oqmd_url": NOBODY})
        runs = {
            source: told_lake.run(tmp_path, "crawl", instance, partition_key=source, settings=down)
            for source in ("oqmd", "mp", "aflow")
        }
    assert runs["mp"].success and runs["aflow"].success
    kept = set(Lake(tmp_path).scan(ENTRIES).select("source").collect()["source"])
    assert kept == {"mp", "aflow"}
    closed = {e.check_name: e.passed for e in runs["oqmd"].get_asset_check_evaluations()}
    assert not runs["oqmd"].success or closed["crawl_is_closed"] is False


def test_a_source_that_went_down_keeps_what_it_gave_before(tmp_path, instance):
    told_lake.crawl(tmp_path, instance, "oqmd")
    before = len(Lake(tmp_path).read(RECORDS))
    lost = Settings.for_mirror(NOBODY, root=tmp_path)
    told_lake.run(tmp_path, "crawl", instance, partition_key="oqmd", settings=lost)
    lake = Lake(tmp_path)
    assert len(lake.read(RECORDS)) == before == len(lake.read(ENTRIES)) > 0


@pytest.mark.parametrize("job", [crawl, build], ids=lambda job: job.name)
def test_the_jobs_of_a_night_have_words(job):
    assert len(job.description) > 25


def evaluated(instance, cursor=None):
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return build_after_crawls(context), context.cursor


def test_the_build_follows_the_crawls_once(tmp_path, instance):
    assert isinstance(evaluated(instance)[0], dg.SkipReason)
    told_lake.crawl(tmp_path, instance, "mp", "cod")
    asked, cursor = evaluated(instance)
    assert isinstance(asked, dg.RunRequest)
    assert isinstance(evaluated(instance, cursor)[0], dg.SkipReason)


def test_the_build_waits_while_a_source_is_still_being_crawled(tmp_path, instance):
    told_lake.crawl(tmp_path, instance, "mp")
    instance.create_run_for_job(
        definitions.build(tmp_path).resolve_job_def("crawl"),
        tags={"dagster/partition": "cod"},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert "still being crawled" in evaluated(instance)[0].skip_message
