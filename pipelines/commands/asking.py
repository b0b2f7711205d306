"""Commands that ask the lake and its models for rows."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import As, At, Context, app, done, lake_of
from pipelines.printing import Format


@app.command()
def sql(
    ctx: Context,
    query: Annotated[str, typer.Argument(help="One SELECT.")],
    at: At = "",
    format: As = Format.table,
) -> None:
    """Ask the lake in DuckDB's SQL. Tables are views: `select count(*) from materials`.

    All views show one snapshot: what was crawled since the last build is in `records`, and in `entries` after `build`.
    """
    from lake.sql import query as ask
    from pipelines.printing import show

    show(ask(lake_of(ctx, at), query), format)


@app.command()
def predict(
    ctx: Context,
    files: Annotated[list[Path], typer.Argument(help="CIF or POSCAR files.", exists=True)],
    at: At = "",
    format: As = Format.table,
) -> None:
    """Predict properties of the crystals in these files. A bad file is named on standard error; the others answer."""
    from models.predict import predict_crystals
    from pipelines.crystal_files import crystals_in
    from pipelines.printing import show

    crystals, faults = crystals_in(files)
    if crystals:
        show(predict_crystals(lake_of(ctx, at), crystals), format)
    done(faults)


@app.command()
def screen(ctx: Context, at: At = "", format: As = Format.table) -> None:
    """Insulators ranked by thermal conductivity, with element cost: a cheap material like diamond?"""
    from models.screen import candidates
    from pipelines.printing import show

    show(candidates(lake_of(ctx, at)), format)
