"""Commands that build on the crawls: everything, one property's column, the models, the grid of sizes."""

from enum import StrEnum
from typing import Annotated

import typer

from pipelines.command_line import As, Context, app, done, lake_of
from pipelines.printing import Format


class Mode(StrEnum):
    """How the grid is trained."""

    full = "full"
    asha = "asha"


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
def grid(
    ctx: Context,
    name: Annotated[str, typer.Option("--property", help="One property of the grid; all four without.")] = "",
    mode: Annotated[
        Mode, typer.Option(help="full: all 40 sizes to their end; asha: the worse two thirds are stopped at each rung.")
    ] = Mode.full,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is left and how long it takes.")] = False,
    processes: Annotated[int, typer.Option(min=0, help="Runs at a time; 0 for one per core.")] = 0,
    format: As = Format.table,
) -> None:
    """Train 40 sizes of network for each of four properties. Hours; what is finished is never trained again."""
    from models.grid.table import grounds_of, left
    from models.study import BASELINES
    from pipelines.grids import grids
    from pipelines.printing import show

    if name and name not in BASELINES:
        raise typer.BadParameter(f"the grid has no property {name!r}; it has {', '.join(BASELINES)}")
    lake, names = lake_of(ctx), [name] if name else list(BASELINES)
    if not dry_run:
        done(grids(lake, names, mode, processes or None))
        return
    rows, wrong = left(grounds_of(lake, names), mode, processes or None)
    show(rows, format)
    done(wrong)
