"""Commands that look at one material, find some, and ask one question after another."""

from typing import Annotated

import typer

from pipelines.command_line import As, At, Context, app, done, lake_of
from pipelines.printing import Format


@app.command()
def show(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A database's id as mp-149 or oqmd:100, or a material's.")],
    at: At = "",
    format: As = Format.table,
) -> None:
    """Show one material with everything known of it: every entry, source, value, level of theory and disagreement."""
    from lake.known import known
    from pipelines.portrait import portray

    portray(known(lake_of(ctx, at), name), format)


@app.command()
def find(
    ctx: Context,
    text: Annotated[str, typer.Argument(help="A formula (GaN, NGa), a chemical system (Ga-N), or elements (Ga,N).")],
    at: At = "",
    format: As = Format.table,
) -> None:
    """Find materials by formula, by chemical system or by elements; with what is known of them, in short."""
    from lake.lookup import find
    from pipelines.printing import show

    show(find(lake_of(ctx, at), text), format)


@app.command()
def shell(ctx: Context, at: At = "", format: As = Format.table) -> None:
    """Ask one question after another: SQL until `;`, and `.help` for the rest. It only reads, as `sql` does."""
    from lake.notebook import OpenLake
    from pipelines.shell import converse

    done(converse(OpenLake(lake_of(ctx, at)), format))
