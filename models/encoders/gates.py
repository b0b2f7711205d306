"""The gates of Matformer's layer on a CPU: what an atom hears from its neighbours, forward and backward, in numba.

What belongs here: the sum over an atom's edges of the gated values, in float32 and on one thread. The same in plain
torch, for reading and for other devices and numbers: matformer.py.

Why it is faster: an edge's three parts are never written down for all edges, but made, normalised, gated and added up
in a few rows that stay in the cache, and made again on the way back; loops run over the whole width, all heads in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numba import njit

from models.encoders.exchange import KERNEL, ONE, ZERO, _exp

if TYPE_CHECKING:
    from models.batch import Batch


def gated(
    told: torch.Tensor, bonds: torch.Tensor, norm: torch.nn.LayerNorm, which: torch.Tensor, batch: Batch
) -> torch.Tensor:
    """What each atom hears, (N, 3, H, C).

    told: (N, 8, H, C), an atom's query, key, three own values and three as a neighbour.  bonds: (D, 4, H, C), the key
    and the values of each distance.  norm: of 3 C channels.  which: (E,) int64, each edge's distance.
    """
    heads, channels = told.shape[2:]
    slope, shift = (w.view(3, 1, channels).expand(3, heads, channels).flatten(1) for w in (norm.weight, norm.bias))
    # the root of 3 C under what the gate looks at is all the same to a norm, save for what it adds to the variance
    least = np.float32(norm.eps * 3 * channels)
    sums = _Gated.apply(told.flatten(2), bonds.flatten(2), slope, shift, least, heads, which, batch)
    return sums.unflatten(2, (heads, channels))


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, told, bonds, slope, shift, least, heads, which, batch):
        known = [t.contiguous() for t in (told, bonds, slope, shift)]
        ctx.save_for_backward(*known)
        ctx.kept = batch.starts.numpy(), batch.index.numpy(), which.numpy(), batch.weight.numpy(), heads, least
        sums = np.zeros((len(told), 3, told.shape[2]), np.float32)
        _gate(*ctx.kept, *(t.detach().numpy() for t in known), *_room(sums, 1, 2), sums)
        return torch.from_numpy(sums)

    @staticmethod
    def backward(ctx, heard):
        heard = heard.contiguous().numpy()
        known = [t.detach().numpy() for t in ctx.saved_tensors]
        changes = [np.zeros_like(of) for of in known[:2]] + [np.zeros(of.shape) for of in known[2:]]
        _ungate(*ctx.kept, *known, heard, *_room(heard, 5, 6), *changes)
        return *(torch.from_numpy(change.astype(np.float32, copy=False)) for change in changes), None, None, None, None


def _room(like: np.ndarray, parts: int, rows: int) -> list[np.ndarray]:
    """So many arrays of an edge's three parts, and so many of one."""
    width = like.shape[2]
    return [np.empty((3, width), np.float32) for _ in range(parts)] + list(np.empty((rows, width), np.float32))


@njit(**KERNEL)
def _means(row, heads):
    """Replace what belongs to a head by its mean over the head's three parts, whose sum it is."""
    channels = len(row) // heads
    for head in range(heads):
        low, total = head * channels, ZERO
        for c in range(channels):
            total += row[low + c]
        total /= np.float32(3 * channels)
        for c in range(channels):
            row[low + c] = total


@njit(**KERNEL)
def _alike(atom, other, bond, heads, least, told, bonds, alike, row, inverse):
    """What the gate looks at, less its mean, and one over its standard deviation."""
    width = told.shape[2]
    for c in range(width):
        alike[0, c] = told[atom, 0, c] * told[atom, 1, c]
        row[c] = alike[0, c]
    for c in range(width):
        alike[1, c] = told[atom, 0, c] * told[other, 1, c]
        row[c] += alike[1, c]
    for c in range(width):
        alike[2, c] = told[atom, 0, c] * bonds[bond, 0, c]
        row[c] += alike[2, c]
    _means(row, heads)
    inverse[:] = 0
    for part in range(3):
        for c in range(width):
            alike[part, c] -= row[c]
            inverse[c] += alike[part, c] * alike[part, c]
    _means(inverse, heads)
    for c in range(width):
        inverse[c] = ONE / np.sqrt(inverse[c] + least)


