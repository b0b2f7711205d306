"""The exchange of CGCNN's layer on a CPU: what an atom hears from its neighbours, forward and backward, in numba.

What belongs here: the sum over an atom's edges of `WeightedNorm`, sigmoid and softplus, in float32 and on one thread.
The same in plain torch, for reading and for other devices and numbers: cgcnn.py.

Why it is faster: an edge's Gaussians, 0.2 A wide and 0.2 A apart, are above float32's grain at eight centres of 41,
so eight rows of the matrix are added up instead of multiplying all; neighbours in a row that are equally far share
them; the edges of an atom stand together, so its sums stay in the cache; sigmoid and softplus share one exponential,
a polynomial that LLVM computes eight channels at a time. Sums over all edges are taken in float64, in a fixed order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions
from numba.extending import intrinsic

if TYPE_CHECKING:
    from models.batch import Batch
    from models.encoders.weighted_norm import WeightedNorm

NEAR = 8  # Gaussians kept per edge; those left out are at most exp(-16) = 1.1e-7

# noalias: no two arrays of one call overlap, so loops need not ask; a sixth of the time. Numba's compiler knows the
# flag, only its decorator does not pass it on by itself.
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")
KERNEL = {
    "cache": True,
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},  # not nnan, ninf: a training that diverges must show it
    "error_model": "numpy",
    "noalias": True,
}


class Edges:
    """The edges of a batch as the kernels read them, with their Gaussians; one for all layers.

    first: (E,) int64, the first Gaussian that is not nothing.  value: (E, NEAR) float32, from there on.
    total: what all edges count.  Other arrays: as in `Batch`.
    """

    def __init__(self, batch: Batch, step: float, gaussians: int) -> None:
        self.starts, self.index = batch.starts.numpy(), batch.index.numpy()
        self.weight, self.distance = batch.weight.numpy(), batch.distance.numpy()
        self.times = np.ones(len(batch.numbers), np.float32) if batch.times is None else batch.times.numpy()
        self.first, self.value = np.empty(len(self), np.int64), np.empty((len(self), NEAR), np.float32)
        self.total = _gaussians(
            self.starts, self.weight, self.times, self.distance, 1.0 / step, gaussians, self.first, self.value
        )

    def __len__(self) -> int:
        return len(self.distance)

    @property
    def lines(self) -> tuple[np.ndarray, ...]:
        """starts, index, distance, first, value."""
        return self.starts, self.index, self.distance, self.first, self.value


def exchange(nodes: torch.Tensor, table: torch.Tensor, norm: WeightedNorm, edges: Edges) -> torch.Tensor:
    """What each atom hears, (N, h).

    nodes: (N, 4 h), for each atom its own part of gate and core, and its part in those of its neighbours.
    table: (gaussians, 2 h), what each Gaussian adds.  norm: of 2 h channels; in training its running statistics move,
    otherwise they are used, and no gradients are kept.
    """
    if norm.training and len(edges):
        sums, mean, variance = _Exchange.apply(nodes, table, norm.weight, norm.bias, norm.eps, edges)
        norm.observe(mean, variance, edges.total / max(edges.total - 1, 1e-6))
        return sums
    with torch.no_grad():
        slope = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * slope
    told = _parts(nodes, 4)
    sums = np.zeros((len(told), told.shape[2]), np.float32)
    _listen(
        *edges.lines, edges.weight, told, _parts(table, 2), _parts(slope, 2), _parts(shift, 2), *_rows(sums, 2), sums
    )
    return torch.from_numpy(sums)


class _Exchange(torch.autograd.Function):
    """In training: the batch's own statistics, and gradients of nodes, table and the norm's weight and bias."""

    @staticmethod
    def forward(ctx, nodes, table, slope, shift, eps, edges):
        told = _parts(nodes, 4)
        atoms, _, width = told.shape
        mixed, sums = _Lent((len(edges), 2, width)), np.zeros((atoms, width), np.float32)
        moments = np.zeros((2, 2, width))
        _mix(*edges.lines, edges.weight, edges.times, told, _parts(table, 2), *_rows(sums, 4), *moments, mixed.array)
        first, second = moments / edges.total  # of the distance to the first edge's, so that squares stay small
        mean, variance = first + mixed.array[0], np.maximum(second - first**2, 0.0)
        inverse = 1.0 / np.sqrt(variance + eps)
        norm = inverse.astype(np.float32), (-mean * inverse).astype(np.float32)
        change, ones, scales = _Lent(mixed.array.shape), *np.zeros((2, atoms, 2, width), np.float32)
        _activate(
            edges.starts, edges.weight, mixed.array, *norm, _parts(slope, 2), _parts(shift, 2),
            sums, change.array, ones, scales,
        )  # fmt: skip
        ctx.save_for_backward(slope)
        ctx.kept = edges, mixed, change, ones, scales, inverse, mean, len(table)
        moved = _joined(mean), _joined(variance)
        ctx.mark_non_differentiable(*moved)
        return torch.from_numpy(sums), *moved

    @staticmethod
    def backward(ctx, heard, *_):
        edges, mixed, change, ones, scales, inverse, mean, gaussians = ctx.kept
        heard = heard.contiguous().numpy()
        atoms, width = heard.shape
        by_shift, by_slope = (np.einsum("ac,apc->pc", heard, of, dtype=np.float64) for of in (ones, scales))
        # Of what was mixed: that of its normalised value, less what every edge does to mean and variance.
        steep = _parts(ctx.saved_tensors[0], 2) * inverse
        by_value = -steep * inverse * by_slope / edges.total
        by_one = -steep * by_shift / edges.total - mean * by_value
        factors = (a.astype(np.float32) for a in (steep, by_one, by_value))
        nodes, table = np.zeros((atoms, 4, width), np.float32), np.zeros((gaussians, 2, width), np.float32)
        _unmix(
            *edges.lines, edges.weight, edges.times, mixed.array, change.array, heard, *factors,
            *_rows(heard, 3), nodes, table,
        )  # fmt: skip
        return (
            torch.from_numpy(nodes.reshape(atoms, -1)), torch.from_numpy(table.reshape(gaussians, -1)),
            _joined(by_slope), _joined(by_shift), None, None,
        )  # fmt: skip


class _Lent:
    """An array for all edges, out of those that stand idle: fresh pages cost more than what is written on them.

    It goes back when nobody knows it any more, a graph of gradients included.
    """

    idle: ClassVar[list[np.ndarray]] = []
    most = 16  # that stand idle: two for each of eight layers

    def __init__(self, shape: tuple[int, ...]) -> None:
        size = int(np.prod(shape))
        fitting = [place for place, flat in enumerate(self.idle) if len(flat) >= size]
        self.flat = self.idle.pop(fitting[-1]) if fitting else np.empty(size + size // 4, np.float32)
        self.array = self.flat[:size].reshape(shape)

    def __del__(self) -> None:
        if len(self.idle) < self.most:
            self.idle.append(self.flat)


def _parts(rows: torch.Tensor, parts: int) -> np.ndarray:
    """(.., parts h) as (.., parts, h), the same memory where it is contiguous."""
    array = rows.detach().contiguous().numpy()
    return array.reshape(*array.shape[:-1], parts, -1)


def _joined(parts: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(parts.reshape(-1).astype(np.float32))


def _rows(like: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Room for one edge's gate and core, `count` times."""
    return tuple(np.zeros((2, like.shape[1]), np.float32) for _ in range(count))


