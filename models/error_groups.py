"""Where models err: test errors by element, chemical family, number of elements and support in training. No torch here.

A test row is in several groups at once; groups of few rows are left out, since the mean of few says little.
"""

from __future__ import annotations

import polars as pl

from lake.store import Lake
from lake.tables import ENTRIES, ERRORS_BY_GROUP
from models.chemistry import elements_of, family_of, system_of
from models.dataset import TrainingRows
from models.task import task_named

FEWEST = 10  # test rows of a group
SYSTEM, ELEMENT = "training rows of its system", "training rows of its rarest element"
RANGES = (0, 1, 10, 100, 1000)  # lower ends


def by_group(task: str, tested: pl.DataFrame, said: pl.DataFrame, floor: pl.DataFrame | None = None) -> pl.DataFrame:
    """ERRORS_BY_GROUP rows of one property.

    tested: entry_id, label, grouping, member, a row for every group that a test row is in. said: entry_id, value,
    model, licences. floor: entry_id, floor, what the mean predictor says.
    """
    joined = tested.join(said, on="entry_id")
    joined = joined.with_columns(floor=pl.lit(None, pl.Float64)) if floor is None else joined.join(floor, on="entry_id")
    told = joined.group_by("model", "grouping", "member").agg(
        n=pl.len().cast(pl.Int64),
        mae=(pl.col("value") - pl.col("label")).abs().mean(),
        mae_mean_predictor=(pl.col("floor") - pl.col("label")).abs().mean(),
        licences=pl.col("licences").first(),
    )
    told = told.filter(pl.col("n") >= FEWEST).with_columns(property=pl.lit(task), unit=pl.lit(task_named(task).unit))
    return told.select(ERRORS_BY_GROUP.schema.names()).sort("model", "grouping", "member")


def grouped(lake: Lake, rows: TrainingRows) -> pl.DataFrame:
    """entry_id, label, grouping, member: every group that each test row is in."""
    formulas = lake.scan(ENTRIES).select("entry_id", "reduced_formula").collect()
    frame = rows.frame.join(formulas, on="entry_id", how="left", maintain_order="left")
    frame = frame.with_columns(label=pl.Series(rows.targets[:, 0], dtype=pl.Float64), at=pl.int_range(pl.len()))
    train = frame[rows.of("train")].filter(pl.col("label").is_finite())
    test = frame[rows.of("test")].filter(pl.col("label").is_finite())
    systems: dict[str, int] = {}
    elements: dict[str, int] = {}
    for formula in train["reduced_formula"]:
        systems[system_of(formula)] = systems.get(system_of(formula), 0) + 1
        for symbol in elements_of(formula):
            elements[symbol] = elements.get(symbol, 0) + 1
    groups = [
        (entry, label, grouping, member)
        for entry, label, formula in test.select("entry_id", "label", "reduced_formula").iter_rows()
        for grouping, member in _memberships(formula, systems, elements)
    ]
    schema = {"entry_id": pl.String, "label": pl.Float64, "grouping": pl.String, "member": pl.String}
    return pl.DataFrame(groups, schema=schema, orient="row")


def _memberships(formula: str, systems: dict[str, int], elements: dict[str, int]) -> list[tuple[str, str]]:
    symbols = elements_of(formula)
    return [
        ("all", "all"),
        *(("element", symbol) for symbol in symbols),
        ("family", family_of(symbols)),
        ("number of elements", str(len(symbols))),
        (SYSTEM, support(systems.get(system_of(formula), 0))),
        (ELEMENT, support(min(elements.get(symbol, 0) for symbol in symbols))),
    ]


def support(rows: int) -> str:
    """The range of RANGES that a number of rows is in, as text: `0`, `1-9`, `10-99`, `100-999`, `1000+`."""
    low = max(bound for bound in RANGES if bound <= rows)
    above = [bound for bound in RANGES if bound > low]
    return "0" if low == 0 else f"{low}-{above[0] - 1}" if above else f"{low}+"
