"""The study of published sets that begin with a lake's: no test crystal teaches where it must not, looks are logged."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks.learning.multitask import stages
from benchmarks.learning.multitask import study as studies
from benchmarks.learning.multitask.candidates import GROUPS, MOST, candidates
from benchmarks.learning.multitask.company import together
from benchmarks.learning.multitask.follows import FOLLOWS
from benchmarks.learning.multitask.lookup import RULES, found, poisson_ratio
from benchmarks.learning.multitask.regimes import REGIMES, taught
from benchmarks.learning.multitask.report import BEGIN, END, report
from benchmarks.learning.multitask.sources import DENSE, SOURCES, source_rows
from benchmarks.learning.multitask.study import Study
from benchmarks.learning.published.choices import PeekError
from lake.policies import column_named, default
from models.checkpoint import read
from models.dataset import TrainingRows
from models.published import PUBLISHED
from models.published.chang2022 import read_set
from models.published.overlap import CRYSTALS, NAMED, Overlap
from models.recipe import Recipe
from tests.models._published import made

NAME, OTHER = "chang2022.jarvis_2d_gap_opt", "chang2022.jarvis_2d_eform"
TINY = Recipe(("band_gap", "bulk_modulus"), sharing="hard", width=8, gnn_layers=1, batch_size=32)


@pytest.fixture(scope="module")
def done(salts, tmp_path_factory) -> Study:
    """Thirty rock salts after a lake's, walked to the end: two recipes, two splits, two seeds, one epoch."""
    folder = tmp_path_factory.mktemp("multitask")
    data = made(folder, NAME)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(studies, "SOURCES", {"dense-64": TINY})
        patched.setattr(stages, "PUBLISHED", {NAME: PUBLISHED[NAME]})
        study = Study(
            salts.root, data, folder / "work", folder / "results", (NAME,), "a test", epochs=1, recipes=2, splits=2,
            seeds=2,
        )  # fmt: skip
        stages.choose(study, 1)
        stages.look_at(study, 1)
        yield study


def test_no_training_saw_a_test_row_nor_under_the_last_regime_a_source_label_of_a_published_crystal(done, salts):
    ledger = done.ledger.rows()
    assert len(ledger) and set(ledger["n_test"]) == {0} and set(ledger["target"]) == {NAME}
    both = studies.overlap_of(done.overlap_folder)
    assert len(both.twins)
    rows = taught(source_rows(salts, TINY.tasks), both, "unseen")
    assert not set(rows.frame["entry_id"]) & set(both.twins["twin"])
    digests = {read(path).run.data for path in (done.work / "unseen").glob("*.safetensors")}
    assert digests == {rows.digest}


def test_every_regime_has_a_look_per_split_and_seed_and_none_is_taken_again(done):
    for regime in REGIMES:
        looks = done.looks(regime).rows().filter(pl.col("seed") != "look-up")
        assert sorted(looks.select("split", "seed").rows()) == [(s, k) for s in (0, 1) for k in ("0", "0+1", "1")]
        assert looks["recipe"].n_unique() == 1
    before = [done.looks(regime).path.read_bytes() for regime in REGIMES], done.ledger.path.read_bytes()
    stages.look_at(done, 1)
    assert before == ([done.looks(regime).path.read_bytes() for regime in REGIMES], done.ledger.path.read_bytes())
    assert [stage.runs for stage in stages.left(done)] == [0, 0, 0]


def test_what_claims_rest_on_is_looked_at_first_and_nothing_twice(done):
    first, *rest = stages.waves(done)
    assert {piece.regime for piece in first} == {"unseen"} and {piece.recipe.seed for piece in first} == {0, 1}
    assert [{piece.recipe.seed for piece in wave} for wave in rest] == [{0}, {1}]
    every = [piece for wave in (first, *rest) for piece in wave]
    assert len(every) == len(set(every)) == len(REGIMES) * 2 * 2


