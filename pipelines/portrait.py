"""One material on the terminal: its names, its entries, and every value with what qualifies it."""

import json
import sys
from typing import TYPE_CHECKING, Any

from pipelines.printing import Format, show

if TYPE_CHECKING:
    import polars as pl

    from lake.known import Known

HEADING = "\n{}\n"


def portray(known: "Known", format: Format) -> None:
    """Everything known of it: for people in tables, as JSON in one object, as CSV a row for each value."""
    if format is Format.json:
        sys.stdout.write(json.dumps(known.to_dict(), indent=2) + "\n")
    elif format is Format.csv:
        show(known.values, format)
    else:
        _table(known)


def _table(known: "Known") -> None:
    facts = known.facts
    print(f"{facts['reduced_formula']}  {known.name}")
    print(", ".join(_told(facts)))
    print(HEADING.format("Entries, the representative first"))
    show(known.entries, Format.table)
    observed, predicted = (known.values.filter(where) for where in _parted())
    print(HEADING.format("Known: each value that was computed or measured") if len(observed) else "\nNothing is known.")
    if len(observed):
        show(_for_people(observed.drop("spread", "licence")), Format.table)
    if len(predicted):
        print(HEADING.format("Predicted by the models of this lake, and known by nobody"))
        show(predicted.select("property", "value", "spread", "unit", "entry_id", "reading"), Format.table)
    if known.composition:
        print(HEADING.format("What follows from the formula"))
        for name, value in known.composition.items():
            print(f"{name}  {value:.4g}" if isinstance(value, float) else f"{name}  {value or 'nothing noted'}")


def _told(facts: dict[str, Any]) -> list[str]:
    """Space group, kind and databases in words; of an entry without a material, that it has none."""
    if "kind" not in facts:
        return ["an entry that belongs to no material"]
    group = f"space group {facts['space_group']} ({facts['space_group_number']})" if facts["space_group"] else ""
    return [word for word in (group, facts["kind"], f"told by {', '.join(facts['sources'])}") if word]


def _parted() -> "tuple[pl.Expr, pl.Expr]":
    import polars as pl

    from lake.known import PREDICTED

    return pl.col("origin") != PREDICTED, pl.col("origin") == PREDICTED


def _for_people(values: "pl.DataFrame") -> "pl.DataFrame":
    """Columns that say nothing here are left out; a difference is in per cent."""
    import polars as pl

    percent = (100 * pl.col("difference")).round(1).cast(pl.String) + " %"
    return values.with_columns(difference=percent).select(
        [name for name in values.columns if values[name].null_count() < len(values)]
    )
