"""The grid in the UI: a partition per property, hours of work that no other job starts, and words on what it found."""

import shutil
from functools import partial

from lake.tables import GRID
from models.grid import table
from models.grid.sizes import Size
from models.study import BASELINES
from pipelines.definitions import build
from tests.models.conftest import salts  # noqa: F401


def keys(definitions, job):
    return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}


def test_nothing_but_its_own_job_starts_the_grid(definitions):
    assert keys(definitions, "sizes") == {"grid"}
    assert not any("grid" in keys(definitions, job) for job in ("build", "train", "crawl", "backfill_property"))


def test_a_partition_is_one_property_with_best_size_words_and_picture(salts, tmp_path, instance, monkeypatch):  # noqa: F811
    monkeypatch.setattr(table, "write_grid", partial(table.write_grid, sizes=(Size(1, 1, 64), Size(2, 1, 64))))
    root = shutil.copytree(salts.root, tmp_path / "lake")
    (root / "SAMPLE").touch()
    heard = []

    class Books:
        def log(self, run, study="", graphs=""):
            heard.append((study, graphs))

    job = build(root, tracker=Books()).resolve_job_def("sizes")
    settings = {"ops": {"grid": {"config": {"processes": 1}}}}
    done = job.execute_in_process(settings, instance=instance, partition_key="band_gap")
    assert done.success and set(BASELINES) == set(job.partitions_def.get_partition_keys())
    (made,) = [event.materialization for event in done.get_asset_materialization_events()]
    assert made.partition == "band_gap" and made.metadata["dagster/partition_row_count"].value == 8
    assert made.metadata["best"].value in {"1/1/64", "2/1/64"} and "n = 3" in made.metadata["words"].value
    assert made.metadata["picture"].value.endswith("grid.png") and len(heard) == 8
    assert {study for study, _ in heard} == {"grid"} and all(graphs for _, graphs in heard)
    from lake.store import Lake

    assert set(Lake(root).read(GRID)["property"]) == {"band_gap"} and all(Lake(root).read(GRID)["snapshot"] != "")
