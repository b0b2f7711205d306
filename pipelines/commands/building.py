"""Commands that build on the crawls: everything, one property's column, the models."""

from typing import Annotated

import typer

from pipelines.command_line import Context, app, done, lake_of


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
