"""Policies: what AdaShare decides with: norms that keep tasks apart, and draws, prices and discrete choices of logits.

Logits are (blocks, 2) for each task: to run a block, to skip it. Of what they are asked for: adashare.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from models.encoders.cgcnn import CGCNN
from models.encoders.weighted_norm import WeightedNorm
from models.streams import generator


class PathNorm(WeightedNorm):
    """A norm of one weight and one bias, with running statistics of its own for each path that leads to it.

    In training a batch is normalised by itself: tasks that came the same way get the same numbers, and can be computed
    once. Were there weights for each task, none could. means, variances: (paths, channels).
    """

    def __init__(self, channels: int, paths: int) -> None:
        super().__init__(channels)
        for name in ("running_mean", "running_var"):  # of the path that is walked
            self.register_buffer(name, getattr(self, name), persistent=False)
        self.register_buffer("means", torch.zeros(paths, channels))
        self.register_buffer("variances", torch.ones(paths, channels))

    @contextmanager
    def along(self, paths: list[int]) -> Iterator[None]:
        """Inside, it is the norm of these paths, which came the same way."""
        self.running_mean, self.running_var = self.means[paths[0]].clone(), self.variances[paths[0]].clone()
        yield
        if self.training:
            self.means[paths], self.variances[paths] = self.running_mean, self.running_var


def with_paths(encoder: CGCNN, paths: int) -> CGCNN:
    """The same encoder, its norms with statistics for so many paths; weights stay as they are."""
    for layer in encoder.layers:
        for name in ("norm_edges", "norm_atoms"):
            setattr(layer, name, PathNorm(getattr(layer, name).num_features, paths))
    return encoder


def gumbel(shape: Sequence[int], seed: int, name: str) -> torch.Tensor:
    """Noise of Gumbel's distribution from the stream of this name."""
    draws = torch.empty(*shape).exponential_(generator=generator(seed, name))
    return -draws.clamp(min=1e-30).log()


def sparsity_price(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mean over tasks of the cross-entropy towards `skip`, itself a mean over each task's blocks (n, 2)."""
    return torch.stack([-of.log_softmax(dim=-1)[:, 1].sum() / max(len(of), 1) for of in logits]).mean()


def sharing_price(chances: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """What tasks differ by in their chances (tasks, blocks) to run a block, weighted (blocks,), over pairs.

    As the paper has it for two tasks, where the loss is a mean over tasks; for more the pairs of a task are averaged:
    summed, they would grow with the number of tasks while a task's own loss does not, and glue all policies together.
    """
    tasks = len(chances)
    apart = (chances.unsqueeze(0) - chances.unsqueeze(1)).abs() * weights
    return apart.sum() / 2 / max(tasks * (tasks - 1), 1)


def drawn(chances: torch.Tensor, seed: int, draw: int) -> torch.Tensor:
    """(tasks, blocks) of ones and zeros, a one as often as the chances say.

    One random number per block decides for all tasks: each task's policy is as likely as if tasks drew apart, and tasks
    of one mind draw the same, whatever others there are.
    """
    return (torch.rand(chances.shape[1], generator=generator(seed, f"policy {draw}")) < chances).float()