def test_nothing_is_chosen_after_a_look(done, tmp_path):
    late = replace(done, results=tmp_path)
    path = done.looks("unseen").path
    (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(PeekError, match="jarvis_2d_gap_opt"):
        stages.choose(late, 1)


def test_a_look_up_tells_the_twins_labels_and_only_those(done, salts):
    values, both = found(done, NAME), studies.overlap_of(done.overlap_folder)
    assert set(values) == set(both.twins["entry_id"])
    assert len(done.looks("all").rows().filter(pl.col("seed") == "look-up")) == 2


def test_the_report_stands_between_its_markers(done, tmp_path):
    page = tmp_path / "multitask.md"
    page.write_text(f"before\n{BEGIN}\nwhat stood\n{END}\nafter\n")
    told = report(done, page)
    assert "(c) Better" in told and "2D band gap" in told and "| bulk_modulus |" in told
    assert page.read_text().startswith("before\n") and "what stood" not in page.read_text()


def test_a_regime_takes_the_labels_that_a_target_follows_from_and_no_others(salts):
    rows = source_rows(salts, ("band_gap", "bulk_modulus"))
    entry = rows.frame["entry_id"][int(np.flatnonzero(np.isfinite(rows.targets[:, 1]))[0])]
    twin = pl.DataFrame([("chang2022:mp_poisson_ratio/0", entry, "chang2022.mp_poisson_ratio")], NAMED, orient="row")
    both = Overlap(pl.DataFrame(schema=CRYSTALS), twin)
    left = taught(rows, both, "underived")
    at = left.frame["entry_id"].to_list().index(entry)
    assert np.isfinite(left.targets[at, 0]) and np.isnan(left.targets[at, 1])
    assert np.isfinite(left.targets).sum() == np.isfinite(rows.targets).sum() - 1
    assert len(taught(rows, both, "unseen")) == len(rows) - 1
    assert taught(rows, both, "all") is rows


def test_company_teaches_nothing_of_crystals_that_are_scored(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = read_set(NAME, made(tmp_path / "a", NAME)), read_set(OTHER, made(tmp_path / "b", OTHER))
    names = dict(zip(one.frame["entry_id"], one.frame["structure_hash"], strict=True))
    names |= dict(zip(other.frame["entry_id"], other.frame["structure_hash"], strict=True))
    frame = [(name, crystal, NAME if name in set(one.frame["entry_id"]) else OTHER) for name, crystal in names.items()]
    both = Overlap(pl.DataFrame(frame, CRYSTALS, orient="row"), pl.DataFrame(schema=NAMED))
    rows = together(one.splits[0], [other], both)
    column, theirs = rows.tasks.index(NAME), rows.tasks.index(OTHER)
    scored = rows.frame["split"].to_numpy() != "train"
    assert np.isnan(rows.targets[scored, theirs]).all() and np.isfinite(rows.targets[scored, column]).all()
    hidden = set(rows.frame["structure_hash"].filter(pl.Series(scored)))
    taught_by_other = np.isfinite(rows.targets[:, theirs])
    assert taught_by_other.sum() == 20  # the ten that are validated or tested are not there
    assert not set(rows.frame["structure_hash"].filter(pl.Series(taught_by_other))) & hidden
    own = TrainingRows((NAME,), rows.frame, rows.targets[:, [column]])
    kept = np.isfinite(own.targets[:, 0])
    assert np.array_equal(own.targets[kept], one.splits[0].targets)


def test_recipes_are_few_columns_are_known_and_every_set_is_spoken_of():
    for name in PUBLISHED:
        tried = [candidate.recipe(name, SOURCES) for candidate in candidates(name)]
        assert len({recipe.digest for recipe in tried}) == len(tried) <= MOST
        assert all(column_named(default(), column).name == column for column in FOLLOWS[name][0])
    assert set(RULES) == set(PUBLISHED) - {"chang2022.jarvis_2d_exfoliation"}
    assert len({name for group in GROUPS for name in group}) == sum(map(len, GROUPS))
    assert len(DENSE) == 22 and poisson_ratio(np.array(1.0), np.array(0.0)) == 0.5
