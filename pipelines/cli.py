"""The command line, `crystal-lake`. Each command is one call downstairs; heavy imports wait until they are needed."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.manners import NoLake, Polite, complain
from pipelines.printing import Format

app = typer.Typer(cls=Polite, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Context = typer.Context
As = Annotated[Format, typer.Option("--format", help="How to print the rows.")]


@app.callback()
def crystal_lake(
    ctx: Context,
    root: Annotated[
        Path | None,
        typer.Option(envvar="CRYSTAL_LAKE_ROOT", help="The lake's folder; without it `data`, and for the demo `demo`."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only results and errors.")] = False,
) -> None:
    """Crystal Lake: the crystals of six open databases in one lake, and models that learn from them."""
    ctx.obj = root.expanduser().resolve() if root else None
    if quiet:
        os.environ["CRYSTAL_LAKE_QUIET"] = "1"


@app.command()
def demo(ctx: Context) -> None:
    """Build a whole lake of sample values, from a mirror on this machine to a report with pictures."""
    from pipelines.line import demo
    from pipelines.printing import welcome

    root = ctx.obj or Path("demo").resolve()
    with welcome(root):
        done(demo(root))


@app.command()
def mirror(
    data: Annotated[
        Path | None, typer.Option(help="Serve the real files of this folder instead of the sample.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8642,
) -> None:
    """Serve the six databases on 127.0.0.1, from the sample or from real files, until interrupted."""
    from pipelines.sample import serve

    serve(data, port)


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


@app.command()
def build(ctx: Context) -> None:
    """Build everything that stands on the crawls: materials, matrix, graphs, models, screening, report."""
    from pipelines.line import build

    done(build(lake_of(ctx).root))


@app.command()
def backfill(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="PROPERTY", help="A name of the catalog.")],
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Ask the databases for a field it needs that was never fetched.")
    ] = False,
) -> None:
    """Make one property's column anew from kept records; no other property is touched."""
    from lake.properties import property_named
    from pipelines.line import backfill

    done(backfill(lake_of(ctx).root, property_named(name).name, fetch))


@app.command()
def train(
    ctx: Context,
    budget: Annotated[str, typer.Option(help="sample or real; by default as the lake is.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Runs per model, from other random seeds.")] = 3,
) -> None:
    """Train the baselines and the joint model, and make what stands on them: gains, candidates, report."""
    from pipelines.line import train

    done(train(lake_of(ctx).root, budget, seeds))


@app.command()
def sql(ctx: Context, query: Annotated[str, typer.Argument(help="One SELECT.")], format: As = Format.table) -> None:
    """Ask the lake in DuckDB's SQL. Tables are views: `select count(*) from materials`."""
    from lake.sql import query as ask
    from pipelines.printing import show

    show(ask(lake_of(ctx), query), format)


@app.command()
def predict(
    ctx: Context,
    files: Annotated[list[Path], typer.Argument(help="CIF or POSCAR files.", exists=True)],
    format: As = Format.table,
) -> None:
    """Predict properties of the crystals in these files. A bad file is named on standard error; the others answer."""
    from models.predict import predict_crystals
    from pipelines.crystal_files import crystals_in
    from pipelines.printing import show

    crystals, faults = crystals_in(files)
    if crystals:
        show(predict_crystals(lake_of(ctx), crystals), format)
    done(faults)


@app.command()
def same(
    ctx: Context,
    a: Annotated[str, typer.Argument(metavar="A", help="An entry as mp:mp-149, a material's id, or a CIF or POSCAR.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another of these.")],
) -> None:
    """Say `same` or `different`, with exit status 0 or 1, and explain why. What cannot be read ends with status 2."""
    from pipelines.sameness import Unreadable, compared

    try:
        verdict = compared(lambda: lake_of(ctx), a, b)
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
    format: As = Format.table,
) -> None:
    """List crystals that are told more than once, and what each database calls them; the most often told first."""
    from lake.duplicates import duplicates
    from lake.sources import EVERY
    from pipelines.printing import show

    if strangers := {source, within} - {"", *EVERY}:
        raise typer.BadParameter(f"no source is called {', '.join(sorted(strangers))}; there are {', '.join(EVERY)}")
    show(duplicates(lake_of(ctx), formula, source, within), format)


@app.command()
def screen(ctx: Context, format: As = Format.table) -> None:
    """Insulators ranked by thermal conductivity, with element cost: a cheap material like diamond?"""
    from models.screen import candidates
    from pipelines.printing import show

    show(candidates(lake_of(ctx)), format)


@app.command()
def ui(ctx: Context, port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open Dagster's pages on 127.0.0.1: assets, runs, checks, schedules of this lake."""
    from pipelines.ui import serve

    raise typer.Exit(serve(root_of(ctx), port))


@app.command()
def doctor(
    ctx: Context, reach: Annotated[bool, typer.Option("--reach", help="Ask each database for a sign of life.")] = False
) -> None:
    """Look whether this machine is ready: Python, packages, folder, disk, key."""
    from pipelines.doctor import examine
    from pipelines.printing import show_findings

    raise typer.Exit(show_findings(examine(root_of(ctx), reach)))


def root_of(ctx: Context) -> Path:
    """The root that was chosen, else `data` in this folder."""
    return ctx.obj or Path("data").resolve()


def lake_of(ctx: Context) -> Any:
    """The lake at the root; NoLake where there is none."""
    from lake.store import Lake

    root = root_of(ctx)
    if not (root / "bronze").is_dir():
        raise NoLake(
            f"no lake at {root}: `crystal-lake demo` makes one of sample values, `crystal-lake crawl` a real one"
        )
    return Lake(root)


def done(wrong: list[str]) -> None:
    """End the command: exit status 1 where something went wrong, after saying what."""
    if wrong:
        complain(*wrong)
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