@intrinsic
def _truncated(context, number):
    """A float32 cut to an integer, as float32."""

    def build(context, builder, signature, arguments):
        return builder.sitofp(builder.fptosi(arguments[0], ir.IntType(32)), ir.FloatType())

    return types.float32(types.float32), build


@intrinsic
def _two_to(context, power):
    """Two to the power of a whole float32, by writing its exponent's bits."""

    def build(context, builder, signature, arguments):
        exponent = builder.add(builder.fptosi(arguments[0], ir.IntType(32)), ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(exponent, ir.Constant(ir.IntType(32), 23)), ir.FloatType())

    return types.float32(types.float32), build


ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
LEAST, LOG2_E, LN_2 = np.float32(-87.0), np.float32(1.4426950408889634), np.float32(0.6931471805599453)
# Fits at Chebyshev's points: of exp on +-0.35, 3e-9 relative; of log(1 + t) / t on 0..1, 3e-8.
E0, E1, E2, E3 = (np.float32(c) for c in (1.0, 1.00000004005, 0.50000001144, 0.16666405263))
E4, E5, E6 = (np.float32(c) for c in (0.0416662000416, 0.00837597082078, 0.00139497830506))
L0, L1, L2 = (np.float32(c) for c in (0.9999999705406569, -0.4999950151678645, 0.3331927134249109))
L3, L4, L5 = (np.float32(c) for c in (-0.24844369892406212, 0.1911143108039911, -0.13674769705258935))
L6, L7, L8 = (np.float32(c) for c in (0.07836166801674138, -0.029588507392359423, 0.005253457797052))


