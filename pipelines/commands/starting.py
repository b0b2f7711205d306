"""Commands that begin or look after a lake: the demo, the mirror, Dagster's pages, the doctor."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import Context, app, done, root_of


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
