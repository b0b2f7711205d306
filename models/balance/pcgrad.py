"""PCGrad: gradient surgery, each task's gradient loses what points against another's.

Paper: Yu et al., NeurIPS (2020). Others are met in random order, drawn from torch's generator, whose state is in the
state of a run. torchjd's weights over the number of tasks present: without conflict it is the mean, not the sum.
"""

from __future__ import annotations

import torch
from torchjd.aggregation import PCGradWeighting

from models.balance.by_gradients import ByGradients


class PCGrad(ByGradients):
    """torchjd's, as a mean."""

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """Projections in random order."""
        return PCGradWeighting()(gramian) / len(gramian)
