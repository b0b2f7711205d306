"""The report: every number is a table's, every value says its origin, and the page needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from assets.report_facts import facts
from assets.report_page import html, number, render
from lake.disagreement import disagreement
from lake.facts import by_source, reasons
from lake.store import Lake
from lake.tables import CANDIDATES, RUNS
from tests.small_lake import ground, learnt

ORIGINS = {"measured", "computed", "predicted"}
SHOWN = ("thermal_conductivity", "thermal_conductivity_measured", "band_gap", "cost")


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    made = learnt(tmp_path_factory.mktemp("lake"))
    (made.root / "SAMPLE").touch()
    return made


@pytest.fixture(scope="module")
def page(lake) -> str:
    return render(lake).read_text(encoding="utf-8")


def rows(page: str, table: str) -> list[list[str]]:
    """The body cells of a table, as HTML."""
    body = re.search(rf'<table id="{table}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL).group(1)
    return [re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]


def test_every_value_of_the_candidates_is_marked_with_its_origin(lake, page):
    told = lake.read(CANDIDATES).sort("rank")
    for cells, row in zip(rows(page, "ranking"), told.iter_rows(named=True), strict=True):
        for cell, name in zip(cells[3:6], SHOWN[:3], strict=True):
            origin = row.get(f"{name}_origin", "measured")
            assert origin in ORIGINS
            if row[name] is None:
                assert "data" not in cell
            else:
                assert f'class="v {origin}"' in cell and f"<small>{origin}</small>" in cell


def test_the_numbers_of_the_page_are_those_of_the_tables(lake, page):
    told = lake.read(CANDIDATES).sort("rank")
    for cells, row in zip(rows(page, "ranking"), told.iter_rows(named=True), strict=True):
        exact = [float(v) for v in re.findall(r'<data value="(.*?)">', "".join(cells))]
        assert exact == [row[name] for name in SHOWN if row[name] is not None]
    errors = {float(v) for v in re.findall(r'<data value="(.*?)">', "".join(map(str, rows(page, "errors"))))}
    assert errors >= set(lake.read(RUNS)["mae_mean_predictor"])


def test_a_model_that_is_worse_than_the_mean_is_said_to_be(page):
    verdicts = {cells[0]: cells[-1] for cells in rows(page, "errors")}
    assert verdicts["Thermal conductivity at 300 K (AGL)"] == "no better"
    assert verdicts["Band gap"].endswith("better")


def test_intervals_say_what_they_cover_and_what_chance_would(page):
    ((name, _, inside, chance, *_, far),) = rows(page, "intervals")
    assert ">91.3 %<" in inside and (name, chance, far) == ("Band gap", "82.0 to 97.0 %", "1.2 %")


def test_negative_transfer_and_no_claim_are_said_in_words(page):
    words = {cells[0]: cells[-1] for cells in rows(page, "transfer")}
    assert words["Band gap"].startswith("Negative transfer")
    assert words["Magnetization"] == "The interval crosses zero: no claim."


def test_the_best_size_stands_beside_the_one_found_before_with_how_sure_it_is(page, tmp_path):
    (cells,) = rows(page, "grid")
    assert cells[:3] == ["Band gap", "4/1/128 <small>band gap</small>", "1/1/64"]
    assert "distinguishable" in cells[-1] and "n = 3" in cells[-1] and "46 runs" in cells[-1]
    assert 'id="sizes"' not in html(facts(Lake(tmp_path)), {})


def test_the_page_loads_nothing_from_elsewhere(page):
    found = []

    class Resources(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag in {"script", "link", "iframe", "object", "embed", "base"}:
                found.append(tag)
            found.extend(value for name, value in attributes if name in {"src", "srcset", "data", "poster"})

    Resources().feed(page)
    assert found and all(address.startswith("data:image/png;base64,") for address in found)
    assert "url(" not in page and "@import" not in page


def test_every_picture_has_words_and_a_file_beside_the_page(lake, page):
    files = {path.stem for path in (lake.root / "reports" / "figures").glob("*.png")}
    assert files == set(re.findall(r'<figure id="picture-(\w+)">', page))
    assert all(alt for alt in re.findall(r'<img [^>]*alt="(.*?)">', page))
    assert page.count("<img ") == page.count('alt="')


def test_what_a_database_says_cannot_become_markup(page):
    assert "<b>-665</b>" not in page and "&lt;b&gt;-665&lt;/b&gt;" in page


def test_the_sample_says_that_it_is_one(page, tmp_path):
    assert "Sample values." in page
    assert "Sample values." not in render(ground(tmp_path)).read_text()


def test_a_lake_without_models_still_renders_and_says_what_to_materialise(tmp_path):
    text = render(ground(tmp_path)).read_text()
    for table in ("baselines", "transfer", "candidates"):
        assert f"Materialise <code>{table}</code>" in text
    assert "picture-coverage" in text and "picture-parity" not in text


def test_an_empty_lake_still_renders(tmp_path):
    text = render(Lake(tmp_path)).read_text()
    assert "Materialise <code>entries</code>" in text and "<img" not in text


def test_a_picture_that_no_longer_holds_is_taken_away(tmp_path):
    water = ground(tmp_path)
    stale = tmp_path / "reports" / "figures" / "gains.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    render(water)
    assert not stale.exists()


def test_counts_per_source_add_up(lake):
    told = {row["source"]: row for row in by_source(lake).iter_rows(named=True)}
    assert told["ocp"]["entries"] == 1 and told["ocp"]["materials"] == 0
    assert told["cod"]["rejects"] == 2 and told["cod"]["entries"] == 3


def test_reasons_that_differ_in_numbers_alone_count_as_one(lake):
    assert reasons(lake)["n"].to_list() == [2, 1]


def test_disagreement_is_the_difference_of_what_two_sources_state(lake):
    row = disagreement(lake).filter(source_a="aflow", source_b="mp").row(0, named=True)
    # C, BN, BeO and NaCl: aflow states 1.1 times what mp states
    assert row["n"] == 4 and row["median_difference"] == pytest.approx(0.1 * (4.5 + 5.0) / 2)


@pytest.mark.parametrize(("value", "text"), [(2000.0, "2,000"), (999.6, "1,000"), (0.01234, "0.0123"), (-3.1, "−3.1")])
def test_numbers_keep_three_digits(value, text):
    assert number(value) == text