@njit(**KERNEL)
def _gate(starts, index, which, weight, heads, least, told, bonds, slope, shift, alike, row, inverse, sums):
    """The weighted sum over each atom's edges of the gate times the values."""
    width = told.shape[2]
    for atom in range(len(starts) - 1):
        for edge in range(starts[atom], starts[atom + 1]):
            other, bond, w = index[edge], which[edge], weight[edge]
            _alike(atom, other, bond, heads, least, told, bonds, alike, row, inverse)
            for part in range(3):
                for c in range(width):
                    gate = alike[part, c] * inverse[c] * slope[part, c] + shift[part, c]
                    t = _exp(-abs(gate))
                    value = told[atom, 2 + part, c] + told[other, 5 + part, c] + bonds[bond, 1 + part, c]
                    sums[atom, part, c] += w * value * (ONE if gate > 0 else t) / (ONE + t)


@njit(**KERNEL)
def _ungate(
    starts, index, which, weight, heads, least, told, bonds, slope, shift, heard,
    alike, by_alike, own, slopes, shifts, row, inverse, first, second, asked, itself,
    by_told, by_bonds, by_slope, by_shift,
):  # fmt: skip
    """Gradients of atoms, distances and norm, from those of what the atoms heard."""
    width = told.shape[2]
    for atom in range(len(starts) - 1):
        own[:], slopes[:], shifts[:], asked[:], itself[:] = 0, 0, 0, 0, 0
        for edge in range(starts[atom], starts[atom + 1]):
            other, bond, w = index[edge], which[edge], weight[edge]
            _alike(atom, other, bond, heads, least, told, bonds, alike, row, inverse)
            first[:], second[:] = 0, 0
            for part in range(3):
                for c in range(width):
                    normal = alike[part, c] * inverse[c]
                    gate = normal * slope[part, c] + shift[part, c]
                    t = _exp(-abs(gate))
                    some = ONE / (ONE + t)
                    value = told[atom, 2 + part, c] + told[other, 5 + part, c] + bonds[bond, 1 + part, c]
                    push = w * heard[atom, part, c]
                    by_value = push * (some if gate > 0 else t * some)
                    own[part, c] += by_value
                    by_told[other, 5 + part, c] += by_value
                    by_bonds[bond, 1 + part, c] += by_value
                    by_gate = push * value * t * some * some
                    slopes[part, c] += by_gate * normal
                    shifts[part, c] += by_gate
                    by_normal = by_gate * slope[part, c]
                    alike[part, c], by_alike[part, c] = normal, by_normal
                    first[c] += by_normal
                    second[c] += by_normal * normal
            _means(first, heads)
            _means(second, heads)
            for part in range(3):
                for c in range(width):
                    by_alike[part, c] = inverse[c] * (by_alike[part, c] - first[c] - alike[part, c] * second[c])
            for c in range(width):
                itself[c] += by_alike[0, c]
                asked[c] += by_alike[1, c] * told[other, 1, c] + by_alike[2, c] * bonds[bond, 0, c]
                by_told[other, 1, c] += by_alike[1, c] * told[atom, 0, c]
                by_bonds[bond, 0, c] += by_alike[2, c] * told[atom, 0, c]
        for c in range(width):
            by_told[atom, 0, c] += asked[c] + itself[c] * told[atom, 1, c]
        for c in range(width):
            by_told[atom, 1, c] += itself[c] * told[atom, 0, c]
        for part in range(3):
            for c in range(width):
                by_told[atom, 2 + part, c] += own[part, c]
                by_slope[part, c] += slopes[part, c]
                by_shift[part, c] += shifts[part, c]
