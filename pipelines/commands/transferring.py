"""The command that draws a map: which properties help which when they are learnt together, and how we know."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import As, Context, app, done, lake_of, root_of
from pipelines.printing import Format


@app.command()
def transfer(
    ctx: Context,
    target: Annotated[str, typer.Option(help="Train only the pairs that tell what helps this property.")] = "",
    budget_hours: Annotated[float, typer.Option(min=0, help="After so many no run is begun; 0 for no end.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is left and how long it takes.")] = False,
    processes: Annotated[int, typer.Option(min=0, help="Runs at a time; 0 for one per core.")] = 0,
    labels: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="CSV",
            help="A table of your own instead of the lake: a column of file names, then one column per property.",
        ),
    ] = None,
    structures: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, metavar="DIR", help="With --labels: the folder of its CIFs or POSCARs."
        ),
    ] = None,
    study: Annotated[str, typer.Option(help="Of the lake: lake, or narrow for networks of width 4.")] = "lake",
    format: As = Format.table,
) -> None:
    """Which property helps which, tested on fresh seeds and crystals. Hours; goes on where it was stopped."""
    from pipelines.maps import study_of_lake, study_of_table, transfer
    from pipelines.printing import show

    if (labels is None) != (structures is None):
        raise typer.BadParameter("--labels and --structures go together: a table, and the crystals that it names")
    told: list[str] = []
    if labels and structures:
        root = root_of(ctx)
        asked, told = study_of_table(root, labels, structures, target)
    else:
        root = lake_of(ctx).root
        asked = study_of_lake(root, study, target, dry_run)
    if dry_run:
        from models.transfer_map.map import left

        show(left(asked, processes or None), format)
    else:
        rows, ended = transfer(root, asked, budget_hours or float("inf"), processes or None)
        show(rows, format)
        if not ended:
            typer.echo("The hours were over before all was trained: call again to go on.", err=True)
    done(told)
