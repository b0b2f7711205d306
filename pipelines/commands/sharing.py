"""Commands that hand data to others: rows that may be passed on, and what every column means."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import At, Context, app, lake_of


class What(StrEnum):
    """What can be exported."""

    materials = "materials"
    matrix = "matrix"
    observations = "observations"
    entries = "entries"
    predictions = "predictions"
    transfer = "transfer"


class Form(StrEnum):
    """In which form."""

    parquet = "parquet"
    csv = "csv"
    optimade = "optimade"
    matminer = "matminer"


class Page(StrEnum):
    """How the data dictionary is written."""

    markdown = "markdown"
    json = "json"


@app.command()
def export(
    ctx: Context,
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    what: Annotated[What, typer.Option(help="Which rows.")],
    form: Annotated[Form, typer.Option("--format", help="Tables, or crystals with their values.")] = Form.parquet,
    licence: Annotated[str, typer.Option(help="Under which terms: CC0-1.0, CC BY 4.0 or CC BY-NC 4.0.")] = "CC BY 4.0",
    policy: Annotated[str, typer.Option(help="Of the matrix: which one chose its cells.")] = "default",
    name: Annotated[list[str] | None, typer.Option("--property", help="Only this property; may be repeated.")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Go on without the rows that may not be passed on.")
    ] = False,
    at: At = "",
) -> None:
    """Write rows that may be passed on under a licence into a folder, with whom to cite; refuse what may not go."""
    from lake.export import export
    from lake.snapshots import take

    folder, lake = target.expanduser().resolve(), lake_of(ctx)
    snapshot = at or take(lake)  # what somebody else works with must be found again
    rows = (what.value, form.value, licence, name or (), policy, leave_out)
    made = export(lake_of(ctx, snapshot), folder, *rows, snapshot=snapshot)
    left = f"; {made.left_out:,} {made.counted} left out, see its README.md" if made.left_out else ""
    print(f"{made.rows:,} rows under {made.licence} in {made.folder}{left}")


@app.command()
def dictionary(form: Annotated[Page, typer.Option("--format", help="How to write it.")] = Page.markdown) -> None:
    """Print the data dictionary: every table and column, every property and where each database keeps it."""
    from lake.dictionary import as_json, as_markdown

    print(as_json() if form is Page.json else as_markdown(), end="")
