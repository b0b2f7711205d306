"""What small networks are trained with, in numba: whole runs in arrays, float32, on one thread.

What belongs here: the steps of one run, forward, backward and AdamW, and answers for many crystals. The function is
that of `models/sharing/hard.py` over CGCNN, and what edges go through follows `models/encoders/exchange.py`, whose
exponentials are used. Which runs there are, what they learn from and where their weights come from: small.py.

All weights of a run lie in one flat array, so that norm and optimiser are one loop (`places`). Matrices stand as
(in, out), gate and core of a convolution as one row of 2 h, h a multiple of four: inner loops are eight channels long,
which a compiler that knows it makes one instruction, where exchange.py's loops over h only pay for broad networks.
The bias of a convolution's linear map learns nothing: the norm behind it takes it out again, and what another program
shows as its gradient is rounding.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from models.encoders.exchange import KERNEL, NEAR, ONE, ZERO, _exp, _log_one_plus

EPS, MOMENTUM = 1e-5, 0.1  # of nn.BatchNorm1d
BETA_2, ADAM_EPS = 0.999, 1e-8  # of AdamW
BEND = np.float32(0.5)  # of `models/losses.py`'s huber
L1, HUBER = 0, 1
GAUSSIANS, INVERSE_STEP = 41, 5.0  # of `models/encoders/cgcnn.py`
MARKS = 94  # columns of the elements' table
BROAD = 16  # columns from which a loop over them pays, without fours


@njit(**KERNEL)
def places(h, layers, depth, tasks):
    """Where a run's weights begin: first layer, a layer's length, first decoder, a decoder's length, the end."""
    first = (MARKS + 1) * h
    layer = 4 * h * h + 2 * h + GAUSSIANS * 2 * h + 6 * h
    decoder = depth * (h * h + h) + h + 1
    decoders = first + layers * layer
    return first, layer, decoders, decoder, decoders + tasks * decoder


@njit(**KERNEL)
def _layer(flat, at, h):
    """Views of a convolution: map (h, 4 h), bias (2 h), table (41, 2 h); slope, shift of 2 h edges', h atoms' norm."""
    a = at + 4 * h * h
    b = a + 2 * h
    c = b + GAUSSIANS * 2 * h
    return (
        flat[at:a].reshape(h, 4 * h), flat[a:b], flat[b:c].reshape(GAUSSIANS, 2 * h),
        flat[c : c + 2 * h], flat[c + 2 * h : c + 4 * h], flat[c + 4 * h : c + 5 * h], flat[c + 5 * h : c + 6 * h],
    )  # fmt: skip


