"""Commands about the same crystal: whether two are, and which are told more than once."""

from typing import Annotated

import typer

from pipelines.command_line import As, At, Context, app, lake_of
from pipelines.manners import complain
from pipelines.printing import Format


@app.command()
def same(
    ctx: Context,
    a: Annotated[str, typer.Argument(metavar="A", help="An entry as mp:mp-149, a material's id, or a CIF or POSCAR.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another of these.")],
    at: At = "",
) -> None:
    """Say `same` or `different`, with exit status 0 or 1, and explain why. What cannot be read ends with status 2."""
    from pipelines.sameness import Unreadable, compared

    try:
        verdict = compared(lambda: lake_of(ctx, at), a, b)
    except Unreadable as fault:
        complain(*fault.faults)
        raise typer.Exit(2) from None
    print(verdict)
    raise typer.Exit(0 if verdict.same else 1)


@app.command()
def duplicates(
    ctx: Context,
    formula: Annotated[str, typer.Argument(help="Only crystals of this reduced formula; all without.")] = "",
    source: Annotated[str, typer.Option(help="Only crystals that this database tells, among others.")] = "",
    within: Annotated[str, typer.Option(help="Only crystals that this database alone tells more than once.")] = "",
    at: At = "",
    format: As = Format.table,
) -> None:
    """List crystals that are told more than once, and what each database calls them; the most often told first."""
    from lake.duplicates import duplicates
    from lake.sources import EVERY
    from pipelines.printing import show

    if strangers := {source, within} - {"", *EVERY}:
        raise typer.BadParameter(f"no source is called {', '.join(sorted(strangers))}; there are {', '.join(EVERY)}")
    show(duplicates(lake_of(ctx, at), formula, source, within), format)
