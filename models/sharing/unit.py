"""UniT: atoms as tokens, a few queries for each task, and one decoder in which all tasks ask at once.

Paper: Hu and Singh, UniT: Multimodal Multitask Learning with a Unified Transformer, ICCV 2021, arXiv 2102.10772. The
encoder tells one vector per atom. In each layer of the decoder the queries of a task look at one another, then at the
atoms of the crystal, then each passes through two linear maps; what a task tells is read from its first query. All
weights but the queries and the read-outs are shared, so a task more costs little, and leaves what others say alone.

Where it differs: atoms have no positions in a row and get no positional encoding, the geometry being the encoder's;
the memory is the encoder's output alone, without a token for the task, so that one pass serves all tasks, where the
published one draws a task for each batch; layers normalise before they attend and not after, which needs no long
warm-up; a task's queries are where its decoding starts, not added to zeros in every layer; the read-out is the house's
decoder; no dropout. Queries of different tasks never see each other. An atom that stands for n equal ones counts n.

With one task it is an encoder whose mean over atoms is replaced by what one task's queries look for in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize, scaled_dot_product_attention

from models.attention import Tiles, attend
from models.batch import Batch
from models.encoders import encoder_named
from models.encoders.cgcnn import mean_over_atoms
from models.recipe import Recipe, RecipeError
from models.sharing.scheme import Scheme, decoders_of, key
from models.sharing.structure import Structure
from models.streams import stream

INNER = 2  # times the width, between the two linear maps; published 2048 / 768


@dataclass(frozen=True)
class UniTOptions:
    """queries: of each task.  layers, width, heads: of the shared decoder; a width of 0 is the recipe's."""

    queries: int = 1
    layers: int = 2
    width: int = 0
    heads: int = 4


class UniT(Scheme):
    """Batch -> (B, T, told). The crystals' vectors are the means over their atoms, before any task asks."""

    OPTIONS = UniTOptions

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        width = self.options.width or recipe.width
        for name in ("queries", "layers", "heads"):
            if getattr(self.options, name) < 1:
                raise RecipeError(f"option {name} must be 1 or more, found {getattr(self.options, name)}")
        if width < 1 or width % self.options.heads:
            raise RecipeError(f"the decoder's width must be a multiple of {self.options.heads} heads, found {width}")
        with stream(recipe.seed, "encoder"):
            self.encoder = encoder_named(recipe.encoder)(recipe.width, recipe.gnn_layers)
        with stream(recipe.seed, "decoder"):
            self.memory = nn.LayerNorm(recipe.width)
            self.layers = nn.ModuleList(
                DecoderLayer(width, recipe.width, self.options.heads, self.options.queries > 1)
                for _ in range(self.options.layers)
            )
            self.norm = nn.LayerNorm(width)
        self.queries = nn.ParameterDict()
        for task in recipe.tasks:
            with stream(recipe.seed, f"{task}/queries"):
                self.queries[key(task)] = nn.Parameter(torch.randn(self.options.queries, width))
        self.decoders = decoders_of(recipe, width)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each task's first query tells, all tasks in one pass."""
        atoms = self.encoder.atoms(batch)
        memory = self.memory(atoms)
        queries = torch.stack([self.queries[key(task)] for task in self.recipe.tasks]).unsqueeze(0)
        tiles = Tiles(batch)
        for layer in self.layers:
            queries = layer(queries, memory, tiles)
        first = self.norm(queries[:, :, 0]).unbind(1)
        told = [decoder(own) for decoder, own in zip(self.decoders.values(), first, strict=True)]
        return torch.stack(told, dim=1), mean_over_atoms(atoms, batch)

    def shared(self) -> list[nn.Parameter]:
        """The encoder's weights and those of the decoder's layers."""
        parts = (self.encoder, self.memory, self.layers, self.norm)
        return [weight for part in parts for weight in part.parameters()]

    @torch.no_grad()
    def structures(self) -> list[Structure]:
        """How alike the tasks' queries are. They begin at random, so that near 0 tells nothing yet."""
        tasks = self.recipe.tasks
        asked = torch.stack([self.queries[key(task)].flatten() for task in tasks])
        alike = normalize(asked, dim=1) @ normalize(asked, dim=1).T
        values = alike.fill_diagonal_(torch.nan).double().cpu().numpy()
        about = "Cosine of the queries of two tasks, which begin at random: 1 where they ask alike."
        return [Structure("likeness of queries", about, tasks, tasks, np.asarray(values))] if len(tasks) > 1 else []


class DecoderLayer(nn.Module):
    """Queries (B, T, Q, width) and memory (N, memory) -> (B, T, Q, width); queries (1, T, Q, width) are everybody's.

    several: whether a task has more than one query; a query alone has no other to look at, and no weights for it.
    """

    def __init__(self, width: int, memory: int, heads: int, several: bool) -> None:
        super().__init__()
        self.heads = heads
        self.among = Among(width, heads) if several else nn.Identity()
        self.norm, self.ask = nn.LayerNorm(width), nn.Linear(width, width)
        self.known, self.mix = nn.Linear(memory, 2 * width), nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, INNER * width), nn.GELU(), nn.Linear(INNER * width, width)
        )

    def forward(self, queries: torch.Tensor, memory: torch.Tensor, tiles: Tiles) -> torch.Tensor:
        """The queries after they have looked at one another and at their crystal's atoms."""
        queries = self.among(queries)
        asked = self.ask(self.norm(queries)).flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        keys, values = self.known(memory).unflatten(-1, (2, self.heads, -1)).unbind(1)
        found = attend(asked, keys, values, tiles).transpose(1, 2).flatten(-2).unflatten(1, queries.shape[1:3])
        queries = queries + self.mix(found)
        return queries + self.think(queries)


class Among(nn.Module):
    """Queries (B, T, Q, width) -> the same after those of one task have looked at one another."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.told, self.mix = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        """Each task by itself: (B, T, heads, Q, C) is what attends."""
        told = self.told(self.norm(queries)).unflatten(-1, (3, self.heads, -1)).transpose(2, 4).unbind(3)
        return queries + self.mix(scaled_dot_product_attention(*told).transpose(2, 3).flatten(-2))
