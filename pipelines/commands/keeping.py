"""Commands that keep a lake: its snapshots, and the files that nobody needs any more."""

from typing import Annotated

import typer

from pipelines.command_line import As, At, Context, app, lake_of
from pipelines.printing import Format


@app.command()
def snapshots(
    ctx: Context,
    keep: Annotated[str, typer.Option(metavar="NAME", help="Take one of this name; its files are kept for good.")] = "",
    note: Annotated[str, typer.Option(help="With --keep: what it is for.")] = "",
    at: At = "",
    format: As = Format.table,
) -> None:
    """List the snapshots that `--at` reads, the newest first, or take one: `--keep paper`. With --at, keep that one."""
    from lake.snapshots import listed, take
    from lake.sql import publish
    from pipelines.printing import show

    if not keep and (note or at):
        raise typer.BadParameter("--note and --at say more about a snapshot that is kept: give it a name with --keep")
    lake = lake_of(ctx)
    if keep:
        print(take(lake, note, keep, at))
        publish(lake)  # the view `snapshots` names it from now on
    else:
        show(listed(lake), format)


@app.command()
def vacuum(ctx: Context) -> None:
    """Delete files that no snapshot of a name and no version of the last seven days needs; an open reader is safe."""
    from lake.spoken import storage
    from lake.vacuum import vacuum

    freed = vacuum(lake_of(ctx))
    print(f"{storage(freed.size)} freed, {len(freed.files)} files")
