"""The map in the report: absent, trusted or not, it says so; its claims are the table's, with n, interval, versions."""

from __future__ import annotations

import re

import polars as pl
import pytest

from assets.map_facts import addresses, maps
from assets.map_pages import draw_maps, pictures, write_pages
from assets.report_facts import facts
from assets.report_page import filled, html
from lake.figures.style import empty
from lake.store import Lake
from lake.tables.models import TRANSFER_MAP
from models.figures.task_names import claims, full_name
from models.transfer_map.families import BETWEEN
from tests.mapped_lake import TASKS, mapped


def section(lake: Lake) -> str:
    page = html(facts(lake), {}).replace("\u00a0", " ")
    return page[(at := page.index('<section id="map">')) : page.index("</section>", at)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return mapped(Lake(tmp_path_factory.mktemp("lake")), kept=0.8)


@pytest.fixture(scope="module")
def told(lake) -> str:
    return section(lake)


def test_a_lake_without_a_map_says_that_it_has_not_run_and_how_to_run_it(tmp_path):
    found = section(Lake(tmp_path))
    assert "has not run" in found and "crystal-lake transfer --dry-run" in found and "--budget-hours" in found
    assert "<table" not in found


def test_every_claim_of_the_table_stands_with_its_n_and_interval_and_the_versions(lake, told):
    rows = claims(lake.read(TRANSFER_MAP))
    body = told[told.index('id="claims-lake"') : told.index('id="properties-lake"')]
    assert len(rows) and body.count("<tr><td>") == len(rows)
    exact = [float(value) for value in re.findall(r'verdict (?:helps|hurts)"><data value="(.*?)">', body)]
    assert sorted(exact) == sorted(rows["gain_placebo"])
    for part in ("2026-11-23-1", "0123456789abcdef", "v2", "width 16", "code <code>"):
        assert part in body


def test_a_map_that_holds_says_how_often_and_one_that_does_not_says_not_to_trust_it(lake, told, tmp_path):
    (one,) = maps(lake)
    assert one.trusted and f"{one.confirmed} of {one.tried} claims were confirmed" in told
    assert "not to be trusted" not in told.lower()
    bad = mapped(Lake(tmp_path), kept=0.3)
    found = section(bad)
    assert "This map is not to be trusted." in found and 'role="alert"' in found
    (one,) = maps(bad)
    assert all(page["advice"].startswith("Not to be trusted") for page in one.pages)
    refuted = sum(len(page["refuted"]) for page in one.pages)
    assert refuted == one.tried - one.confirmed > 0


def test_claims_that_nobody_tried_again_are_no_trusted_map(tmp_path):
    found = section(mapped(Lake(tmp_path), kept=None))
    assert "Not confirmed yet." in found and "No claim was tried on fresh seeds" in found


def test_power_groups_and_reasons_stand_in_words(told):
    assert "With 5 seeds a pair, an effect of 5 % is seen with probability" in told
    assert 'id="groups-lake"' in told and "&#34;tasks&#34;" in told
    assert 'id="reasons-lake"' in told and "need not be a cause" in told


def test_every_property_has_a_page_with_all_its_pairs_its_level_of_theory_and_a_way_back(lake, tmp_path):
    stale = tmp_path / "transfer" / "lake" / "gone.html"
    stale.parent.mkdir(parents=True)
    stale.touch()
    written = write_pages(maps(lake), tmp_path, filled)
    assert {path.stem for path in written} == set(TASKS) and not stale.exists()
    for path in written:
        page = path.read_text()
        assert full_name(path.stem) in page and 'href="../../report.html#map"' in page
        links = set(re.findall(r'href="(\w+)\.html"', page))
        assert links == set(TASKS) - {path.stem}
        assert "http" not in page.replace("http-equiv", "") and "<script" not in page


def test_the_index_links_to_the_pages_that_are_written(told):
    assert set(re.findall(r'href="transfer/lake/(\w+)\.html"', told)) == set(TASKS)


def test_what_only_sets_of_tasks_tell_is_not_claimed(lake):
    rows = lake.read(TRANSFER_MAP)
    sets = rows.with_columns(estimator=pl.lit("sets"), verdict=pl.lit("helps"), confirmed=pl.lit(None, pl.Boolean))
    assert len(claims(rows)) and not len(claims(sets.with_columns(kind=pl.lit(BETWEEN))))


def test_a_map_of_one_target_has_its_page_and_links_to_no_other(lake, tmp_path):
    rows = lake.read(TRANSFER_MAP).filter(target="band_gap")
    (one,) = maps(written(Lake(tmp_path), rows))
    (page,) = write_pages([one], tmp_path, filled)
    assert page.stem == "band_gap" and not re.findall(r'href="\w+\.html"', page.read_text())


def test_a_map_of_one_seed_claims_nothing_and_says_so(lake, tmp_path):
    unknown = [
        pl.lit(None, pl.Float64).alias(name) for name in ("low", "high", "low_placebo", "high_placebo", "p", "q")
    ]
    rows = lake.read(TRANSFER_MAP).with_columns(
        *unknown, n=pl.lit(1, pl.Int64), verdict=pl.lit("unclear"), confirmed=pl.lit(None, pl.Boolean)
    )
    found = section(written(Lake(tmp_path), rows))
    assert "No pair has two seeds or more" in found and "none is told from chance" in found


def written(lake: Lake, rows: pl.DataFrame) -> Lake:
    lake.replace(TRANSFER_MAP, rows, "lake")
    return lake


def test_pictures_are_drawn_for_each_study_and_old_ones_go(tmp_path, monkeypatch):
    water = mapped(mapped(Lake(tmp_path)), study="my own table")
    both = maps(water)
    assert [one.slug for one in both] == ["lake", "my_own_table"]
    assert set(pictures(both[0])) == {"map", "raw", "graph", "placebo", "power", "groups"}
    monkeypatch.setattr("assets.map_pages.pictures", lambda one: {"power": lambda: empty(one.study)})
    (stale := tmp_path / "figures" / "transfer_map_gone.png").parent.mkdir()
    stale.touch()
    drawn = draw_maps(both, stale.parent)
    assert [path.name for path in drawn] == ["transfer_power_lake.png", "transfer_power_my_own_table.png"]
    assert not stale.exists() and all(path.exists() for path in drawn)


def test_addresses_of_pages_differ_whatever_the_names():
    found = addresses(["band gap", "band_gap", "Band gap", "κ/τ", "../x"])
    assert len(set(found.values())) == 5 and all(re.fullmatch(r"\w+", to) for to in found.values())
