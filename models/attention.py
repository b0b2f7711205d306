"""Attention of queries to the atoms of their crystal, whatever number of atoms each crystal has.

Atoms are laid out in tiles of 16 of one crystal. So all is products of small matrices, and the places that are left
empty are fewer than 16 a crystal, where padding all crystals to the largest would leave nine of ten.
"""

from __future__ import annotations

import torch

from models.batch import Batch

TILE = 16  # atoms


class Tiles:
    """Where the N atoms of a batch stand in P tiles.

    crystal: (P,) int64, whose tile it is.  place: (N,) int64, of 16 P.  log_times: (P, 16) float32, the logarithm of
    how many atoms the one at a place stands for, that of 0 where there is none.
    """

    def __init__(self, batch: Batch) -> None:
        atoms = torch.bincount(batch.graph, minlength=len(batch.counts))
        tiles = (atoms + TILE - 1) // TILE
        self.crystals, self.crystal = len(atoms), torch.repeat_interleave(tiles)
        ahead = tiles.cumsum(0) * TILE - tiles * TILE - (atoms.cumsum(0) - atoms)
        self.place = torch.arange(len(batch.graph), device=ahead.device) + ahead[batch.graph]
        times = torch.ones_like(batch.counts[batch.graph]) if batch.times is None else batch.times
        laid = times.new_zeros(len(self.crystal) * TILE).index_copy(0, self.place, times)
        self.log_times = laid.log().view(-1, TILE)

    def of(self, atoms: torch.Tensor) -> torch.Tensor:
        """(N, H, C) -> (P, H, 16, C), nothing where there is no atom."""
        laid = atoms.new_zeros(len(self.crystal) * TILE, *atoms.shape[1:]).index_copy(0, self.place, atoms)
        return laid.unflatten(0, (-1, TILE)).transpose(1, 2)


def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, tiles: Tiles) -> torch.Tensor:
    """What queries (B, H, Q, C) of each crystal hear of its atoms, keys and values (N, H, C): (B, H, Q, C).

    Queries (1, H, Q, C) are asked of every crystal. The softmax is over the atoms of one crystal, in which an atom
    that stands for n counts n times.
    """
    asked = queries if len(queries) == 1 else queries.index_select(0, tiles.crystal)
    scores = (asked / queries.shape[-1] ** 0.5 @ tiles.of(keys).transpose(2, 3)).float()
    scores = scores + tiles.log_times[:, None, None, :]
    peaks = scores.detach().amax(dim=3)
    where = tiles.crystal.view(-1, 1, 1).expand_as(peaks)
    highest = peaks.new_full((tiles.crystals, *peaks.shape[1:]), -torch.inf).scatter_reduce(0, where, peaks, "amax")
    shares = torch.exp(scores - highest[tiles.crystal].unsqueeze(3))
    told = shares @ tiles.of(values).float()
    heard = told.new_zeros(tiles.crystals, *told.shape[1:]).index_add(0, tiles.crystal, told)
    return heard / shares.new_zeros(highest.shape).index_add(0, tiles.crystal, shares.sum(dim=3)).unsqueeze(3)
