"""The command `python -m models.planted`: one benchmark, written as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.planted.dials import Dials
from models.planted.files import write
from models.planted.planted import planted

DEFAULT = Dials()


def main(
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    tasks: Annotated[int, typer.Option(help="12, 24, 36 or 48.")] = DEFAULT.tasks,
    seed: Annotated[int, typer.Option(help="Another seed is another benchmark with the same dials.")] = 0,
    crystals: Annotated[int, typer.Option(help="How many crystals.")] = DEFAULT.crystals,
    largest: Annotated[int, typer.Option(help="Atoms of the largest cell.")] = DEFAULT.largest,
    labels: Annotated[int, typer.Option(help="Training labels per task.")] = DEFAULT.labels,
    validation: Annotated[float, typer.Option(help="Validation labels per training label.")] = DEFAULT.validation,
    overlap: Annotated[float, typer.Option(help="Share of labelled crystals that two tasks have in common.")] = (
        DEFAULT.overlap
    ),
    noise: Annotated[float, typer.Option(help="Deviation of noise over that of the signal.")] = DEFAULT.noise,
    scale: Annotated[float, typer.Option(help="How far the tasks' units are apart.")] = DEFAULT.scale,
    imbalance: Annotated[float, typer.Option(help="Labels of every second task over the others'.")] = DEFAULT.imbalance,
    missing: Annotated[str, typer.Option(help="random, or low: only low values are measured.")] = DEFAULT.missing,
    nonlinear: Annotated[bool, typer.Option(help="Whether tasks bend their factor.")] = DEFAULT.nonlinear,
    turned: Annotated[bool, typer.Option(help="Whether each task mixes all latents.")] = DEFAULT.turned,
) -> None:
    """Write crystals, labels and the truth."""
    try:
        dials = Dials(
            tasks, crystals, largest, labels, validation, overlap, noise, scale, imbalance, missing, nonlinear, turned
        )
        made = planted(dials, seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    write(made, out)
    typer.echo(f"{len(made.crystals)} crystals, {len(made.names)} tasks, digest {dials.digest}, in {out}")


if __name__ == "__main__":
    typer.run(main)
