"""What balances have in common that look at gradients: the Jacobian of the tasks present over the shared weights.

It costs one backward pass of the shared weights for each task present, one after the other: the kernels of
`models/encoders/exchange.py` know no vmap, by which torchjd would take them together.
"""

from __future__ import annotations

import torch
from torch import nn
from torchjd.autojac import jac

from models.balance.balance import Balance, mean
from models.recipe import Recipe


class ByGradients(Balance):
    """A subclass says what weights the tasks' gradients have, from their inner products.

    Weights of the network that are not shared (`Scheme.shared`) learn as under `equal`.
    """

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        super().__init__(recipe, network)
        self._shared = [weight for weight in network.shared() if weight.requires_grad]
        shared = {id(weight) for weight in self._shared}
        self._own = [w for w in network.parameters() if w.requires_grad and id(w) not in shared]

    def weights(self, gramian: torch.Tensor) -> torch.Tensor:
        """(K,) from inner products (K, K), float64 on the CPU, whose diagonal has the mean 1; K is 2 or more."""
        raise NotImplementedError

    def backward(self, losses: torch.Tensor, present: torch.Tensor, price: torch.Tensor | None) -> torch.Tensor:
        """A backward pass for each task present; one for the weights that are not shared, one for the price."""
        at, plain = present.nonzero().squeeze(1), mean(losses, present)
        if not len(at) or not self._shared:
            (plain if price is None else plain + price).backward()
            return plain.detach()
        if price is not None and price.requires_grad:
            price.backward(retain_graph=True)
        if self._own:
            plain.backward(inputs=self._own, retain_graph=True)
        jacobians = jac(losses[at], self._shared, parallel_chunk_size=1)
        weights = self._weights(torch.cat([rows.reshape(len(at), -1) for rows in jacobians], dim=1))
        for weight, rows in zip(self._shared, jacobians, strict=True):
            gradient = torch.tensordot(weights, rows, dims=1)
            weight.grad = gradient if weight.grad is None else weight.grad + gradient
        return plain.detach()

    def _weights(self, matrix: torch.Tensor) -> torch.Tensor:
        """Those of the rows of the Jacobian (K, P). A task that does not pull at all has no say.

        Those of the mean where fewer than two pull, or gradients are not finite: a training that diverges must show it.
        """
        gramian = (matrix.double() @ matrix.double().T).cpu()
        pull = gramian.diagonal() > 0
        weights = torch.full((len(matrix),), 1 / len(matrix), dtype=torch.float64)
        if pull.sum() > 1 and gramian.isfinite().all():
            inner = gramian[pull][:, pull]
            weights[pull] = self.weights(inner / inner.diagonal().mean()) * (pull.sum() / len(matrix))
        return weights.to(matrix)
