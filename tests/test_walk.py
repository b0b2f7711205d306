"""The walking lake: what a newcomer holds after `crystal-lake demo`, asked through the doors a newcomer has."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lake.store import Lake
from lake.tables import CANDIDATES, CRAWLS, ENTRIES, MATERIALS, OBSERVATIONS, PAGES, RECORDS, RUNS, TRANSFER

REPOSITORY = Path(__file__).parents[1]
LIKE_DIAMOND = {"C", "BN", "BeO", "AlN", "SiC", "BAs", "BP"}


def crystal_lake(root: Path, *words: str) -> subprocess.CompletedProcess:
    """The command line in a process of its own, as a user runs it."""
    command = [sys.executable, "-m", "pipelines.cli", "--root", str(root), *words]
    threads = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, env=os.environ | threads)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """The root of a finished demo."""
    root = tmp_path_factory.mktemp("walk") / "demo"
    done = crystal_lake(root, "demo")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return root


def test_the_first_query_finds_more_than_250_materials(demo):
    answer = crystal_lake(demo, "sql", "select count(*) from materials", "--format", "csv")
    assert int(answer.stdout.split()[-1]) > 250


def test_six_sources_tell_entries(demo):
    answer = crystal_lake(demo, "sql", "select source, count(*) from entries group by 1", "--format", "csv")
    assert {line.split(",")[0] for line in answer.stdout.split()[1:]} == {"mp", "aflow", "ocp", "cod", "pcod", "oqmd"}


def test_the_candidates_start_with_diamond_and_its_kin(demo):
    ranked = Lake(demo).read(CANDIDATES).sort("rank")
    computed = ranked.filter(thermal_conductivity_origin="computed")
    assert computed["reduced_formula"][0] == "C", "what is predicted may stand above: boron nitride does"
    assert set(ranked["reduced_formula"][:8]) <= LIKE_DIAMOND
    assert (ranked["band_gap"] >= 1.0).all(), "metals conduct heat too, but are not asked for"
    assert ranked.filter(pl.col("thermal_conductivity_measured") > 1000)["reduced_formula"][0] == "C"


def test_the_report_has_its_pictures_and_says_that_values_are_sample_values(demo):
    page = (demo / "reports" / "report.html").read_text()
    assert "ample values" in page
    assert len(re.findall(r"<svg|<img", page)) >= 6
    assert len(list((demo / "reports" / "figures").glob("*.png"))) >= 6


def test_every_duplicate_between_sources_is_found_and_nothing_else(demo):
    """The mirror knows the truth. Pairs of entries: precision and recall at least 0.98 each."""
    from lake.sample.databases import same_crystal

    truth = {f"{source}:{i}": name for (source, i), name in same_crystal().items()}
    members = Lake(demo).read(MATERIALS).select("material_id", entry_id="members").explode("entry_id")
    named = members.with_columns(truth=pl.col("entry_id").replace_strict(truth))

    def pairs(*by: str) -> int:
        return sum(n * (n - 1) // 2 for n in named.group_by(by).len()["len"])

    both = pairs("material_id", "truth")
    precision, recall = both / pairs("material_id"), both / pairs("truth")
    print(f"pairs of entries {both}, precision {precision:.4f}, recall {recall:.4f}")
    assert precision >= 0.98 and recall >= 0.98


def test_plain_duckdb_opens_the_lake_and_finds_comments(demo):
    with duckdb.connect(str(demo / "lake.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from property_matrix where band_gap is not null").fetchone()[0] > 250
        commented = connection.execute("select count(*) from duckdb_columns() where comment is not null").fetchone()[0]
    assert commented > 100


def test_a_label_stays_with_the_entry_it_was_computed_for(demo):
    observed = Lake(demo).read(OBSERVATIONS)
    records = (
        Lake(demo)
        .scan(RECORDS)
        .select(entry_id=pl.format("{}:{}", "source", "source_id"), payload_sha256="payload_sha256")
    )
    served = observed.filter(pl.col("source") != "labels").drop("run")
    assert served.join(records.collect(), on=["entry_id", "payload_sha256"], how="anti").is_empty()
    assert served.join(Lake(demo).read(ENTRIES), on="entry_id", how="anti").is_empty()


def test_every_baseline_beats_the_mean_on_a_test_set_worth_the_name(demo):
    runs = Lake(demo).read(RUNS).filter((pl.col("study") == "single") & (pl.col("n_test") >= 20))
    errors = runs.group_by("property").agg(pl.col("mae_test").mean(), pl.col("mae_mean_predictor").mean())
    assert len(errors) >= 3
    assert (errors["mae_test"] < errors["mae_mean_predictor"]).all()


def test_gains_are_paired_over_several_seeds(demo):
    seeds = Lake(demo).read(TRANSFER).group_by("property").agg(pl.col("seed").n_unique())
    assert len(seeds) == 4 and (seeds["seed"] >= 3).all()


def test_an_unchanged_world_changes_no_count_and_no_record(demo):
    lake = Lake(demo)
    before = {table.name: len(lake.read(table)) for table in (RECORDS, ENTRIES, OBSERVATIONS)}
    again = crystal_lake(demo, "crawl", "mp", "oqmd")
    assert again.returncode == 0, again.stderr
    assert {table.name: len(lake.read(table)) for table in (RECORDS, ENTRIES, OBSERVATIONS)} == before
    assert len(lake.read(CRAWLS).filter(pl.col("source") == "oqmd")) == 6, "opened, closed, published, twice"
    assert set(lake.read(PAGES)["state"]) == {"ok"}


def test_a_mistake_is_answered_in_one_line_and_an_exit_status(demo):
    for words, says in (
        (("backfill", "bandgap"), "band_gap"),
        (("sql", "drop table materials"), "SELECT"),
        (("crawl", "icsd"), "icsd"),
    ):
        answer = crystal_lake(demo, *words)
        assert answer.returncode != 0 and says in answer.stderr, words
        assert "Traceback" not in answer.stderr
