"""The transfer map in the UI: a partition per study, in no job but its own, with what was confirmed beside the rows."""

import shutil

from lake.store import Lake
from lake.tables import GROUPS, TRANSFER_MAP
from models.transfer_map.networks.size import Size
from models.transfer_map.plan import STUDIES, Budget
from pipelines.definitions import build
from tests.models.conftest import salts  # noqa: F401

BOTH = {"transfer_map", "groups"}


def keys(definitions, job):
    return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}


def test_nothing_but_its_own_job_starts_the_map(definitions):
    assert keys(definitions, "map_transfer") == BOTH
    assert not any(BOTH & keys(definitions, job) for job in ("build", "train", "crawl", "backfill_property", "sizes"))


def test_a_partition_is_one_study_with_its_rows_and_what_was_confirmed(salts, tmp_path, instance, monkeypatch):  # noqa: F811
    tiny = Budget(Size(width=4, layers=1, steps=2, batch=8), labels=60, fewest=20, seeds=2, more=2, claims=0, knowing=1)
    monkeypatch.setattr("models.transfer_map.table.SAMPLE", tiny)
    root = shutil.copytree(salts.root, tmp_path / "lake")
    (root / "SAMPLE").touch()
    job = build(root).resolve_job_def("map_transfer")
    settings = {"ops": {"mapping": {"config": {"processes": 1}}}}
    done = job.execute_in_process(settings, instance=instance, partition_key="lake")
    assert done.success and set(STUDIES) == set(job.partitions_def.get_partition_keys())
    made = {
        event.asset_key.to_user_string(): event.materialization for event in done.get_asset_materialization_events()
    }
    assert set(made) == BOTH and "No claim was tried" in made["transfer_map"].metadata["told"].value
    lake = Lake(root)
    assert len(lake.read(TRANSFER_MAP)) == 2 and (lake.read(TRANSFER_MAP)["snapshot"] != "").all()
    assert len(lake.read(GROUPS)) and (root / "models" / "ledgers" / "transfer_lake.csv").exists()