@njit(**KERNEL)
def _product(rows, matrix, out):
    """out += rows @ matrix; all columns are multiples of four."""
    n, inner = rows.shape
    columns = matrix.shape[1]
    told, fours = matrix.reshape(inner, -1, 4), out.reshape(n, -1, 4)
    for a in range(n):
        for j in range(inner // 4):
            r0, r1, r2, r3 = rows[a, 4 * j], rows[a, 4 * j + 1], rows[a, 4 * j + 2], rows[a, 4 * j + 3]
            m0, m1, m2, m3 = matrix[4 * j], matrix[4 * j + 1], matrix[4 * j + 2], matrix[4 * j + 3]
            if columns >= BROAD:
                for c in range(columns):
                    out[a, c] += (r0 * m0[c] + r1 * m1[c]) + (r2 * m2[c] + r3 * m3[c])
            else:
                for q in range(told.shape[1]):
                    for k in range(4):
                        low = r0 * told[4 * j, q, k] + r1 * told[4 * j + 1, q, k]
                        fours[a, q, k] += low + (r2 * told[4 * j + 2, q, k] + r3 * told[4 * j + 3, q, k])


@njit(**KERNEL)
def _outer(rows, others, out):
    """out += rows.T @ others; all columns are multiples of four."""
    n, inner = rows.shape
    columns = others.shape[1]
    told, fours = others.reshape(n, -1, 4), out.reshape(inner, -1, 4)
    for j in range(n // 4):
        a, b, c, d = 4 * j, 4 * j + 1, 4 * j + 2, 4 * j + 3
        for i in range(inner):
            r0, r1, r2, r3 = rows[a, i], rows[b, i], rows[c, i], rows[d, i]
            if columns >= BROAD:
                o0, o1, o2, o3 = others[a], others[b], others[c], others[d]
                for k in range(columns):
                    out[i, k] += (r0 * o0[k] + r1 * o1[k]) + (r2 * o2[k] + r3 * o3[k])
            else:
                for q in range(told.shape[1]):
                    for k in range(4):
                        low = r0 * told[a, q, k] + r1 * told[b, q, k]
                        fours[i, q, k] += low + (r2 * told[c, q, k] + r3 * told[d, q, k])
    for a in range(n // 4 * 4, n):
        for i in range(inner):
            for k in range(columns):
                out[i, k] += rows[a, i] * others[a, k]


@njit(**KERNEL)
def _copy(given, out):
    """(n, m) into (n, m): what numba makes of an assignment takes seconds to compile."""
    for a in range(given.shape[0]):
        for c in range(given.shape[1]):
            out[a, c] = given[a, c]


@njit(**KERNEL)
def _turned(matrix):
    """Its transpose, in a new array."""
    out = np.empty((matrix.shape[1], matrix.shape[0]), np.float32)
    for a in range(matrix.shape[0]):
        for c in range(matrix.shape[1]):
            out[c, a] = matrix[a, c]
    return out


@njit(**KERNEL)
def _softplus(values, slope):
    """softplus in place of (n,), and its slope."""
    for c in range(len(values)):
        x = values[c]
        t = _exp(-abs(x))
        part = ONE / (ONE + t)
        values[c] = (x if x > 0 else ZERO) + _log_one_plus(t)
        slope[c] = part if x > 0 else t * part


@njit(**KERNEL)
def _gaussians(distance, first, value):
    """The first Gaussian of each edge that is not nothing, and eight values from there on."""
    for edge in range(len(distance)):
        at = distance[edge] * INVERSE_STEP
        low = min(max(int(at) - NEAR // 2 + 1, 0), GAUSSIANS - NEAR)
        first[edge] = low
        off = np.float32(at - low)
        for k in range(NEAR):
            far = off - np.float32(k)
            value[edge, k] = _exp(-far * far)


@njit(**KERNEL)
def _gather(rows, graphs, room):
    """The union graph of these crystals, written into the room for it: how many atoms and edges, what they count."""
    offsets, starts, index, distance, weight, times, element, share = graphs
    starts_to, index_to, distance_to, weight_to, times_to, element_to, share_to, graph_to, first, value = room
    atoms = edges = 0
    starts_to[0] = 0
    for b in range(len(rows)):
        low, high = offsets[rows[b]], offsets[rows[b] + 1]
        ahead = edges - starts[low]
        for edge in range(starts[low], starts[high]):
            to = edge + ahead
            index_to[to] = index[edge] + atoms
            distance_to[to] = distance[edge]
            weight_to[to] = weight[edge]
        for atom in range(low, high):
            to = atoms + atom - low
            starts_to[to + 1] = starts[atom + 1] + ahead
            times_to[to], share_to[to] = times[atom], share[atom]
            element_to[to], graph_to[to] = element[atom], b
        edges += starts[high] - starts[low]
        atoms += high - low
    _gaussians(distance_to[:edges], first[:edges], value[:edges])
    total = 0.0
    for atom in range(atoms):
        for edge in range(starts_to[atom], starts_to[atom + 1]):
            total += times_to[atom] * weight_to[edge]
    return atoms, edges, total


@njit(**KERNEL)
def _mix(
    starts, index, distance, first, value, weight, times, nodes, table, bond, centre, once, twice, ones, squares, mixed
):
    """z of every edge, and over all edges the sums of what it is away from the first one's, and of its square.

    nodes: (N, 2, B, 8), an atom's own part and its part in its neighbours'.  table: (41, B, 8).  mixed: (E, B, 8).
    """
    blocks = mixed.shape[1]
    for atom in range(len(starts) - 1):
        once[:] = 0
        twice[:] = 0
        for edge in range(starts[atom], starts[atom + 1]):
            if edge == starts[atom] or distance[edge] != distance[edge - 1]:
                at = first[edge]
                v0, v1, v2, v3 = value[edge, 0], value[edge, 1], value[edge, 2], value[edge, 3]
                v4, v5, v6, v7 = value[edge, 4], value[edge, 5], value[edge, 6], value[edge, 7]
                for q in range(blocks):
                    for k in range(8):
                        low = v0 * table[at, q, k] + v1 * table[at + 1, q, k]
                        low += v2 * table[at + 2, q, k] + v3 * table[at + 3, q, k]
                        high = v4 * table[at + 4, q, k] + v5 * table[at + 5, q, k]
                        high += v6 * table[at + 6, q, k] + v7 * table[at + 7, q, k]
                        bond[q, k] = low + high + nodes[atom, 0, q, k]
            other, w = index[edge], weight[edge]
            if edge == 0:
                for q in range(blocks):
                    for k in range(8):
                        centre[q, k] = bond[q, k] + nodes[other, 1, q, k]
            for q in range(blocks):
                for k in range(8):
                    z = bond[q, k] + nodes[other, 1, q, k]
                    mixed[edge, q, k] = z
                    away = z - centre[q, k]
                    once[q, k] += w * away
                    twice[q, k] += w * away * away
        for q in range(blocks):
            for k in range(8):
                ones[q, k] += times[atom] * np.float64(once[q, k])
                squares[q, k] += times[atom] * np.float64(twice[q, k])


@njit(**KERNEL)
def _squash(mixed, scale, offset, long_scale, long_offset, sigmoid, softplus):
    """sigmoid and softplus of every z times scale plus offset, (2 h,): in long rows, several edges at a time."""
    both, long = len(scale), len(long_scale)
    for k in range(long // both):
        for c in range(both):
            long_scale[k * both + c], long_offset[k * both + c] = scale[c], offset[c]
    for block in range((len(mixed) + long - 1) // long):
        z = mixed[block * long : (block + 1) * long]
        out, plus = sigmoid[block * long : (block + 1) * long], softplus[block * long : (block + 1) * long]
        for k in range(len(z)):
            x = z[k] * long_scale[k] + long_offset[k]
            t = _exp(-abs(x))
            part = ONE / (ONE + t)
            out[k] = part if x > 0 else t * part
            plus[k] = (x if x > 0 else ZERO) + _log_one_plus(t)


@njit(**KERNEL)
def _tell(starts, weight, mixed, sigmoid, softplus, inverse, offset, sums, change, ones, scales):
    """The weighted sum over each atom's edges of sigmoid times softplus (N, h), and how it changes with z's norm.

    Of edges (E, 2, h): mixed, sigmoid, softplus, and change.  ones, scales: (N, 2, h), the sum of change over each
    atom's edges, alone and times the normalised z.
    """
    for atom in range(len(starts) - 1):
        for edge in range(starts[atom], starts[atom + 1]):
            w = weight[edge]
            for k in range(sums.shape[1]):
                gate = sigmoid[edge, 0, k]
                told = w * gate
                heard = told * softplus[edge, 1, k]
                by_gate, by_core = heard * (ONE - gate), told * sigmoid[edge, 1, k]
                sums[atom, k] += heard
                change[edge, 0, k] = by_gate
                change[edge, 1, k] = by_core
                ones[atom, 0, k] += by_gate
                ones[atom, 1, k] += by_core
                scales[atom, 0, k] += by_gate * (mixed[edge, 0, k] * inverse[0, k] + offset[0, k])
                scales[atom, 1, k] += by_core * (mixed[edge, 1, k] * inverse[1, k] + offset[1, k])


@njit(**KERNEL)
def _unmix(
    starts, index, distance, first, value, weight, times, mixed, change, heard, steep, by_one, by_value,
    steeper, bond, mine, nodes, table,
):  # fmt: skip
    """Gradients of nodes and table from those of what the atoms heard, (N, h); shapes as in `_mix`."""
    blocks, h = mixed.shape[1], heard.shape[1]
    flat, steepness = steeper.reshape(2, h), steep.reshape(2, h)
    for atom in range(len(starts) - 1):
        low, high = starts[atom], starts[atom + 1]
        mine[:] = 0
        for c in range(h):
            flat[0, c] = steepness[0, c] * heard[atom, c]
            flat[1, c] = steepness[1, c] * heard[atom, c]
        for edge in range(low, high):
            if edge == low or distance[edge] != distance[edge - 1]:
                bond[:] = 0
            counts, other = weight[edge] * times[atom], index[edge]
            for q in range(blocks):
                for k in range(8):
                    step = steeper[q, k] * change[edge, q, k]
                    step += counts * (by_one[q, k] + by_value[q, k] * mixed[edge, q, k])
                    bond[q, k] += step
                    nodes[other, 1, q, k] += step
            if edge == high - 1 or distance[edge] != distance[edge + 1]:
                at = first[edge]
                for q in range(blocks):
                    for k in range(8):
                        mine[q, k] += bond[q, k]
                for near in range(NEAR):
                    v = value[edge, near]
                    for q in range(blocks):
                        for k in range(8):
                            table[at + near, q, k] += v * bond[q, k]
        for q in range(blocks):
            for k in range(8):
                nodes[atom, 0, q, k] += mine[q, k]


@njit(**KERNEL)
def _moved(running, mean, variance, unbiased):
    """Move running statistics (mean, then variance) towards a batch's."""
    for c in range(len(mean)):
        running[c] += MOMENTUM * (mean[c] - running[c])
        running[len(mean) + c] += MOMENTUM * (variance[c] * unbiased - running[len(mean) + c])


@njit(**KERNEL)
def _moments(rows, times, mean, variance):
    """Mean and variance of rows (N, h) that count by times; their total."""
    total = 0.0
    mean[:] = 0
    variance[:] = 0
    for a in range(len(rows)):
        total += times[a]
        for c in range(len(mean)):
            mean[c] += np.float64(times[a]) * rows[a, c]
    for c in range(len(mean)):
        mean[c] /= total
    for a in range(len(rows)):
        for c in range(len(mean)):
            away = rows[a, c] - mean[c]
            variance[c] += times[a] * away * away
    for c in range(len(mean)):
        variance[c] /= total
    return total


@njit(**KERNEL)
def _convolve(batch, total, atoms, weights, running, learn, kept, out):
    """One convolution, (N, h) -> out (N, h); in training the batch's statistics, else the running ones."""
    starts, index, distance, weight, times, first, value = batch
    (
        mixed,
        change,
        sums,
        ones,
        scales,
        steep,
        inverse,
        mean,
        tail_inverse,
        tail_mean,
        nodes,
        lines,
        longs,
        sigmoid,
        softplus,
    ) = kept
    linear, bias, table, slope, shift, tail_slope, tail_shift = weights
    n, h = atoms.shape
    both = 2 * h
    for a in range(n):
        for c in range(both):
            nodes[a, c], nodes[a, both + c] = bias[c], ZERO
    _product(atoms, linear, nodes)
    first_moment, second_moment = np.zeros(both), np.zeros(both)
    bond, centre, once, twice = lines[0], lines[1], lines[2], lines[3]
    scale, offset, shown, lag = lines[4], lines[5], lines[6], lines[7]
    centre[:] = 0
    eights, blocks = (-1, h // 4, 8), (h // 4, 8)
    _mix(
        starts, index, distance, first, value, weight, times, nodes.reshape(-1, 2, h // 4, 8), table.reshape(eights),
        bond.reshape(blocks), centre.reshape(blocks), once.reshape(blocks), twice.reshape(blocks),
        first_moment.reshape(blocks), second_moment.reshape(blocks), mixed.reshape(eights),
    )  # fmt: skip
    for c in range(both):
        if learn:
            away = first_moment[c] / total
            mean[c] = away + centre[c]
            variance = max(second_moment[c] / total - away * away, 0.0)
            second_moment[c] = variance
        else:
            mean[c], variance = running[c], running[both + c]
        inverse[c] = 1.0 / np.sqrt(variance + EPS)
        scale[c], offset[c] = inverse[c], -mean[c] * inverse[c]
        shown[c] = scale[c] * slope[c]
        lag[c] = offset[c] * slope[c] + shift[c]
    if learn:
        _moved(running[: 2 * both], mean, second_moment, total / max(total - 1.0, 1e-6))
    _squash(mixed.reshape(-1), shown, lag, longs[0], longs[1], sigmoid.reshape(-1), softplus.reshape(-1))
    sums[:] = 0
    ones[:] = 0
    scales[:] = 0
    halves = (-1, 2, h)
    _tell(
        starts, weight, mixed.reshape(halves), sigmoid.reshape(halves), softplus.reshape(halves), scale.reshape(2, h),
        offset.reshape(2, h), sums, change.reshape(halves), ones.reshape(halves), scales.reshape(halves),
    )  # fmt: skip
    tail, variances = running[2 * both :], np.empty(h)
    if learn:
        counted = _moments(sums, times, tail_mean, variances)
        _moved(tail, tail_mean, variances, counted / max(counted - 1.0, 1e-6))
    else:
        for c in range(h):
            tail_mean[c], variances[c] = tail[c], tail[h + c]
    for c in range(h):
        tail_inverse[c] = 1.0 / np.sqrt(variances[c] + EPS)
    for a in range(n):
        for c in range(h):
            normal = (sums[a, c] - np.float32(tail_mean[c])) * np.float32(tail_inverse[c])
            out[a, c] = atoms[a, c] + (normal * tail_slope[c] + tail_shift[c])
    _softplus(out.reshape(-1), steep.reshape(-1))


@njit(**KERNEL)
def _deconvolve(batch, total, atoms, weights, gradients, kept, above, below):
    """Back through one convolution: from the gradient of what it gave to that of the atoms, adding up the weights'."""
    starts, index, distance, weight, times, first, value = batch
    (
        mixed,
        change,
        sums,
        ones,
        scales,
        steep,
        inverse,
        mean,
        tail_inverse,
        tail_mean,
        nodes,
        lines,
        _longs,
        _sigmoid,
        _softplus,
    ) = kept
    linear, _, _table, slope, _shift, tail_slope, _tail_shift = weights
    d_linear, _, d_table, d_slope, d_shift, d_tail_slope, d_tail_shift = gradients
    n, h = atoms.shape
    both = 2 * h
    by_one, by_normal, counted = np.zeros(h), np.zeros(h), 0.0
    for a in range(n):
        counted += times[a]
        for c in range(h):
            push = above[a, c] * steep[a, c]
            below[a, c] = push
            by_one[c] += push
            by_normal[c] += push * (sums[a, c] - tail_mean[c]) * tail_inverse[c]
    heard = above  # no longer needed
    for c in range(h):
        d_tail_slope[c] += by_normal[c]
        d_tail_shift[c] += by_one[c]
    for a in range(n):
        for c in range(h):
            normal = (sums[a, c] - tail_mean[c]) * tail_inverse[c]
            pull = times[a] * (by_one[c] + normal * by_normal[c]) / counted
            heard[a, c] = tail_slope[c] * tail_inverse[c] * (below[a, c] - pull)
    by_shift, by_slope = np.zeros(both), np.zeros(both)
    for a in range(n):
        for c in range(h):
            by_shift[c] += heard[a, c] * ones[a, c]
            by_shift[h + c] += heard[a, c] * ones[a, h + c]
            by_slope[c] += heard[a, c] * scales[a, c]
            by_slope[h + c] += heard[a, c] * scales[a, h + c]
    steeper, bond, mine, steepness, one, each = lines[0], lines[1], lines[2], lines[3], lines[4], lines[5]
    for c in range(both):
        d_slope[c] += by_slope[c]
        d_shift[c] += by_shift[c]
        sheer = slope[c] * inverse[c]
        by_value = -sheer * inverse[c] * by_slope[c] / total
        steepness[c], each[c] = sheer, by_value
        one[c] = -sheer * by_shift[c] / total - mean[c] * by_value
    nodes[:] = 0
    eights, blocks = (-1, h // 4, 8), (h // 4, 8)
    _unmix(
        starts, index, distance, first, value, weight, times, mixed.reshape(eights), change.reshape(eights), heard,
        steepness.reshape(blocks), one.reshape(blocks), each.reshape(blocks), steeper.reshape(blocks),
        bond.reshape(blocks), mine.reshape(blocks), nodes.reshape(-1, 2, h // 4, 8), d_table.reshape(eights),
    )  # fmt: skip
    _outer(atoms, nodes, d_linear)
    _product(nodes, _turned(linear), below)


@njit(**KERNEL)
def _decode(flat, at, depth, rows, hidden, slopes, told):
    """One decoder: rows (n, h), already through a softplus, -> told (n,); what lies between is kept."""
    n, h = rows.shape
    _copy(rows, hidden[0])
    for layer in range(depth):
        bias = flat[at + h * h : at + h * h + h]
        out = hidden[layer + 1, :n]
        for a in range(n):
            for c in range(h):
                out[a, c] = bias[c]
        _product(hidden[layer, :n], flat[at : at + h * h].reshape(h, h), out)
        _softplus(out.reshape(-1), slopes[layer, :n].reshape(-1))
        at += h * h + h
    last = hidden[depth]
    for a in range(n):
        value = flat[at + h]
        for c in range(h):
            value += last[a, c] * flat[at + c]
        told[a] = value


@njit(**KERNEL)
def _undecode(flat, gradient, at, depth, n, hidden, slopes, push, above, below):
    """Back through one decoder, from the gradient of what it told (n,) to that of its rows, left in above."""
    h = hidden.shape[2]
    at += depth * (h * h + h)
    for a in range(n):
        gradient[at + h] += push[a]
        for c in range(h):
            gradient[at + c] += push[a] * hidden[depth, a, c]
            above[a, c] = push[a] * flat[at + c]
    for layer in range(depth - 1, -1, -1):
        at -= h * h + h
        below[:n] = 0
        for a in range(n):
            for c in range(h):
                above[a, c] *= slopes[layer, a, c]
                gradient[at + h * h + c] += above[a, c]
        _outer(hidden[layer, :n], above[:n], gradient[at : at + h * h].reshape(h, h))
        _product(above[:n], _turned(flat[at : at + h * h].reshape(h, h)), below[:n])
        _copy(below[:n], above)


@njit(**KERNEL)
def _embed(flat, marks, element, h, elements, out):
    """What each atom is, from the table of its element; marks: (Z, 9), which of the columns are one, -1 where fewer."""
    for z in range(len(marks)):
        for c in range(h):
            elements[z, c] = flat[MARKS * h + c]
        for mark in marks[z]:
            if mark >= 0:
                for c in range(h):
                    elements[z, c] += flat[mark * h + c]
    for a in range(len(element)):
        for c in range(h):
            out[a, c] = elements[element[a], c]


@njit(**KERNEL)
def _unembed(gradient, marks, element, h, elements, above):
    elements[:] = 0
    for a in range(len(element)):
        for c in range(h):
            elements[element[a], c] += above[a, c]
    for z in range(len(marks)):
        for c in range(h):
            gradient[MARKS * h + c] += elements[z, c]
        for mark in marks[z]:
            if mark >= 0:
                for c in range(h):
                    gradient[mark * h + c] += elements[z, c]


@njit(**KERNEL)
def _adamw(flat, gradient, first, second, step, rate, beta, decay, largest):
    """Shorten the gradient to its largest norm, and step."""
    norm = 0.0
    for k in range(len(gradient)):
        norm += np.float64(gradient[k]) * np.float64(gradient[k])
    shorter = np.float32(min(largest / (np.sqrt(norm) + 1e-6), 1.0))
    kept = np.float32(1.0 - rate * decay)
    b1, b2 = np.float32(1.0 - beta), np.float32(1.0 - BETA_2)
    far = np.float32(rate / (1.0 - beta**step))
    root = np.float32(1.0 / np.sqrt(1.0 - BETA_2**step))
    eps = np.float32(ADAM_EPS)
    for k in range(len(flat)):
        g = gradient[k] * shorter
        first[k] += b1 * (g - first[k])
        second[k] += b2 * (g * g - second[k])
        flat[k] = flat[k] * kept - far * first[k] / (np.sqrt(second[k]) * root + eps)


@njit(**KERNEL)
def run(graphs, marks, labels, rows, bounds, sizes, loss, rates, betas, decay, largest, flat, running, asked, told, losses, gradient):  # fmt: skip # noqa: E501
    """Take the steps of a run, then answer for crystals; flat (weights) and running (statistics) move in place.

    graphs: offsets (n + 1), starts, index (int32), distance, weight, times, element (row of marks), share of an atom.
    labels: (n, T) standardised.  rows: numbers of crystals, of step s and task t at bounds[s, t]..bounds[s, t + 1].
    sizes: layers, depth, h, and the most crystals of a batch.  asked: crystals -> told (asked, T), after the last step.
    losses: (steps,).  gradient: like flat, that of the last step, before it is shortened.
    """
    layers, depth, h, most = sizes
    steps, tasks = bounds.shape[0], labels.shape[1]
    first_layer, layer_length, first_decoder, decoder_length, _ = places(h, layers, depth, tasks)
    offsets, starts_of = graphs[0], graphs[1]
    # the biggest batch says what room is needed
    place, union = np.full(len(offsets) - 1, -1, np.int32), np.empty(most, np.int64)
    atoms_most = edges_most = 1
    for s in range(steps + (len(asked) + most - 1) // most):
        atoms = edges = 0
        some = (
            rows[bounds[s, 0] : bounds[s, tasks]] if s < steps else asked[(s - steps) * most : (s - steps + 1) * most]
        )
        for row in some:
            atoms += offsets[row + 1] - offsets[row]
            edges += starts_of[offsets[row + 1]] - starts_of[offsets[row]]
        atoms_most, edges_most = max(atoms_most, atoms), max(edges_most, edges)
    room = (
        np.empty(atoms_most + 1, np.int32), np.empty(edges_most, np.int32), np.empty(edges_most, np.float32),
        np.empty(edges_most, np.float32), np.empty(atoms_most, np.float32), np.empty(atoms_most, np.int32),
        np.empty(atoms_most, np.float32), np.empty(atoms_most, np.int32), np.empty(edges_most, np.int64),
        np.empty((edges_most, NEAR), np.float32),
    )  # fmt: skip
    mixed, change = np.empty((layers, edges_most, 2 * h), np.float32), np.empty((layers, edges_most, 2 * h), np.float32)
    sigmoid, softplus = np.empty((edges_most, 2 * h), np.float32), np.empty((edges_most, 2 * h), np.float32)
    states, steep = np.empty((layers + 1, atoms_most, h), np.float32), np.empty((layers, atoms_most, h), np.float32)
    sums = np.empty((layers, atoms_most, h), np.float32)
    ones, scales = np.empty((layers, atoms_most, 2 * h), np.float32), np.empty((layers, atoms_most, 2 * h), np.float32)
    norms, tails = np.empty((layers, 2, 2 * h)), np.empty((layers, 2, h))
    nodes, lines = np.empty((atoms_most, 4 * h), np.float32), np.empty((8, 2 * h), np.float32)
    longs = np.empty((2, 2 * h * max(1, 128 // (2 * h))), np.float32)
    above, below = np.empty((atoms_most, h), np.float32), np.empty((atoms_most, h), np.float32)
    elements = np.empty((len(marks), h), np.float32)
    vectors, vector_slope = np.empty((most, h), np.float32), np.empty((most, h), np.float32)
    push_vectors, task_rows = np.empty((most, h), np.float32), np.empty((most, h), np.float32)
    hidden, slopes = np.empty((depth + 1, most, h), np.float32), np.empty((depth, most, h), np.float32)
    task_above, task_below = np.empty((most, h), np.float32), np.empty((most, h), np.float32)
    answer, push = np.empty(most, np.float32), np.empty(most, np.float32)
    moment, square = np.zeros(len(flat), np.float32), np.zeros(len(flat), np.float32)
    for s in range(steps + (len(asked) + most - 1) // most):
        learn = s < steps
        count = 0
        for row in (
            rows[bounds[s, 0] : bounds[s, tasks]] if learn else asked[(s - steps) * most : (s - steps + 1) * most]
        ):
            if not learn or place[row] < 0:
                place[row] = count
                union[count] = row
                count += 1
        n, e, total = _gather(union[:count], graphs, room)
        batch = room[0][: n + 1], room[1][:e], room[2][:e], room[3][:e], room[4][:n], room[8][:e], room[9][:e]
        element, share, crystal = room[5][:n], room[6][:n], room[7][:n]
        _embed(flat, marks, element, h, elements, states[0, :n])
        for layer in range(layers):
            kept = (
                mixed[layer, :e], change[layer, :e], sums[layer, :n], ones[layer, :n], scales[layer, :n],
                steep[layer, :n], norms[layer, 0], norms[layer, 1], tails[layer, 0], tails[layer, 1],
                nodes[:n], lines, longs, sigmoid[:e], softplus[:e],
            )  # fmt: skip
            weights = _layer(flat, first_layer + layer * layer_length, h)
            _convolve(batch, total, states[layer, :n], weights, running[layer], learn, kept, states[layer + 1, :n])
        vectors[:count] = 0
        for a in range(n):
            for c in range(h):
                vectors[crystal[a], c] += share[a] * states[layers, a, c]
        _softplus(vectors[:count].reshape(-1), vector_slope[:count].reshape(-1))
        if not learn:
            for t in range(tasks):
                _decode(
                    flat, first_decoder + t * decoder_length, depth, vectors[:count], hidden, slopes, answer[:count]
                )
                for b in range(count):
                    told[(s - steps) * most + b, t] = answer[b]
            continue
        gradient[:] = 0
        push_vectors[:count] = 0
        loss_here = 0.0
        for t in range(tasks):
            drawn = rows[bounds[s, t] : bounds[s, t + 1]]
            m = len(drawn)
            for b in range(m):
                for c in range(h):
                    task_rows[b, c] = vectors[place[drawn[b]], c]
            at = first_decoder + t * decoder_length
            _decode(flat, at, depth, task_rows[:m], hidden, slopes, answer[:m])
            one = np.float32(1.0 / (m * tasks))
            for b in range(m):
                error = answer[b] - labels[drawn[b], t]
                size = abs(error)
                if loss == HUBER and size < BEND:
                    loss_here += one * (error * error) / (2 * BEND)
                    push[b] = one * error / BEND
                else:
                    loss_here += one * (size - BEND / 2 if loss == HUBER else size)
                    push[b] = one if error > 0 else (-one if error < 0 else ZERO * error)
            _undecode(flat, gradient, at, depth, m, hidden, slopes, push, task_above, task_below)
            for b in range(m):
                for c in range(h):
                    push_vectors[place[drawn[b]], c] += task_above[b, c]
        losses[s] = loss_here
        for b in range(count):
            place[union[b]] = -1
            for c in range(h):
                push_vectors[b, c] *= vector_slope[b, c]
        for a in range(n):
            for c in range(h):
                above[a, c] = share[a] * push_vectors[crystal[a], c]
        for layer in range(layers - 1, -1, -1):
            kept = (
                mixed[layer, :e], change[layer, :e], sums[layer, :n], ones[layer, :n], scales[layer, :n],
                steep[layer, :n], norms[layer, 0], norms[layer, 1], tails[layer, 0], tails[layer, 1],
                nodes[:n], lines, longs, sigmoid[:e], softplus[:e],
            )  # fmt: skip
            at = first_layer + layer * layer_length
            _deconvolve(
                batch, total, states[layer, :n], _layer(flat, at, h), _layer(gradient, at, h), kept,
                above[:n], below[:n],
            )  # fmt: skip
            above, below = below, above
        _unembed(gradient, marks, element, h, elements, above[:n])
        _adamw(flat, gradient, moment, square, s + 1, rates[s], betas[s], decay, largest)
