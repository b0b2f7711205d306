"""The command line's frame: the app, its options, and what every command needs. The commands: commands/.

Each command is one call downstairs; heavy imports wait until they are needed.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.manners import NoLake, Polite, complain
from pipelines.printing import Format

app = typer.Typer(cls=Polite, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Context = typer.Context
As = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
At = Annotated[
    str, typer.Option("--at", metavar="SNAPSHOT", help="As the lake was in it; `crystal-lake snapshots` lists them.")
]


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


def root_of(ctx: Context) -> Path:
    """The root that was chosen, else `data` in this folder."""
    return ctx.obj or Path("data").resolve()


def lake_of(ctx: Context, at: str = "") -> Any:
    """The lake at the root, or as it was in a snapshot. Raises NoLake, or SnapshotError for one unheard of."""
    from lake.store import Lake

    root = root_of(ctx)
    if not (root / "bronze").is_dir():
        raise NoLake(
            f"no lake at {root}: `crystal-lake demo` makes one of sample values, `crystal-lake crawl` a real one"
        )
    if at:
        from lake import snapshots

        return snapshots.at(Lake(root), at)
    return Lake(root)


def done(wrong: list[str]) -> None:
    """End the command: exit status 1 where something went wrong, after saying what."""
    if wrong:
        complain(*wrong)
        raise typer.Exit(1)
