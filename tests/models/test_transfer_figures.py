"""Pictures and pages of transfer: what must be in them is in them, and what is no finding is not marked as one."""

from __future__ import annotations

from itertools import permutations

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from models.figures.helpers_graph import helpers_graph
from models.figures.placebo import placebo
from models.figures.power import corrected, power, probability, smallest_seen, spreads, statement
from models.figures.task_names import between, full_name, in_families, level_of, leveled_name, short_name
from models.figures.transfer_groups import transfer_groups
from models.figures.transfer_map import transfer_map
from models.transfer_map.families import BETWEEN, BY_DEFINITION
from models.transfer_map.pages import interval, page

TASKS = {  # name -> family, labels
    "optical_dielectric_constant": ("optics", 650),
    "refractive_index": ("optics", 640),
    "band_gap": ("band_gap", 27444),
    "bulk_modulus": ("bulk_modulus", 7229),
    "my own": ("my own", 300),
}
VERDICTS = {
    ("band_gap", "bulk_modulus"): ("helps", 0.06),
    ("bulk_modulus", "band_gap"): ("helps", 0.04),
    ("band_gap", "my own"): ("hurts", -0.05),
    ("my own", "band_gap"): ("no transfer", 0.001),
    ("refractive_index", "optical_dielectric_constant"): ("helps", 0.3),
}


