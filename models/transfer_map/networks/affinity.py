"""Affinity: what gradients of one joint run say of who helps whom. Two baselines that a map of paired gains must beat.

One network with hard sharing learns all tasks at once, with the weights, rows and steps that `small.trained` would give
it. At every so many steps the gradients g_i of each task's loss L_i by the shared encoder's weights w are taken:

    lookahead   1 - L_j(w - r g_i) / L_j(w), of source i for target j; r is the step's learning rate. Heads stay.
    cosine      of g_i and g_j; it has no direction.

Both are averaged over the run. Lookahead is TAG: Fifty et al., NeurIPS 2021, arXiv 2109.04617; it takes a step of plain
gradient descent, whatever the optimiser. With OneCycle the middle of a run counts most in it, since steps are longest.
Cost of a step that is looked at: T backward passes and T forward ones over the batch of all T tasks. Arithmetic is
torch's on `models/encoders/cgcnn.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np
import polars as pl
import torch
from torch.func import functional_call

from models.batch import Batch
from models.encoders.cgcnn import CGCNN
from models.heads import Decoder
from models.losses import LOSSES
from models.streams import stream
from models.transfer_map.networks.small import Size, draws, lesson_of
from models.transfer_map.problem import Problem

LOOKAHEAD, COSINE = "lookahead", "cosine"
EVERY = 10  # steps from one look to the next: a look at twelve tasks costs as much as six to eight steps
AFFINITIES = {
    "method": pl.String, "target": pl.String, "source": pl.String, "seed": pl.Int64, "affinity": pl.Float64,
}  # fmt: skip


def affinities(problem: Problem, seed: int, size: Size, every: int = EVERY) -> pl.DataFrame:
    """AFFINITIES of all ordered pairs of the problem's tasks by both methods, from one joint run. Higher = more help.

    every: steps between two that are looked at, from the first on. Raises TaskError as `small.trained` does.
    """
    names = tuple(sorted(problem.names))
    run = enumerate(joint(problem, seed, size))
    seen = [(_lookahead(moment), _cosine(moment)) for step, moment in run if step % every == 0]
    means = zip((LOOKAHEAD, COSINE), np.mean(seen, axis=0), strict=True)
    rows = [
        (method, names[j], names[i], seed, float(table[j, i]))
        for method, table in means
        for j, i in permutations(range(len(names)), 2)
    ]
    return pl.DataFrame(rows, schema=AFFINITIES, orient="row")


@dataclass(frozen=True, eq=False)
class Moment:
    """A step of the joint run before it is taken.

    shared: the encoder's weights by name.  losses: (T,) tensors, of the tasks in the order of their names.
    losses_at: the same under other weights of the encoder, of that batch.  rate: the step's learning rate.
    """

    shared: Mapping[str, torch.Tensor]
    losses: Sequence[torch.Tensor]
    losses_at: Callable[[Mapping[str, torch.Tensor]], Sequence[torch.Tensor]]
    rate: float

    @cached_property
    def gradients(self) -> list[tuple[torch.Tensor, ...]]:
        """Of each task's loss by the shared weights."""
        return [torch.autograd.grad(loss, list(self.shared.values()), retain_graph=True) for loss in self.losses]


def joint(problem: Problem, seed: int, size: Size) -> Iterator[Moment]:
    """The joint run of all tasks, step by step: each is taken when the next one is asked for."""
    names = tuple(sorted(problem.names))
    lessons = [lesson_of(problem, task, seed, False, False) for task in names]
    rows, bounds = draws([lesson.rows for lesson in lessons], names, seed, size)
    with stream(seed, "encoder"):
        encoder = CGCNN(size.width, size.layers).train()
    decoders = []
    for task in names:
        with stream(seed, task):
            decoders.append(Decoder(size.width, size.depth))
    weights = [weight for part in (encoder, *decoders) for weight in part.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=size.learning_rate, weight_decay=size.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, size.learning_rate, total_steps=size.steps + 1)
    for ends in bounds:
        union, place = np.unique(rows[ends[0] : ends[-1]], return_inverse=True)
        batch = Batch.of(problem.graphs.batch(problem.at[union]))
        places = [torch.from_numpy(part) for part in np.split(place, ends[1:-1] - ends[0])]
        labels = [torch.from_numpy(lesson.labels[union]) for lesson in lessons]

        def losses_at(shared, batch=batch, places=places, labels=labels) -> list[torch.Tensor]:
            # running statistics move with every look; training does not read them
            vectors = functional_call(encoder, dict(shared), (batch,))
            each = zip(decoders, places, labels, strict=True)
            return [LOSSES[size.loss](decoder(vectors[at]), known[at]).mean() for decoder, at, known in each]

        shared = dict(encoder.named_parameters())
        losses = losses_at(shared)
        yield Moment(shared, losses, losses_at, schedule.get_last_lr()[0])
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
        torch.nn.utils.clip_grad_norm_(weights, size.largest_gradient)
        optimiser.step()
        schedule.step()


def _lookahead(moment: Moment) -> np.ndarray:
    """(T, T): for the target of the row, what a step of the column's task does."""
    now, columns = _values(moment.losses), []
    for gradient in moment.gradients:
        ahead = {
            name: weight.detach() - moment.rate * step
            for (name, weight), step in zip(moment.shared.items(), gradient, strict=True)
        }
        with torch.no_grad():
            columns.append(1 - _values(moment.losses_at(ahead)) / now)
    return np.stack(columns, axis=1)


def _cosine(moment: Moment) -> np.ndarray:
    """(T, T): cosines of the tasks' gradients; 0 where one is nothing."""
    flat = torch.stack([torch.cat([part.ravel() for part in each]) for each in moment.gradients]).double()
    unit = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-30)
    return (unit @ unit.T).numpy()


def _values(losses: Sequence[torch.Tensor]) -> np.ndarray:
    return np.array([loss.item() for loss in losses])
