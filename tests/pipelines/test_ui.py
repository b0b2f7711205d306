"""The UI: on loopback only, with the settings of its lake, and a sample lake that no real crawl can reach."""

import dagster as dg
import pytest

from lake.sample.mirror import serving
from lake.settings import Settings
from pipelines import ui
from pipelines.instance import home, instance_of
from pipelines.sample import MARK, MixedLake, mark, not_mixed, sources_of
from tests import told_lake


def test_the_ui_listens_on_loopback_only():
    words = ui.command(3000)
    assert words[words.index("-h") + 1] == "127.0.0.1"
    assert "0.0.0.0" not in " ".join(words)


def test_the_mirror_listens_on_loopback_only():
    with serving(told_lake.tellings()[:1]) as url:
        assert url.startswith("http://127.0.0.1:")


def test_the_ui_hands_its_settings_on_through_the_environment(tmp_path, monkeypatch):
    settings = Settings.for_mirror("http://127.0.0.1:8642", root=tmp_path)
    for name, value in ui.environment(tmp_path, settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_dagster_keeps_telemetry_off_and_one_run_per_source(tmp_path):
    with instance_of(tmp_path) as instance:
        assert instance.telemetry_enabled is False
        assert instance.get_concurrency_config().run_queue_config.tag_concurrency_limits[0]["limit"] == 1


def test_somebodys_own_dagster_yaml_is_kept(tmp_path):
    (home(tmp_path) / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    home(tmp_path)
    assert "concurrency" not in (tmp_path / "dagster" / "dagster.yaml").read_text()


def test_a_sample_lake_is_marked_and_asks_the_mirror_alone(tmp_path):
    mark(tmp_path)
    assert "Not for research" in (tmp_path / MARK).read_text()
    assert (tmp_path / "labels" / "handbook.csv").exists()
    with sources_of(tmp_path) as settings:
        assert all(settings.url(name).startswith("http://127.0.0.1:") for name in told_lake.IDS)


def test_a_sample_lake_refuses_real_databases(tmp_path):
    mark(tmp_path)
    with pytest.raises(MixedLake, match="sample values"):
        not_mixed(tmp_path, Settings(root=tmp_path))


def test_a_crawled_lake_refuses_to_become_a_sample(tmp_path):
    (tmp_path / "bronze").mkdir()
    with pytest.raises(MixedLake, match="choose another --root"):
        mark(tmp_path)


def test_the_code_location_loads_from_the_environment(tmp_path, monkeypatch):
    from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

    monkeypatch.setenv("CRYSTAL_LAKE_ROOT", str(tmp_path))
    targets = loadable_targets_from_python_module("pipelines.definitions", working_directory=None)
    assert [target.attribute for target in targets] == ["defs"]
    from pipelines.definitions import defs

    dg.Definitions.validate_loadable(defs())
