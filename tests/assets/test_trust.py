"""Trust in Dagster: the tables stand with their checks, and a property that looks wrong warns without failing a run."""

import re

import dagster as dg
import polars as pl

from assets.observations import observed
from assets.property_checks import NAME
from assets.report_page import render
from lake.store import Lake
from lake.tables import DISAGREEMENT, OBSERVATIONS, WORST_DISAGREEMENTS
from tests import told_lake

TABLES = ["disagreement", "worst_disagreements"]
GAP = "observations/band_gap"


def evaluations(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    return {(e.asset_key.to_user_string(), e.check_name): e for e in result.get_asset_check_evaluations()}


def test_every_property_has_the_check_and_one_step_asks_them_all(definitions, graph):
    asked = {key for key in graph.asset_check_keys if key.name == NAME}
    assert {key.asset_key for key in asked} == set(observed())
    nodes = definitions.resolve_job_def("build").graph.node_defs
    assert [node.name for node in nodes if "property_checks" in node.name] == ["property_checks"]


def test_the_tables_are_written_and_their_checks_pass(root, instance):
    result = told_lake.run(root, "build", instance, only=[GAP, *TABLES])
    seen = evaluations(result)
    assert result.success
    assert all(seen[key].passed for key in ((GAP, NAME), ("disagreement", "twins_are_declared")))
    pairs = Lake(root).read(DISAGREEMENT).select("source_a", "source_b", "n").rows()
    assert pairs == [(a, b, len(told_lake.SALTS)) for a, b in (("aflow", "mp"), ("aflow", "oqmd"), ("mp", "oqmd"))]


def test_only_the_properties_of_a_run_are_looked_at(root, instance):
    result = told_lake.run(root, "backfill_property", instance, only=[GAP])
    assert [key for key in evaluations(result) if key[1] == NAME] == [(GAP, NAME)]


def test_a_jump_against_the_version_before_warns_and_the_run_goes_on(root, instance):
    assert told_lake.run(root, "backfill_property", instance, only=[GAP]).success
    lake = Lake(root)
    rows = lake.read(OBSERVATIONS)
    lake.replace(OBSERVATIONS, rows.with_columns(pl.col("value") * 3), "band_gap")
    result = told_lake.run(root, "backfill_property", instance, only=[GAP])
    found = evaluations(result)[GAP, NAME]
    assert result.success and not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    assert "the median was" in found.description


def test_the_report_tells_pairs_worst_and_flags_from_the_tables(root, instance):
    assert told_lake.crawl(root, instance, "mp", told_by=told_lake.tellings(NaCl=4.0, KCl=900.0))["mp"]
    assert told_lake.run(root, "build", instance, only=[GAP, *TABLES]).success
    lake = Lake(root)
    page = render(lake).read_text(encoding="utf-8")
    section = page[page.index('<section id="disagreement">') :]
    tables = dict(re.findall(r'<table id="(\w+)">.*?<tbody>(.*?)</tbody>', section, re.DOTALL))
    assert tables["disagreements"].count("<tr>") == len(lake.read(DISAGREEMENT))
    worst = lake.read(WORST_DISAGREEMENTS).filter(source_a="aflow", source_b="mp", rank=1).row(0, named=True)
    assert worst["reduced_formula"] == "NaCl" and worst["link_b"] in tables["worst"]
    assert "out of range" in tables["flags"] and ">900<" in tables["flags"]
