"""Many small networks, trained fast: hard sharing of a few tasks of a `Problem`, a whole run in compiled code.

What belongs here: which runs there are, what each task learns from, where weights begin, what comes out. The
arithmetic: kernels.py. Network and training are those of `models/sharing/hard.py` under a `Recipe` (AdamW, OneCycle,
gradients of norm 1 at most), with three differences that make gains comparable:

A step draws for each task a batch of its own labelled rows, in an order from the stream of (seed, task); the union of
the drawn rows is the batch. Of a drawn row only the label of the task that drew it counts. So a task takes the same
steps on the same labels in the same order alone, in a pair and among six, and begins with the same weights.
What counts is the state after the last step: OneCycle ends in one, and nothing is chosen on validation.
Labels are standardised by mean and deviation over training; no logarithms: a problem's labels are as they are learnt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numba import config

from models.dataset import TaskError
from models.elements import element_table
from models.encoders.cgcnn import CGCNN
from models.heads import Decoder
from models.streams import seed_of, stream
from models.transfer_map.networks.kernels import HUBER, L1, run
from models.transfer_map.networks.size import Size
from models.transfer_map.problem import Problem

LOSSES = {"l1": L1, "huber": HUBER}
ONES = 9  # in a row of the elements' table, at most
CRYSTALS = 32  # per batch where nothing is learnt


@dataclass(frozen=True, eq=False)
class TaskErrors:
    """What a run errs by in one task, in the task's own unit.

    validation, test: mean absolute errors, NaN where there are no labels.  standardised: that of test over the training
    labels' deviation.  rows: (m,), the problem's numbers of its labelled test crystals.  each: (m,) float32, their
    absolute errors.
    """

    validation: float
    test: float
    standardised: float
    rows: np.ndarray
    each: np.ndarray


Errors = dict[str, TaskErrors]


def trained(
    problem: Problem,
    tasks: Sequence[str],
    seed: int,
    size: Size,
    placebo: Collection[str] = (),
    target: str | None = None,
    sources_on_test: bool = False,
) -> Errors:
    """Train one encoder and a decoder for each of these tasks; the errors of each, whatever the order of names.

    placebo: those whose training labels are permuted among themselves, and validation labels among themselves (stream
        of seed and task); their errors are measured on validation as permuted and on test as it is.
    sources_on_test: whether tasks other than `target` learn also from their labels on test crystals. Their steps stay
        as many. Only the target's errors come back, since theirs would be of what they learnt.
    Raises ProblemError for unknown tasks, TaskError where one has no two different training labels.
    """
    names = tuple(sorted(set(tasks)))
    if sources_on_test and target not in names:
        raise ValueError(f"where sources learn on test crystals the target is one of the tasks, found {target!r}")
    lessons = [lesson_of(problem, task, seed, task in placebo, sources_on_test and task != target) for task in names]
    rows, bounds = draws([lesson.rows for lesson in lessons], names, seed, size)
    told_of = [target] if sources_on_test else names
    asked = np.flatnonzero(
        np.any([np.isfinite(problem.column(task)) for task in told_of], axis=0) & (problem.split != "train")
    )
    weights, running = beginning(names, seed, size)
    told, _, _ = walked(
        problem, np.stack([lesson.labels for lesson in lessons], axis=1), rows, bounds, size, weights, running, asked
    )
    errors, at = {}, np.full(len(problem), -1)
    at[asked] = np.arange(len(asked))
    for t, (task, lesson) in enumerate(zip(names, lessons, strict=True)):
        if task not in told_of:
            continue
        value = told[:, t].astype(np.float64) * lesson.deviation + lesson.mean
        known = {"validation": lesson.targets, "test": problem.column(task)}
        each = {}
        for split, labels in known.items():
            part = problem.rows(task, split)
            each[split] = part, np.abs(value[at[part]] - labels[part]).astype(np.float32)
        mean = {split: float(found.mean()) if len(found) else float("nan") for split, (_, found) in each.items()}
        errors[task] = TaskErrors(mean["validation"], mean["test"], mean["test"] / lesson.deviation, *each["test"])
    return errors


@dataclass(frozen=True, eq=False)
class Lesson:
    """rows: what is learnt from.  targets, labels: (n,), in units and standardised.  mean, deviation: over training."""

    rows: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    mean: float
    deviation: float


def lesson_of(problem: Problem, task: str, seed: int, permuted: bool, on_test: bool) -> Lesson:
    """What one task learns from."""
    targets, train = problem.column(task).copy(), problem.rows(task, "train")
    known = targets[train].astype(np.float64)
    if len(known) < 2 or np.ptp(known) == 0:
        found = f"{len(known)} labels" if len(known) < 2 else f"{len(known)} times {known[0]:g}"
        raise TaskError(f"task {task} needs two different training labels or more, found {found}")
    if permuted:
        lots = np.random.default_rng(seed_of(seed, f"placebo/{task}"))
        for split in ("train", "validation", "test") if on_test else ("train", "validation"):
            part = problem.rows(task, split)
            targets[part] = targets[lots.permutation(part)]
    rows = np.concatenate([train, problem.rows(task, "test")]) if on_test else train
    mean, deviation = float(known.mean()), float(known.std())
    return Lesson(rows, targets, ((targets - mean) / deviation).astype(np.float32), mean, deviation)


def draws(each: Sequence[np.ndarray], names: Sequence[str], seed: int, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """The rows of every step and task, one behind the other, and (steps, T + 1) where each begins and the last ends.

    A task walks through its rows in random order again and again, in batches of nearly equal size.
    """
    walks = []
    for task, rows in zip(names, each, strict=True):
        lots, parts = np.random.default_rng(seed_of(seed, f"rows/{task}")), []
        while len(parts) < size.steps:
            parts += np.array_split(lots.permutation(rows), -(-len(rows) // size.batch))
        walks.append(parts[: size.steps])
    parts = [walk[step] for step in range(size.steps) for walk in walks]
    ends = np.cumsum([len(part) for part in parts]).reshape(size.steps, len(names))
    return np.concatenate(parts), np.column_stack([np.append(0, ends[:-1, -1]), ends])


def walked(
    problem: Problem, labels: np.ndarray, rows: np.ndarray, bounds: np.ndarray, size: Size, weights: np.ndarray,
    running: np.ndarray, asked: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Take the steps; weights and running statistics move in place. Returns what is told of the crystals asked,
    (m, T) standardised, the losses (steps,), and the gradient of the last step.
    """
    graphs, marks = _gathered(problem)
    told, losses = np.empty((len(asked), labels.shape[1]), np.float32), np.zeros(len(bounds))
    gradient = np.zeros_like(weights)
    most = max(int((bounds[:, -1] - bounds[:, 0]).max()), CRYSTALS)
    with _short_rows():
        run(
            graphs, marks, labels, rows, bounds, (size.layers, size.depth, size.width, most), LOSSES[size.loss],
            *_rates(size.learning_rate, len(bounds)), size.weight_decay, size.largest_gradient, weights, running, asked,
            told, losses, gradient,
        )  # fmt: skip
    return told, losses, gradient


