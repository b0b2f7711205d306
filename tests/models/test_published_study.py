"""The study of published sets: it trains without test rows, goes on where it was stopped, and logs looks once."""

from dataclasses import replace

import polars as pl
import pytest

from benchmarks.learning.chang2022 import study as studies
from benchmarks.learning.chang2022.candidates import CHANGES, MOST, candidates
from benchmarks.learning.chang2022.report import BEGIN, END, report
from benchmarks.learning.chang2022.stages import choose, left, look_at
from benchmarks.learning.chang2022.study import Piece, Study, rows_of, untested
from benchmarks.learning.published.choices import PeekError
from benchmarks.learning.published.looks import KEY, Looks
from models.checkpoint import read
from tests.models._published import made

NAME = "chang2022.jarvis_2d_eform"


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Study:
    """A study of thirty rock salts, walked to its end: two recipes, two splits, two seeds, two epochs."""
    folder = tmp_path_factory.mktemp("published")
    data = made(folder, NAME)
    study = Study(data, folder / "work", folder / "results", (NAME,), "a test", epochs=2, recipes=2, splits=2, seeds=2)
    choose(study, 1)
    look_at(study, "published", 2, 1)
    look_at(study, "grouped", 1, 1)
    return study


def test_no_training_saw_a_test_row(done):
    ledger = done.ledger.rows()
    assert len(ledger) and set(ledger["n_test"]) == {0} and ledger["mae_test"].null_count() == len(ledger)
    unseen = {untested(rows_of(done.data, NAME, kind, s)).digest for kind in ("published", "grouped") for s in (0, 1)}
    assert set(ledger["data"]) == unseen
    for path in done.work.rglob("*.safetensors"):
        assert read(path).run.data in unseen


def test_test_labels_cannot_change_what_is_learnt(done):
    rows = rows_of(done.data, NAME, "published", 0)
    other = rows.targets.copy()
    other[rows.of("test")] = 1e6
    assert untested(replace(rows, targets=other)).digest == untested(rows).digest


def test_the_choice_is_the_lowest_mean_validation_error_and_stands_in_a_file(done):
    first, second = done.candidates(NAME)
    errors = [sum(studies.validation_error(done, Piece(r, "published", s)) for s in (0, 1)) for r in (first, second)]
    assert done.choices.recipes()[NAME] == (first if errors[0] <= errors[1] else second)


def test_every_look_is_one_line_and_is_not_taken_again(done):
    looks = done.looks("published").rows()
    assert sorted(looks.select("split", "seed").rows()) == [(s, k) for s in (0, 1) for k in ("0", "0+1", "1")]
    before = done.looks("published").path.read_bytes(), done.ledger.path.read_bytes()
    look_at(done, "published", 2, 1)
    assert (done.looks("published").path.read_bytes(), done.ledger.path.read_bytes()) == before


def test_a_look_is_appended_and_changes_no_line_before_it(tmp_path, done):
    looks = Looks(tmp_path / "looks.csv")
    looks.path.write_bytes(done.looks("published").path.read_bytes())
    line = {name: value for name, value in looks.rows().row(0, named=True).items() if name != "date"}
    before = looks.path.read_bytes()
    assert not looks.add(**line) and looks.path.read_bytes() == before
    assert looks.add(**{**line, "graphs": "of another version"})
    assert looks.path.read_bytes().startswith(before) and len(looks.rows()) == 7
    with pytest.raises(ValueError, match="known by"):
        looks.stands(set=NAME)
    assert set(KEY) < set(line)


def test_nothing_is_left_when_all_is_done_and_everything_before(done, tmp_path):
    assert [stage.runs for stage in left(done)] == [0, 0, 0]
    fresh = replace(done, work=tmp_path / "work", results=tmp_path / "results")
    # two candidates on two splits; two splits by two seeds, less those of the choice; two splits of our own
    assert [stage.runs for stage in left(fresh)] == [4, 2, 2]


def test_a_stopped_study_goes_on_where_it_was(done, tmp_path, monkeypatch):
    fresh = replace(done, work=tmp_path / "work", results=tmp_path / "results")
    train, trained = studies.train, []

    def stopping(study, piece):
        if len(trained) == 3:
            raise KeyboardInterrupt
        train(study, piece)
        trained.append(piece)

    monkeypatch.setattr("benchmarks.learning.chang2022.stages.train", stopping)
    with pytest.raises(KeyboardInterrupt):
        choose(fresh, 1)
    assert len(fresh.ledger.rows()) == 3 and not fresh.choices.recipes()
    monkeypatch.undo()
    choose(fresh, 1)
    kept = ["recipe", "data", "mae_validation"]
    assert len(fresh.ledger.rows()) == 4
    assert fresh.ledger.rows().select(kept).rows() == done.ledger.rows().head(4).select(kept).rows()
    assert fresh.choices.recipes() == done.choices.recipes()


def test_nothing_is_chosen_after_a_look(done, tmp_path):
    late = replace(done, results=tmp_path)
    looks = done.looks("published").path
    (tmp_path / looks.name).write_bytes(looks.read_bytes())
    with pytest.raises(PeekError, match="jarvis_2d_eform"):
        choose(late, 1)


def test_a_set_tries_twenty_recipes_at_most_and_none_twice(done):
    assert all(len(changes) < MOST for changes in CHANGES.values())
    tried = candidates(rows_of(done.data, NAME, "published", 0))
    assert len({recipe.digest for recipe in tried}) == len(tried) <= MOST


def test_the_report_stands_between_its_markers(done, tmp_path):
    page = tmp_path / "published.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    told = report(done, page)
    assert "2D formation energy" in told and "0.169" in told and "so far: 6." in told
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and told in text
    looks = done.looks("published").rows().filter(~pl.col("seed").str.contains("+", literal=True))
    mean = looks.group_by("split").agg(pl.col("mae_test").mean())["mae_test"].mean()
    assert f"**{mean:.3g}**" in told
