"""Commands that bring your own values into the lake."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import Context, app, done, lake_of


@app.command()
def add(
    ctx: Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            metavar="LABELS.CSV",
            help="Columns property, value, unit, and entry_id (mp:mp-149, or a material's id) or structure (a CIF or "
            "POSCAR beside the file). Further columns stand above the options of their names.",
        ),
    ],
    licence: Annotated[str, typer.Option(help="Of the values, as CC-BY-4.0; what is `private` is never exported.")],
    level_of_theory: Annotated[
        str, typer.Option(help="`experiment`, which it is for measured properties; PBE or another for computed ones.")
    ] = "",
    reference: Annotated[str, typer.Option(help="Where the values are from; without it, the file's name.")] = "",
    method: Annotated[str, typer.Option(help="How they were measured or computed.")] = "",
    correction: Annotated[str, typer.Option(help="Scheme of correction with its version; none without.")] = "",
    temperature: Annotated[float | None, typer.Option(help="What the values are for, in K.")] = None,
    pressure: Annotated[float | None, typer.Option(help="What the values are for, in GPa.")] = None,
) -> None:
    """Add your own values, joined to the lake's crystals by id or by structure; the columns they are in are made anew.

    What finds no entry is told and stands in `rejects`, the others are added. The same file again changes nothing,
    another file of that name replaces it.
    """
    from pipelines.adding import add
    from pipelines.line import relabel

    lake = lake_of(ctx)
    conditions = {"temperature": temperature, "pressure": pressure}
    told = {name: str(value) for name, value in conditions.items() if value is not None}
    words = {"level_of_theory": level_of_theory, "reference": reference, "method": method, "correction": correction}
    added = add(lake, file, {**words, **told, "licence": licence})
    wrong = relabel(lake.root, sorted(added.properties))
    by = added.joined
    print(f"{by['id']} joined by id, {by['structure']} by structure, {len(added.refused)} refused: {file.name}")
    done([*added.refused, *wrong])
