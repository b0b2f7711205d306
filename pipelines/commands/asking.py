"""Commands that ask the lake and its models for rows."""

from typing import Annotated

import typer

from pipelines.command_line import As, At, Context, app, lake_of
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
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="CIF and POSCAR files, folders of them (all that is below, but hidden files), or ids (mp:mp-149).",
        ),
    ],
    at: At = "",
    format: As = Format.table,
) -> None:
    """Predict properties of crystals: value, 90 % interval, unit, and what the value stands for.

    Answers go to standard output. What holds no crystal is named on standard error, a reason a line; the others are
    still answered. Of a crystal far from everything trained on there is a value and no interval, and the note says so.

    Exit status: 0 where all were answered, 1 where some were not, 2 for wrong usage or where there are no models.
    """
    from models.checkpoint import CheckpointError
    from models.predicting import Predictor
    from pipelines.manners import NoLake, complain
    from pipelines.predictions import answer
    from pipelines.printing import Stream

    try:
        lake = lake_of(ctx, at)
        predictor = Predictor(lake)
    except (NoLake, CheckpointError) as fault:
        complain(str(fault))
        raise typer.Exit(2) from fault
    if not answer(paths, lake, predictor, Stream(format)):
        raise typer.Exit(1)


@app.command()
def screen(ctx: Context, at: At = "", format: As = Format.table) -> None:
    """Insulators ranked by thermal conductivity, with element cost: a cheap material like diamond?"""
    from models.screen import candidates
    from pipelines.printing import show

    show(candidates(lake_of(ctx, at)), format)
