"""Commands that ask databases: crawl, and publish what a crawl brought that looked wrong."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import As, Context, app, done, lake_of, root_of
from pipelines.printing import Format


@app.command()
def crawl(
    ctx: Context,
    sources: Annotated[list[str] | None, typer.Argument(help="Slugs; all six databases without any.")] = None,
    path: Annotated[
        Path | None, typer.Option(help="For `folder`: where your own CIF, POSCAR, extxyz or OPTIMADE files are.")
    ] = None,
    elements: Annotated[str, typer.Option(help="Only crystals that hold all of these, as Mg,O.")] = "",
    chemsys: Annotated[str, typer.Option(help="Only crystals of exactly these, as Mg-O.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many records of each; 0 for all.")] = 0,
    column: Annotated[str, typer.Option(help="Only this field or route, for the records the lake knows.")] = "",
    anew: Annotated[bool, typer.Option("--anew", help="Although the database says that nothing changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and fetch nothing.")] = False,
    format: As = Format.table,
) -> None:
    """Crawl databases into the lake. One that is down is reported and the others go on; run it again to go on."""
    from lake.sources import EVERY, NAMES
    from lake.sources.scope import Scope

    if strangers := set(sources or ()) - set(EVERY):
        raise typer.BadParameter(f"no source is called {', '.join(sorted(strangers))}; there are {', '.join(EVERY)}")
    try:
        scope = Scope.of(elements, chemsys, limit, column)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    folder = path.expanduser().resolve() if path else None
    if dry_run:
        from pipelines.forecasts import forecasts
        from pipelines.printing import show

        costs, faults = forecasts(root_of(ctx), sources or NAMES, scope, folder)
        show(costs, format)
        done(faults)
        return
    from pipelines.line import crawl

    asked = {"elements": elements, "chemsys": chemsys, "limit": limit, "column": column, "anew": anew}
    done(crawl(root_of(ctx), sources or NAMES, asked, folder))


@app.command()
def accept(ctx: Context, source: Annotated[str, typer.Argument(help="A slug.")]) -> None:
    """Publish a crawl that is held because counts fell or a mean jumped: look at the table `differences` first."""
    from lake.sources import EVERY
    from pipelines.line import crawl

    if source not in EVERY:
        raise typer.BadParameter(f"no source is called {source}; there are {', '.join(EVERY)}")
    done(crawl(lake_of(ctx).root, [source], {"accept": True}))