def made() -> pl.DataFrame:
    rows = []
    for target, source in permutations(TASKS, 2):
        verdict, gain = VERDICTS.get((target, source), ("unclear", 0.01))
        sure = verdict in ("helps", "hurts")
        rows.append(
            {
                "target": target, "source": source, "n": 5, "gain": gain + 0.02, "low": gain, "high": gain + 0.04,
                "gain_placebo": gain, "low_placebo": gain - 0.02, "high_placebo": gain + 0.02,
                "p": 1e-4 if sure else 0.5, "q": 4e-4 if sure else 0.6, "verdict": verdict,
                "family_target": TASKS[target][0], "family_source": TASKS[source][0],
                "labels_target": TASKS[target][1], "labels_source": TASKS[source][1],
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


GROUPS = pl.DataFrame(
    {
        "group": [1, 1, 2, 3],
        "target": ["band_gap", "bulk_modulus", "my own", "refractive_index"],
        "gain": [0.05, -0.01, None, None],
        "low": [0.02, -0.03, None, None],
        "high": [0.08, 0.01, None, None],
    }
)


def words(figure: Figure) -> str:
    figure.draw_without_rendering()
    return "\n".join(found.get_text() for found in figure.findobj(matplotlib.text.Text))


def test_families_stand_side_by_side_and_large_ones_first():
    assert in_families(made())["name"].to_list() == [
        "band_gap", "bulk_modulus", "optical_dielectric_constant", "refractive_index", "my own",
    ]  # fmt: skip


def test_the_map_marks_claims_between_families_alone():
    figure = transfer_map(made())
    axes = figure.axes[0]
    marks = sorted(text.get_text() for text in axes.texts)
    assert marks == sorted(["+", "+", "–", "·"])  # not the dielectric constant with its own root
    assert sum(isinstance(patch, Rectangle) for patch in axes.patches) == 1
    assert axes.get_yticklabels()[0].get_text() == "Band gap\u00a0· PBE(+U)  1"
    shown = np.ma.getmaskarray(axes.images[0].get_array())
    assert shown.sum() == len(TASKS) and shown.diagonal().all()


def test_the_raw_gains_are_a_panel_below_on_the_same_scale():
    over, raw = transfer_map(made(), ("gain_placebo", "gain")).axes[:2]
    assert over.images[0].get_clim() == raw.images[0].get_clim()
    assert float(raw.images[0].get_array()[0, 1]) == pytest.approx(0.08)


def test_a_pair_that_is_related_by_definition_is_no_claim():
    told = made().with_columns(
        kind=pl.when(pl.col("source") == "my own").then(pl.lit(BY_DEFINITION)).otherwise(pl.lit(BETWEEN))
    )
    assert "–" not in [text.get_text() for text in transfer_map(told).axes[0].texts]
    assert len(between(told)) == len(between(made())) - 4
    assert page(told, "band_gap")["not_with"] == []


def test_the_graph_has_an_arrow_for_every_claim_between_families():
    figure = helpers_graph(made())
    assert sum(type(patch) is Polygon for patch in figure.axes[0].patches) == 3
    told = words(figure)
    assert all(short_name(name) in told for name in TASKS)
    assert "source helps target: 2" in told and "source hurts target: 1" in told


def test_the_placebo_panel_shows_every_pair_and_what_a_placebo_gains():
    dots, bars = placebo(made()).axes
    assert sum(len(found.get_offsets()) for found in dots.collections) == 20
    assert "median +0.020" in "".join(text.get_text() for text in bars.texts)


def test_power_is_the_level_at_no_effect_grows_with_effect_and_finds_its_own_bar():
    assert probability(0.0, 1.0, 8, 0.05) == pytest.approx(0.025, abs=1e-3)  # of the right sign
    # tables of the t test: a difference of one deviation, ten pairs, two-sided: .80
    assert probability(1.0, 1.0, 10, 0.05) == pytest.approx(0.803, abs=2e-3)
    least = smallest_seen(0.03, 5, 0.01)
    assert probability(least, 0.03, 5, 0.01) == pytest.approx(0.8, abs=1e-6)
    assert smallest_seen(0.03, 20, 0.01) < least and smallest_seen(0.03, 1, 0.05) == float("inf")


def test_the_power_statement_names_the_smallest_effect_seen_with_80_percent():
    gains = made()
    spread = spreads(gains)[0]
    assert spread == pytest.approx(0.02 * np.sqrt(5) / 2.7764, rel=1e-3)
    figure = power(gains)
    marked = [text.get_text() for text in figure.axes[0].texts]
    assert marked == [f"{smallest_seen(spread, 5, alpha):.3f}" for alpha in (0.05, corrected(gains))]
    assert "With 5 seeds" in words(figure)
    told = statement(gains).replace("\u00a0", " ")
    assert told.startswith("With 5 seeds a pair, an effect of 5 % is seen with probability 0.")
    assert f"is {smallest_seen(spread, 5, corrected(gains)):.1%}.".replace("%", " %") in told


def test_the_groups_name_every_task_once_and_those_best_left_alone():
    told = words(transfer_groups(GROUPS))
    for name in ("Band gap", "Bulk modulus", "my own", "Refractive index", "Group 1", "Alone"):
        assert name in told.replace("\u00a0· PBE(+U)", "").split("\n")
    assert "Group 2" not in told


def test_a_page_says_what_to_do_and_shows_its_evidence():
    told = page(made(), "band_gap", {"lake": "abc", "graphs": "v2", "code": "1.0"})
    assert [found["source"] for found in told["train_with"]] == ["bulk_modulus"]
    assert [found["source"] for found in told["not_with"]] == ["my own"]
    assert told["advice"] == "Train it with bulk_modulus. Do not train it with my own."
    line = told["train_with"][0]["words"].replace("\u00a0", " ")
    for part in ("error 5.8 % lower than by placebo", "interval 3.9 to 7.7 % lower", "n = 5 seeds", "q = 0.0004",
                 "lake abc", "graphs v2", "code 1.0", "than alone 7.7 % lower"):  # fmt: skip
        assert part in line
    assert page(made(), "band_gap", trusted=False)["advice"].startswith("Not to be trusted")
    parts = [told[part] for part in ("train_with", "not_with", "no_effect", "unknown", "apart")]
    assert sum(map(len, parts)) == len(TASKS) - 1


def test_a_claim_that_fresh_seeds_refute_leaves_advice_graph_and_map_and_stays_on_record():
    refuted = (pl.col("target") == "band_gap") & (pl.col("source") == "bulk_modulus")
    told = made().with_columns(
        confirmed=pl.when(refuted).then(False).otherwise(None), confirmed_n=10, confirmed_gain=0.001,
        confirmed_low=-0.02, confirmed_high=0.022,
    )  # fmt: skip
    found = page(told, "band_gap")
    assert found["train_with"] == [] and [row["source"] for row in found["refuted"]] == ["bulk_modulus"]
    assert "not confirmed on 10 fresh seeds" in found["refuted"][0]["words"]
    assert sorted(text.get_text() for text in transfer_map(told).axes[0].texts) == sorted(["?", "+", "–", "·"])
    figure = helpers_graph(told)
    assert sum(type(patch) is Polygon for patch in figure.axes[0].patches) == 2
    assert "not confirmed, not drawn: 1" in words(figure)


def test_names_carry_their_level_of_theory_and_own_tasks_have_none():
    assert full_name("last_phonon_dos_peak").endswith("PBEsol/PBE(+U)")
    assert level_of("formation_energy_per_atom_mp2018") == "GGA(+U), MP corr."
    assert leveled_name("my own") == "my own" and leveled_name("band_gap").startswith("Band gap")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.04, 0.08, "3.9 to 7.7 % lower"), (-0.08, -0.04, "4.1 to 8.3 % higher"), 
     (-0.01, 0.04, "1.0 % higher to 3.9 % lower"),
     (0.0, 0.04, "unchanged to 3.9 % lower"), (None, 0.1, "unknown")],
)  # fmt: skip
def test_intervals_are_said_in_words_that_need_no_sign(low, high, said):
    assert interval(low, high).replace("\u00a0", " ") == said


def test_a_page_keeps_the_own_family_apart_and_refuses_what_was_not_trained():
    told = page(made(), "refractive_index")
    assert [found["source"] for found in told["apart"]] == ["optical_dielectric_constant"]
    assert told["train_with"] == [] and told["advice"].startswith("Train it alone")
    with pytest.raises(KeyError, match="targets that were"):
        page(made(), "hardness")


@pytest.mark.parametrize("picture", [transfer_map, helpers_graph, placebo, power])
def test_pictures_of_nothing_say_so_and_settings_stay(picture):
    before = dict(matplotlib.rcParams)
    assert isinstance(picture(made().clear()), Figure) and isinstance(transfer_groups(GROUPS.clear()), Figure)
    assert dict(matplotlib.rcParams) == before
