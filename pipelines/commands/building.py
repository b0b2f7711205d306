"""Commands that build on the crawls: everything, one column, the models, the grid of sizes, ways of sharing."""

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
    sharing: Annotated[
        str, typer.Option(help="One network of one's own instead: single, hard, mmoe, adashare, vmtl, unit, experts.")
    ] = "",
    tasks: Annotated[str, typer.Option(help="With --sharing: properties it learns, with commas between.")] = "",
    epochs: Annotated[int, typer.Option(min=1, help="With --sharing: passes over the rows.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="With --sharing: of weights and batches.")] = 0,
    balance: Annotated[str, typer.Option(help="With --sharing: how the tasks' losses make one step.")] = "equal",
    encoder: Annotated[str, typer.Option(help="With --sharing: what reads the crystals.")] = "cgcnn",
    format: As = Format.table,
) -> None:
    """Train the baselines and the joint model, and what stands on them; with --sharing one network of one's own."""
    from pipelines.line import train

    root = lake_of(ctx).root
    if not sharing:
        if tasks:
            raise typer.BadParameter("--tasks needs --sharing: it says how they learn together")
        done(train(root, budget, seeds))
        return
    from pipelines.methods import train_method
    from pipelines.printing import show

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    chosen, rows = train_method(
        root, sharing, names, epochs=epochs, seed=seed, budget=budget, balance=balance, encoder=encoder
    )
    show(rows, format)
    typer.echo(f"checkpoint: {chosen.checkpoint}", err=True)


@app.command()
def multitask(
    ctx: Context,
    method: Annotated[str, typer.Option(help="Ways of sharing, with commas between; all there are without.")] = "",
    hours: Annotated[float, typer.Option(min=0, help="After so many no run is begun; 0 for no end.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is left and how long it takes.")] = False,
    processes: Annotated[int, typer.Option(min=0, help="Runs at a time; 0 for one per core.")] = 0,
    budget: Annotated[str, typer.Option(help="sample or real; by default as the lake is.")] = "",
    format: As = Format.table,
) -> None:
    """Ways of sharing against training alone at equal budget, paired by seed. Hours; goes on where it was stopped."""
    from pipelines.methods import compare, forecast
    from pipelines.printing import show

    root, asked = lake_of(ctx).root, [name.strip() for name in method.split(",") if name.strip()]
    if dry_run:
        show(forecast(root, asked, budget, processes or None), format)
        return
    rows, ended = compare(root, asked, budget, hours or float("inf"), processes or None)
    show(rows, format)
    if not ended:
        typer.echo("The hours were over before all was trained: call again to go on.", err=True)


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
    from models.grid.results import compared
    from models.grid.table import grounds_of, left
    from models.study import BASELINES
    from pipelines.grids import grids
    from pipelines.printing import show

    if name and name not in BASELINES:
        raise typer.BadParameter(f"the grid has no property {name!r}; it has {', '.join(BASELINES)}")
    lake, names = lake_of(ctx), [name] if name else list(BASELINES)
    if not dry_run:
        wrong = grids(lake, names, mode, processes or None)
        for row in compared(lake):
            typer.echo(
                f"{row['property']}: best {row['best'] or 'unknown'}. {row['words']} {row['agreement'] or ''}".rstrip()
            )
        done(wrong)
        return
    rows, wrong = left(grounds_of(lake, names), mode, processes or None)
    show(rows, format)
    done(wrong)
