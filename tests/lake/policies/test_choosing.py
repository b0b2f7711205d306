"""Choosing, held against the same rule in plain Python: whatever comes in whatever order, the cells are the same."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from lake.policies import default
from lake.policies.choosing import admitted, chosen
from lake.policies.policy import SOURCES, Admission, Column
from lake.properties import PROPERTIES
from lake.tables import OBSERVATIONS
from tests.observed import observation

GAP = "band_gap"
READINGS = [reading.name for reading in PROPERTIES[GAP].readings]
ADMISSIONS = st.builds(
    Admission, st.sampled_from(["*", "mp", "aflow", "labels"]), st.sampled_from(["*", "PBE", "PBE*"]), st.just("*")
)
COLUMNS = st.builds(
    Column, st.just(GAP), st.just(GAP), st.lists(ADMISSIONS, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["prefer", "median", "refuse"]), st.just(0.1), st.booleans(),
)  # fmt: skip
TOLD = st.lists(
    st.tuples(
        st.integers(0, 3),  # row of the matrix
        st.sampled_from(["mp", "aflow", "oqmd", "labels"]),
        st.integers(0, 2),  # entry of that source and row
        st.sampled_from(["PBE", "PBE+U", "LDA", "experiment"]),
        st.sampled_from([1.0, 1.05, 1.5, -1.0, 0.0, 0.008]),
        st.sampled_from([None, "out_of_range"]),
        st.sampled_from(["a", "b"]),  # reference of own values
    ),
    max_size=14,
)


def rows_of(told: list[tuple]) -> list[dict]:
    rows = {}
    for row, source, number, level, value, flag, reference in told:
        entry_id = f"{source}:{row}-{number}"
        reading = f"labels:{reference}" if source == "labels" else READINGS[("mp", "aflow", "oqmd").index(source)]
        rows[entry_id, reading] = observation(
            entry_id, GAP, value, reading=reading, level_of_theory=level, flag=flag
        ) | {"row": row}
    return list(rows.values())


def frame_of(rows: list[dict]) -> pl.DataFrame:
    told = OBSERVATIONS.frame([{k: v for k, v in row.items() if k != "row"} for row in rows])
    entries = sorted({row["entry_id"] for row in rows})
    return told.with_columns(
        row=pl.Series([row["row"] for row in rows], dtype=pl.Int64),
        entry=pl.Series([entries.index(row["entry_id"]) for row in rows], dtype=pl.Int64),
    )


def plainly(column: Column, rows: list[dict]) -> dict[int, tuple]:
    """row -> entry, reading, how many, refused: the rule, read aloud."""
    cells = {}
    for at in sorted({row["row"] for row in rows}):
        fit = []
        for row in (row for row in rows if row["row"] == at):
            place = column.place(row["source"], row["level_of_theory"], row["correction"])
            if place is None or (row["flag"] and not column.flagged):
                continue
            read = READINGS.index(row["reading"]) if row["reading"] in READINGS else len(READINGS)
            fit.append(((place, read, SOURCES.index(row["source"]), row["entry_id"], row["reading"]), row))
        if not fit:
            continue
        fit.sort(key=lambda one: one[0])
        best, values = fit[0], [row["value"] for _, row in fit]
        if column.when_several == "median":
            by_value = sorted(fit, key=lambda one: (one[1]["value"], one[0]))
            best = min(by_value[(len(fit) - 1) // 2], by_value[len(fit) // 2], key=lambda one: one[0])
        apart = max(values) - min(values) > column.tolerance * (abs(max(values)) + abs(min(values))) / 2
        refused = column.when_several == "refuse" and apart and max(map(abs, values)) > column.known.zero
        cells[at] = best[1]["entry_id"], best[1]["reading"], len(fit), min(values), max(values), refused
    return cells


def cells_of(column: Column, rows: list[dict]) -> dict[int, tuple]:
    of = admitted(column, frame_of(rows))
    cells = chosen(column, of)
    named = of.told[cells.observation] if len(of.row) else of.told.head(0)
    parts = (named["entry_id"], named["reading"], of.n, of.lowest, of.highest, cells.refused)
    assert [word == "refused" for word in cells.chosen] == cells.refused.tolist()
    assert [word == "only" for word in cells.chosen] == (of.n == 1).tolist()
    return dict(zip(of.row.tolist(), zip(*(list(part) for part in parts), strict=True), strict=True))


@given(COLUMNS, TOLD)
def test_the_cells_are_what_the_rule_says_read_aloud(column: Column, told: list[tuple]) -> None:
    rows = rows_of(told)
    assert cells_of(column, rows) == plainly(column, rows)


@given(COLUMNS, TOLD, st.randoms(use_true_random=False))
def test_the_order_in_which_observations_come_decides_nothing(column: Column, told: list[tuple], chance) -> None:
    rows = rows_of(told)
    shuffled = chance.sample(rows, len(rows))
    assert cells_of(column, rows) == cells_of(column, shuffled)


def test_what_is_not_of_the_propertys_origin_fills_no_cell() -> None:
    rows = [observation("mp:0-0", GAP, 1.0, origin="measured") | {"row": 0}]
    assert cells_of(default().by_name[GAP], rows) == {}
