"""MLflow's books: recipe, curves and errors of every run, once, and never a pickle."""

import pytest

from models.recipe import Recipe
from models.run import Run
from pipelines.tracking import MlflowTracker


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    root = tmp_path_factory.mktemp("books")
    scores = {"band_gap": {"n_train": 8, "n_test": 2, "mae_test": 0.5, "mae_validation": None}}
    history = [{"epoch": e, "learning_rate": 0.1, "loss_train": 1 / e, "loss_validation": None} for e in (1, 2, 3)]
    run = Run(Recipe(("band_gap",), seed=3), scores, history, root / "models" / "one.safetensors", 2.0, "abc")
    tracker = MlflowTracker(root)
    tracker.log(run)
    tracker.log(run)
    return tracker, root


def only_run(tracker, study="single"):
    experiment = tracker.client.get_experiment_by_name(study)
    (found,) = tracker.client.search_runs([experiment.experiment_id])
    return found


def test_the_same_run_is_written_once_with_its_recipe_and_errors(tracked):
    run = only_run(tracked[0])
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "3" and run.data.params["encoder"] == "cgcnn"
    assert run.data.metrics["mae_test.band_gap"] == 0.5 and run.data.metrics["seconds"] == 2.0
    assert "mae_validation.band_gap" not in run.data.metrics


def test_the_loss_is_written_by_epoch(tracked):
    tracker, _ = tracked
    curve = tracker.client.get_metric_history(only_run(tracker).info.run_id, "loss_train")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 1 / 2), (3, 1 / 3)]


def test_the_checkpoint_is_named_and_no_model_is_logged(tracked):
    tracker, root = tracked
    assert only_run(tracker).data.tags["checkpoint"].endswith("one.safetensors")
    assert not [file for file in root.rglob("*") if file.suffix in {".pkl", ".pickle", ".pt", ".pth"}]


def test_another_study_is_another_experiment_and_names_snapshot_and_graphs(tracked):
    tracker, root = tracked
    run = Run(
        Recipe(("band_gap",)), {"band_gap": {}}, [], root / "models" / "two.safetensors", 1.0, "abc", (), "night-3"
    )
    tracker.log(run, study="grid", graphs="nearest-v2")
    tags = only_run(tracker, "grid").data.tags
    assert (tags["study"], tags["snapshot"], tags["graphs"]) == ("grid", "night-3", "nearest-v2")
    assert "snapshot" not in only_run(tracker).data.tags
