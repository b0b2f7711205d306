"""The command that brings vectors which others made of the lake's crystals."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line import Context, app, lake_of


@app.command()
def features(
    ctx: Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            metavar="VECTORS.PARQUET",
            help="A column entry_id or structure_hash, and either one column `vector` of lists or a column per number.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Of the model that made them; on the leaderboard it is features:NAME.")],
    licence: Annotated[str, typer.Option(help="Of the vectors, as CC-BY-4.0; `private` is never exported.")],
) -> None:
    """Import vectors of crystals, as a frozen foundation model's: the next training puts them on the leaderboard.

    The whole file is refused where a key stands twice, a number is missing or vectors differ in length. A file of the
    same name replaces the one before.
    """
    from lake.features import add_features

    done = add_features(lake_of(ctx), file, name, licence)
    lost = f"; {done.unknown:,} rows are of no structure of this lake" if done.unknown else ""
    print(f"{done.structures:,} structures have a vector of {done.length:,} numbers by {name}{lost}")
