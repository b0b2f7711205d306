"""Staleness runs from a crawl downwards: what changed upstairs of an asset marks it, what did not change does not."""

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from pipelines.definitions import build
from tests import told_lake

ABOVE = ["materials", "matches", "splits", "observations/band_gap", "property_matrix", "matrix_provenance"]


def status(root, instance, key: str, partition: str | None = None) -> str:
    graph = build(root).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return resolver.get_status(dg.AssetKey.from_user_string(key), partition).value


@pytest.fixture
def fresh(tmp_path, instance):
    """A lake whose matrix was just built on two sources."""
    told_lake.crawl(tmp_path, instance, "mp", "oqmd")
    assert told_lake.run(tmp_path, "build", instance, only=ABOVE).success
    assert all(status(tmp_path, instance, key) == "FRESH" for key in ABOVE)
    return tmp_path


def test_a_changed_source_turns_what_stands_on_it_stale(fresh, instance):
    assert told_lake.crawl(fresh, instance, "mp", told_by=told_lake.tellings(NaCl=4.0)) == {"mp": True}
    assert status(fresh, instance, "entries", "mp") == "FRESH"  # its own run read the new records
    assert status(fresh, instance, "materials") == "STALE"
    assert status(fresh, instance, "observations/band_gap") == "STALE"

    # Dagster marks what stands directly on a change; the mark goes down as the wave of runs does
    assert status(fresh, instance, "property_matrix") == "FRESH"
    assert told_lake.run(fresh, "build", instance, only=["observations/band_gap"]).success
    assert status(fresh, instance, "property_matrix") == "STALE"


def test_a_source_that_was_crawled_again_without_change_makes_nothing_stale(fresh, instance):
    assert told_lake.crawl(fresh, instance, "mp", "oqmd") == {"mp": True, "oqmd": True}
    assert {key: status(fresh, instance, key) for key in ABOVE} == dict.fromkeys(ABOVE, "FRESH")


def test_a_changed_property_makes_its_own_observations_stale_and_no_others(fresh, instance, monkeypatch):
    from dataclasses import replace

    from assets import observations
    from lake.properties import PROPERTIES

    changed = observations.observation(replace(PROPERTIES["band_gap"], high=25.0))
    kept = [asset for asset in observations.OBSERVED if asset.key.path[-1] != "band_gap"]
    monkeypatch.setattr(observations, "OBSERVED", [changed, *kept])
    assert status(fresh, instance, "observations/band_gap") == "STALE"
    assert status(fresh, instance, "materials") == "FRESH"
