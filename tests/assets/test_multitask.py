"""The study of ways of sharing in the UI: a partition per way, in no job but its own, with gains beside the rows."""

import shutil

from lake.store import Lake
from lake.tables import LEARNT_STRUCTURE, MULTITASK
from models.multitask.plan import Budget
from models.sharing import SHARINGS
from pipelines.definitions import build
from tests.models.conftest import salts  # noqa: F401

BOTH = {"multitask", "learnt_structure"}


def keys(definitions, job):
    return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}


def test_nothing_but_its_own_job_starts_the_study(definitions):
    assert keys(definitions, "ways") == BOTH
    others = ("build", "train", "crawl", "backfill_property", "sizes")
    assert not any(BOTH & keys(definitions, job) for job in others)


def test_a_partition_is_one_way_of_sharing_with_its_gains(salts, tmp_path, instance, monkeypatch):  # noqa: F811
    small = {"sample": Budget({"width": 8, "gnn_layers": 1, "steps": 2}, 32, 64, (0,), (1e-2,), ())}
    for module in ("plan", "ground"):
        monkeypatch.setattr(f"models.multitask.{module}.BUDGETS", small)
    root = shutil.copytree(salts.root, tmp_path / "lake")
    (root / "SAMPLE").touch()
    heard = []

    class Books:
        def log(self, run, study="", graphs=""):
            heard.append((run.recipe.study, study, graphs))

    job = build(root, tracker=Books()).resolve_job_def("ways")
    settings = {"ops": {"comparing": {"config": {"processes": 1}}}}
    done = job.execute_in_process(settings, instance=instance, partition_key="hard")
    assert done.success and set(SHARINGS) == set(job.partitions_def.get_partition_keys())
    made = {
        event.asset_key.to_user_string(): event.materialization for event in done.get_asset_materialization_events()
    }
    assert set(made) == BOTH and "gain of band_gap" in made["multitask"].metadata
    assert [study for study, *_ in heard] == ["single", "single", "joint"]
    assert {(study, bool(graphs)) for _, study, graphs in heard} == {("multitask", True)}
    lake = Lake(root)
    assert set(lake.read(MULTITASK)["method"]) == {"single", "hard"} and (lake.read(MULTITASK)["snapshot"] != "").all()
    assert not len(lake.read(LEARNT_STRUCTURE))
