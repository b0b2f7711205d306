"""Far: how far a crystal is from those that a model was trained on, in the space of the model's own crystal vectors.

Distance: the mean over the NEAREST training crystals, of a sample of them, each column of the vectors in units of its
deviation over the sample. Far begins where it exceeds what all but one in a hundred validation crystals have, which
were drawn like those that will be asked for. No torch at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from lake.graphs.gathered import GatheredGraphs
    from lake.graphs.shards import GraphStore

NEAREST = 5
SAMPLE = 2000  # training crystals that a checkpoint carries: 256 kB at width 64
JUDGES = 1000  # validation crystals that say what is usual
USUAL = 0.99  # share of them that is not far
PREFIX = "reference."  # of the tensors in a checkpoint


@dataclass(frozen=True, eq=False)
class Reference:
    """What a model remembers of its training crystals.

    vectors: (R, width) float16, less centre, in units of scale.  centre, scale: (width,) float32.
    reach: distance where far begins.
    """

    vectors: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    reach: float

    @classmethod
    def of(cls, training: np.ndarray, validation: np.ndarray) -> Reference:
        """From vectors (n, width) of training and validation crystals; without validation ones nothing is far."""
        centre = training.mean(axis=0, dtype=np.float32)
        # a column that is the same in all training crystals counts, but not without bound
        scale = np.maximum(training.std(axis=0), 1e-3 * np.abs(training).max(initial=1e-3)).astype(np.float32)
        kept = cls(((training - centre) / scale).astype(np.float16), centre, scale, 1.0)
        reach = float(np.quantile(kept.distances(validation), USUAL)) if len(validation) else np.inf
        return replace(kept, reach=max(reach, 1e-6))

    def distances(self, vectors: np.ndarray) -> np.ndarray:
        """(n,) float32 distances of these vectors (n, width) in units of the reach: above one is far."""
        asked, known = (vectors - self.centre) / self.scale, self.vectors.astype(np.float32)
        squares = (asked**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * asked @ known.T
        count = min(NEAREST, len(known))
        nearest = np.partition(squares, count - 1, axis=1)[:, :count]
        return np.sqrt(np.maximum(nearest, 0)).mean(axis=1) / self.reach

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays by the names that they have in a checkpoint."""
        return {
            f"{PREFIX}vectors": self.vectors,
            f"{PREFIX}centre": self.centre,
            f"{PREFIX}scale": self.scale,
            f"{PREFIX}reach": np.array([self.reach], dtype=np.float64),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray]) -> Reference | None:
        """What `tensors` gave, or None where they are not there."""
        if f"{PREFIX}vectors" not in tensors:
            return None
        vectors, centre, scale, reach = (tensors[PREFIX + name] for name in ("vectors", "centre", "scale", "reach"))
        return cls(vectors, centre, scale, float(reach[0]))


def reference(
    net: nn.Module, graphs: GraphStore | GatheredGraphs, training: np.ndarray, validation: np.ndarray
) -> Reference:
    """The reference of a trained network. training, validation: rows of the graphs; evenly spaced ones count."""
    from models.network import vectors

    return Reference.of(
        vectors(net, graphs, _spaced(training, SAMPLE)), vectors(net, graphs, _spaced(validation, JUDGES))
    )


def _spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows; those of a lake stand in the order of their ids, which is no order of chemistry."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows)), dtype=np.int64)] if len(rows) else rows
