"""Hard sharing: one encoder for all tasks, one decoder for each.

Paper: Caruana, Machine Learning 28, 41 (1997); for crystals MT-CGCNN, Sanyal et al., arXiv 1811.05660 (2018), with whom
it shares the convolutions and differs in the loss: a task counts by the mean over its labelled rows, so that missing
labels cost nothing and a big task does not swamp a small one.
"""

from __future__ import annotations

import torch

from models.batch import Batch
from models.encoders import encoder_named
from models.recipe import Recipe
from models.sharing.scheme import Scheme, decoders_of
from models.streams import stream


class Hard(Scheme):
    """Batch -> (B, T, told). With one task it is single-task training, weight for weight."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        with stream(recipe.seed, "encoder"):
            self.encoder = encoder_named(recipe.encoder)(recipe.width, recipe.gnn_layers)
        self.decoders = decoders_of(recipe)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each decoder tells of the crystals' vectors."""
        vectors = self.encoder(batch)
        return torch.stack([decoder(vectors) for decoder in self.decoders.values()], dim=1), vectors
