"""Gaussians of independent numbers: what Bayesian layers hold and tell, their distances, and their mixtures.

What belongs here: closed forms. Which of them are priors of which, and how much that counts: vmtl.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import softplus

SPREAD = 0.1  # of a new weight, in the units in which its first mean is drawn: 1 / sqrt(inputs)
SMALLEST_VARIANCE = 1e-8  # of a mixture: below it differences of squares are rounding


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Independent numbers.  mean, variance: any one shape."""

    mean: torch.Tensor
    variance: torch.Tensor

    @classmethod
    def standard(cls, like: Gaussian) -> Gaussian:
        """N(0, 1), as many numbers."""
        return cls(torch.zeros_like(like.mean), torch.ones_like(like.variance))

    @classmethod
    def stacked(cls, parts: Sequence[Gaussian]) -> Gaussian:
        """Several of one shape, along a new first dimension."""
        return cls(torch.stack([part.mean for part in parts]), torch.stack([part.variance for part in parts]))

    def detached(self) -> Gaussian:
        """The same, with no way back for gradients."""
        return Gaussian(self.mean.detach(), self.variance.detach())

    def at(self, noise: torch.Tensor) -> torch.Tensor:
        """mean + deviation x noise."""
        return self.mean + self.variance.sqrt() * noise

    def divergence(self, prior: Gaussian) -> torch.Tensor:
        """KL(self || prior) in nats, number by number, in the shape of the mean."""
        ratio = self.variance / prior.variance
        return 0.5 * ((self.mean - prior.mean).square() / prior.variance + ratio - 1 - ratio.log())

    def mixed(self, weights: torch.Tensor, moments: str = "mixture") -> Gaussian:
        """For each row of weights (R, T), one Gaussian out of the T along the first dimension: (R, ...).

        moments: `mixture`, those of the mixture of the T, which is wide where they disagree; `sum`, those of the
        weighted sum of T independent numbers, which is narrower than any of them.
        """
        combined = _weighted(weights, self.mean)
        if moments == "sum":
            return Gaussian(combined, _weighted(weights.square(), self.variance))
        second = _weighted(weights, self.variance + self.mean.square())
        return Gaussian(combined, (second - combined.square()).clamp(min=SMALLEST_VARIANCE))

    def over_rows(self) -> Gaussian:
        """(T, B, ...) -> (T, 1, ...): the moments of the mixture of all B rows."""
        mean = self.mean.mean(dim=1, keepdim=True)
        return Gaussian(mean, (self.variance + (self.mean - mean).square()).mean(dim=1, keepdim=True))


class BayesianLinear(nn.Module):
    """The weights of a linear map, each N(mean, softplus(rho)^2); the last column meets a constant one.

    mean, rho: (outputs, inputs + 1). The means are drawn as those of nn.Linear are.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        plain = nn.Linear(inputs, outputs)
        self.mean = nn.Parameter(torch.cat([plain.weight.detach(), plain.bias.detach().unsqueeze(1)], dim=1))
        deviation = torch.full_like(self.mean, SPREAD * inputs**-0.5)
        self.rho = nn.Parameter(deviation.expm1().log())

    @property
    def posterior(self) -> Gaussian:
        """(outputs, inputs + 1)."""
        return Gaussian(self.mean, softplus(self.rho).square())


def linear(rows: torch.Tensor, weights: Gaussian) -> Gaussian:
    """What T Bayesian linear maps make of rows (T, R, inputs): (T, R, outputs).

    weights: (T, outputs, inputs + 1). Sampling what comes out instead of the weights is the same for each row, and its
    gradients scatter less (Kingma et al., arXiv 1506.02557, 2015).
    """
    mean, variance = (part.transpose(1, 2) for part in (weights.mean, weights.variance))
    told = torch.baddbmm(mean[:, -1:], rows, mean[:, :-1])
    spread = torch.baddbmm(variance[:, -1:], rows.square(), variance[:, :-1])
    return Gaussian(told.float(), spread.float())


def _weighted(weights: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """(R, T) and (T, ...) -> (R, ...). In full precision: variances are what is left of sums of squares."""
    with torch.autocast(parts.device.type, enabled=False):
        return (weights.float() @ parts.float().flatten(1)).unflatten(1, parts.shape[1:])