@contextmanager
def _short_rows() -> Iterator[None]:
    """Inside, what numba compiles has short rows packed into vectors (LLVM's SLP), which it leaves off by default.

    Loops of eight channels take a third to a half of the time with it. Said here and not for the process, since what
    others compile should not depend on who came first.
    """
    before, config.SLP_VECTORIZE = config.SLP_VECTORIZE, 1
    try:
        yield
    finally:
        config.SLP_VECTORIZE = before


def beginning(names: Sequence[str], seed: int, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A run's weights, one behind the other, and its running statistics (layers, 6 h), before the first step."""
    decoders = [_decoder(task, seed, size.width, size.depth) for task in names]
    running = np.zeros((size.layers, 6 * size.width), np.float32)
    running[:, 2 * size.width : 4 * size.width] = running[:, 5 * size.width :] = 1.0
    return np.concatenate([_encoder(seed, size.width, size.layers), *decoders]), running


@lru_cache(maxsize=64)
def _encoder(seed: int, width: int, layers: int) -> np.ndarray:
    with stream(seed, "encoder"):
        return encoder_weights(CGCNN(width, layers))


@lru_cache(maxsize=1024)
def _decoder(task: str, seed: int, width: int, depth: int) -> np.ndarray:
    with stream(seed, task):
        return decoder_weights(Decoder(width, depth))


def encoder_weights(encoder: CGCNN) -> np.ndarray:
    """An encoder's weights as kernels.py orders them."""
    parts = [encoder.embed.weight.T, encoder.embed.bias]
    for layer in encoder.layers:
        own, other, table = layer.mix.weight.split(layer.parts, dim=1)
        parts += [torch.cat([own, other]).T, layer.mix.bias, table.T, layer.norm_edges.weight, layer.norm_edges.bias]
        parts += [layer.norm_atoms.weight, layer.norm_atoms.bias]
    return _flat(parts)


def decoder_weights(decoder: Decoder) -> np.ndarray:
    """A decoder's weights as kernels.py orders them."""
    return _flat([part for step in decoder.steps if hasattr(step, "weight") for part in (step.weight.T, step.bias)])


def _flat(parts: Sequence[torch.Tensor]) -> np.ndarray:
    return np.concatenate([part.detach().numpy().ravel() for part in parts])


@lru_cache(maxsize=16)
def _rates(highest: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Learning rate and first momentum of every step, as torch's OneCycle sets them."""
    optimiser = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=highest)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=steps + 1)
    found = []
    for _ in range(steps):
        group = optimiser.param_groups[0]
        found.append((group["lr"], group["betas"][0]))
        optimiser.step()
        schedule.step()
    return tuple(np.array(found).T.copy())


@lru_cache(maxsize=2)
def _gathered(problem: Problem) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The graphs of a problem as kernels.py reads them, and the marks of the elements in them; once per process."""
    graphs = problem.graphs.batch(problem.at)
    offsets = np.concatenate([[0], np.cumsum(graphs.counts)]).astype(np.int64)
    starts = graphs.starts.astype(np.int64)
    crystal = np.repeat(np.arange(len(problem)), graphs.counts)
    times = np.ones(len(crystal), np.float32) if graphs.times is None else graphs.times
    share = times / np.bincount(crystal, times, len(problem))[crystal]
    edges = np.diff(starts[offsets])
    index = graphs.index - np.repeat(offsets[:-1], edges).astype(np.int32)
    present, element = np.unique(graphs.numbers, return_inverse=True)
    marks = np.full((len(present), ONES), -1, np.int32)
    for row, number in zip(marks, present, strict=True):
        ones = np.flatnonzero(element_table()[number])
        row[: len(ones)] = ones
    arrays = (
        offsets, starts, index.astype(np.int32), graphs.distance, graphs.weight, times.astype(np.float32),
        element.astype(np.int32), share.astype(np.float32),
    )  # fmt: skip
    return arrays, marks
