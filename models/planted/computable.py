"""Computable: the command that shows how much of each latent a two-layer CGCNN finds in the graphs.

    python -m models.planted.computable

One network learns all eight white latents from the training crystals, without noise, and is asked for the test ones.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
import typer
from torch import nn

from models.batch import Batch, in_order, shuffled
from models.encoders.cgcnn import CGCNN
from models.planted.dials import Dials
from models.planted.latents import NAMES
from models.planted.planted import Planted, planted
from models.streams import generator, stream

RATE, BATCH = 5e-3, 128


def explained(benchmark: Planted, width: int, epochs: int, seed: int = 0) -> np.ndarray:
    """(8,) share of the variance of each latent that the network explains on test crystals (R2)."""
    train, test = (np.flatnonzero(benchmark.split == part) for part in ("train", "test"))
    white = torch.tensor(benchmark.white, dtype=torch.float32)
    with stream(seed, "computable"):
        network = nn.Sequential(CGCNN(width, layers=2), nn.Linear(width, 8))
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    order = generator(seed, "computable order")
    for _ in range(epochs):
        for at in shuffled(len(train), BATCH, order):
            rows = train[at]
            loss = (network(Batch.of(benchmark.graphs.batch(rows))) - white[rows]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        told = [network(Batch.of(benchmark.graphs.batch(test[at]))) for at in in_order(len(test), BATCH)]
    errors = torch.cat(told) - white[test]
    return (1 - errors.square().mean(dim=0) / white[test].var(dim=0, correction=0)).numpy()


def main(
    crystals: Annotated[int, typer.Option(help="How many crystals.")] = Dials().crystals,
    width: Annotated[int, typer.Option(help="Width of the network.")] = 64,
    epochs: Annotated[int, typer.Option(help="Passes over the training crystals.")] = 15,
    seed: Annotated[int, typer.Option(help="Of the benchmark and of the network.")] = 0,
) -> None:
    """Print the share of each latent's variance that a two-layer CGCNN explains on test crystals."""
    for name, share in zip(
        NAMES, explained(planted(Dials(crystals=crystals), seed), width, epochs, seed).tolist(), strict=True
    ):
        typer.echo(f"{name:28}{share:.3f}")


if __name__ == "__main__":
    typer.run(main)
