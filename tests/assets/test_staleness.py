"""Staleness runs from a crawl downwards: what changed upstairs of an asset marks it, what did not change does not."""

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from assets.partitions import EVERY_SHARD, SHARDS
from lake.shards import ALL, shard_of
from lake.store import Lake
from lake.tables import MATERIALS
from pipelines.definitions import build
from tests import told_lake

ABOVE = [*told_lake.IDENTITY, "observations/band_gap", "property_matrix", "matrix_provenance"]
FIRST_SHARD, LAST_SHARD = EVERY_SHARD  # how a run's tags call them
SALT = shard_of("NaCl")


def status(root, instance, key: str, partition: str | None = None) -> str:
    """FRESH, STALE or MISSING; of one shard where the asset is made by shards and no partition is named."""
    graph = build(root).resolve_asset_graph()
    if partition is None and graph.get(dg.AssetKey.from_user_string(key)).partitions_def == SHARDS:
        partition = SALT
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


def test_a_changed_reading_makes_its_property_stale_and_then_what_stands_on_it_and_nothing_else(
    fresh, instance, monkeypatch
):
    from dataclasses import replace

    from assets import observations
    from lake.properties import PROPERTIES

    other = "observations/formation_energy_per_atom"
    assert told_lake.run(fresh, "build", instance, only=[other, "property_matrix", "matrix_provenance"]).success
    gap = PROPERTIES["band_gap"]
    gap = replace(gap, readings=tuple(replace(reading, method="as said anew") for reading in gap.readings))
    kept = [asset for asset in observations.OBSERVED if asset.key.path[-1] != "band_gap"]
    monkeypatch.setattr(observations, "OBSERVED", [observations.observation(gap), *kept])
    expected = dict.fromkeys([*ABOVE, other], "FRESH") | {"observations/band_gap": "STALE"}
    assert {key: status(fresh, instance, key) for key in expected} == expected

    monkeypatch.setattr("lake.extract.property_named", lambda name: gap)
    assert told_lake.run(fresh, "build", instance, only=["observations/band_gap"]).success
    expected |= {"observations/band_gap": "FRESH"} | dict.fromkeys(["property_matrix", "matrix_provenance"], "STALE")
    assert {key: status(fresh, instance, key) for key in expected} == expected


def made_alone(root, instance, shard: str) -> None:
    """One shard's materialisation, as a click in the UI starts it."""
    tags = {FIRST_SHARD: shard, LAST_SHARD: shard}
    assert told_lake.run(root, "build", instance, only=told_lake.IDENTITY[:4], tags=tags).success


def test_a_shard_that_is_made_alone_leaves_the_others_alone_and_what_stands_on_it_follows(fresh, instance):
    lake, others = Lake(fresh), [shard for shard in ALL if shard != SALT]
    before = {file for file in lake.files(MATERIALS) if f"shard={SALT}" not in file}
    rows = lake.read(MATERIALS)
    lake.remove(MATERIALS, {"shard": SALT})
    quiet = dg.evaluate_automation_conditions(build(fresh), instance)
    made_alone(fresh, instance, SALT)

    assert before and before <= set(lake.files(MATERIALS))
    assert lake.read(MATERIALS).sort("material_id").equals(rows.sort("material_id"))
    assert status(fresh, instance, "property_matrix") == status(fresh, instance, "splits") == "STALE"
    assert {status(fresh, instance, "materials", shard) for shard in others} == {"FRESH"}
    after = dg.evaluate_automation_conditions(build(fresh), instance, cursor=quiet.cursor)
    assert (
        after.get_num_requested(dg.AssetKey("splits")) == after.get_num_requested(dg.AssetKey("property_matrix")) == 1
    )


def test_a_shard_that_is_made_alone_again_without_change_is_no_news(fresh, instance):
    made_alone(fresh, instance, SALT)
    assert told_lake.run(fresh, "build", instance, only=["splits", "property_matrix", "matrix_provenance"]).success
    made_alone(fresh, instance, SALT)
    assert status(fresh, instance, "property_matrix") == status(fresh, instance, "splits") == "FRESH"


def test_each_shard_says_its_own_rows_and_the_last_one_shows_the_overlap(fresh, instance):
    events = instance.fetch_materializations(dg.AssetKey("materials"), limit=len(ALL)).records
    told = {event.partition_key: event.asset_materialization.metadata for event in events}
    sizes = {shard: said["dagster/partition_row_count"].value for shard, said in told.items()}
    assert set(sizes) == set(ALL) and sum(sizes.values()) == len(told_lake.SALTS)
    assert {said["rows"].value for said in told.values()} == {len(told_lake.SALTS)}
    shown = {shard for shard, said in told.items() if "overlap of databases" in said}
    assert shown == {ALL[-1]} and told[ALL[-1]]["told by 2 databases"].value == len(told_lake.SALTS)
    picture = told[ALL[-1]]["overlap of databases"].value
    assert picture.startswith("![overlap](data:image/png;base64,") and len(picture) < 100_000