@njit(**KERNEL)
def _exp(x):
    """exp(x) for x <= 0, to about 1e-7 of it; nothing smaller than exp(-87)."""
    x = LEAST if x < LEAST else x
    whole = _truncated(x * LOG2_E - HALF)
    r = x - whole * LN_2
    return ((((((E6 * r + E5) * r + E4) * r + E3) * r + E2) * r + E1) * r + E0) * _two_to(whole)


@njit(**KERNEL)
def _log_one_plus(t):
    """log(1 + t) for t in 0..1, to about 2e-7 of it."""
    return ((((((((L8 * t + L7) * t + L6) * t + L5) * t + L4) * t + L3) * t + L2) * t + L1) * t + L0) * t


@njit(**KERNEL)
def _gaussians(starts, weight, times, distance, inverse_step, gaussians, first, value):
    total = 0.0
    for atom in range(len(starts) - 1):
        for edge in range(starts[atom], starts[atom + 1]):
            total += times[atom] * weight[edge]
            at = distance[edge] * inverse_step
            low = min(max(int(at) - NEAR // 2 + 1, 0), gaussians - NEAR)
            first[edge] = low
            off = np.float32(at - low)
            for k in range(NEAR):
                far = off - np.float32(k)
                value[edge, k] = _exp(-far * far)
    return total


@njit(**KERNEL)
def _bond(edge, part, first, value, table, bond):
    """What the edge's Gaussians add to gate or core."""
    at = first[edge]
    v0, v1, v2, v3 = value[edge, 0], value[edge, 1], value[edge, 2], value[edge, 3]
    v4, v5, v6, v7 = value[edge, 4], value[edge, 5], value[edge, 6], value[edge, 7]
    for c in range(bond.shape[1]):
        low = v0 * table[at, part, c] + v1 * table[at + 1, part, c]
        low += v2 * table[at + 2, part, c] + v3 * table[at + 3, part, c]
        high = v4 * table[at + 4, part, c] + v5 * table[at + 5, part, c]
        high += v6 * table[at + 6, part, c] + v7 * table[at + 7, part, c]
        bond[part, c] = low + high


@njit(**KERNEL)
def _mix(
    starts, index, distance, first, value, weight, times, nodes, table, bond, centre, once, twice, ones, squares, mixed
):
    """z of every edge, and over all edges the sums of what it is away from the first edge's, and of its square."""
    width = nodes.shape[2]
    for atom in range(len(starts) - 1):
        once[:] = 0
        twice[:] = 0
        for edge in range(starts[atom], starts[atom + 1]):
            if edge == starts[atom] or distance[edge] != distance[edge - 1]:
                for part in range(2):
                    _bond(edge, part, first, value, table, bond)
                    for c in range(width):
                        bond[part, c] += nodes[atom, part, c]
            other, w = index[edge], weight[edge]
            for part in range(2):
                for c in range(width):
                    mixed[edge, part, c] = bond[part, c] + nodes[other, 2 + part, c]
                if edge == 0:
                    for c in range(width):
                        centre[part, c] = mixed[edge, part, c]
                for c in range(width):
                    away = mixed[edge, part, c] - centre[part, c]
                    once[part, c] += w * away
                    twice[part, c] += w * away * away
        for part in range(2):
            for c in range(width):
                ones[part, c] += times[atom] * np.float64(once[part, c])
                squares[part, c] += times[atom] * np.float64(twice[part, c])


@njit(**KERNEL)
def _activate(starts, weight, mixed, inverse, offset, slope, shift, sums, change, ones, scales):
    """The weighted sum over each atom's edges of sigmoid times softplus, and how it changes with what the norm says.

    change: of each edge.  ones, scales: its sum over each atom's edges, alone and times the normalised z.
    """
    width = mixed.shape[2]
    for atom in range(len(starts) - 1):
        for edge in range(starts[atom], starts[atom + 1]):
            w = weight[edge]
            for c in range(width):
                g = mixed[edge, 0, c] * inverse[0, c] + offset[0, c]
                s = mixed[edge, 1, c] * inverse[1, c] + offset[1, c]
                gate, core = g * slope[0, c] + shift[0, c], s * slope[1, c] + shift[1, c]
                t, u = _exp(-abs(gate)), _exp(-abs(core))
                part, whole = ONE / (ONE + t), ONE / (ONE + u)
                sigmoid = part if gate > 0 else t * part
                softplus = (core if core > 0 else ZERO) + _log_one_plus(u)
                told = w * sigmoid
                sums[atom, c] += told * softplus
                by_gate = told * softplus * (t * part if gate > 0 else part)
                by_core = told * (whole if core > 0 else u * whole)
                change[edge, 0, c] = by_gate
                change[edge, 1, c] = by_core
                ones[atom, 0, c] += by_gate
                ones[atom, 1, c] += by_core
                scales[atom, 0, c] += by_gate * g
                scales[atom, 1, c] += by_core * s


@njit(**KERNEL)
def _listen(starts, index, distance, first, value, weight, nodes, table, slope, shift, bond, row, sums):
    """`_mix` and `_activate` in one, where slope and shift are known beforehand."""
    width = nodes.shape[2]
    for atom in range(len(starts) - 1):
        for edge in range(starts[atom], starts[atom + 1]):
            if edge == starts[atom] or distance[edge] != distance[edge - 1]:
                for part in range(2):
                    _bond(edge, part, first, value, table, bond)
                    for c in range(width):
                        bond[part, c] += nodes[atom, part, c]
            other, w = index[edge], weight[edge]
            for part in range(2):
                for c in range(width):
                    row[part, c] = (bond[part, c] + nodes[other, 2 + part, c]) * slope[part, c] + shift[part, c]
            for c in range(width):
                gate, core = row[0, c], row[1, c]
                t, u = _exp(-abs(gate)), _exp(-abs(core))
                sigmoid = (ONE if gate > 0 else t) / (ONE + t)
                softplus = (core if core > 0 else ZERO) + _log_one_plus(u)
                sums[atom, c] += w * sigmoid * softplus


@njit(**KERNEL)
def _unmix(
    starts, index, distance, first, value, weight, times, mixed, change, heard, steep, by_one, by_value,
    steeper, bond, mine, nodes, table,
):  # fmt: skip
    """Gradients of the nodes and of the table, from those of what the atoms heard."""
    width = mixed.shape[2]
    for atom in range(len(starts) - 1):
        low, high = starts[atom], starts[atom + 1]
        mine[:] = 0
        for part in range(2):
            for c in range(width):
                steeper[part, c] = steep[part, c] * heard[atom, c]
        for edge in range(low, high):
            if edge == low or distance[edge] != distance[edge - 1]:
                bond[:] = 0
            counts, other = weight[edge] * times[atom], index[edge]
            for part in range(2):
                for c in range(width):
                    step = steeper[part, c] * change[edge, part, c]
                    step += counts * (by_one[part, c] + by_value[part, c] * mixed[edge, part, c])
                    bond[part, c] += step
                    nodes[other, 2 + part, c] += step
            if edge == high - 1 or distance[edge] != distance[edge + 1]:
                at = first[edge]
                for part in range(2):
                    for c in range(width):
                        mine[part, c] += bond[part, c]
                    for k in range(NEAR):
                        near = value[edge, k]
                        for c in range(width):
                            table[at + k, part, c] += near * bond[part, c]
        for part in range(2):
            for c in range(width):
                nodes[atom, part, c] += mine[part, c]
