"""MMoE, multi-gate mixture of experts: experts that all tasks share, and for each task a gate that weighs them.

Paper: Ma et al., KDD 2018, "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts". For
task t, input x, experts f_e, gates softmax(W_t x), towers h_t:

    y_t = h_t(sum_e g_te(x) f_e(x))        g_t(x) = softmax(W_t x + b_t)

There the input is a list of features, with an embedding below that all experts share. For a crystal the encoder is that
embedding, so by default x is its vector and an expert a layer on it: light, one pass of the encoder whatever the
number of experts. `expert` = `encoder` is the letter of the paper instead: each expert reads the graph itself, and the
gate reads what can be read without learning, the mean of the atoms' features. It costs as many passes as experts.

One task alone is a mixture of experts with one gate; one expert alone is hard sharing with a layer more.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import softplus

from models.batch import Batch
from models.elements import element_table
from models.encoders import encoder_named
from models.encoders.cgcnn import mean_over_atoms
from models.losses import task_losses
from models.recipe import Recipe, RecipeError
from models.sharing.scheme import Scheme, decoders_of, key
from models.sharing.structure import Structure
from models.streams import stream

KINDS = ("layer", "encoder")
FADE = 0.99  # a step what gates said before counts so much less: what is shown is of about the last hundred steps


@dataclass(frozen=True)
class MixtureOptions:
    """experts: how many.  expert: what one is, a `layer` on the vector of one encoder, or an `encoder` of its own."""

    experts: int = 4
    expert: str = "layer"

    def __post_init__(self) -> None:
        if self.experts < 1:
            raise RecipeError(f"experts must be 1 or more, found {self.experts}")
        if self.expert not in KINDS:
            raise RecipeError(f"expert must be one of {', '.join(KINDS)}, found {self.expert!r}")


class MixtureOfExperts(Scheme):
    """Batch -> (B, T, told).

    gate_sums: (T, E), gate_rows: (T,), of the gates on the labelled rows of late steps: their mean is what is shown.
    """

    OPTIONS = MixtureOptions

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        encoder, count = encoder_named(recipe.encoder), self.options.experts
        if self.options.expert == "encoder":
            if recipe.starts:
                raise RecipeError("experts that are encoders would begin alike: leave starts out, or try expert layer")
            self.register_buffer("elements", torch.tensor(element_table()))
            asked = self.elements.shape[1]
        else:
            with stream(recipe.seed, "encoder"):
                self.encoder = encoder(recipe.width, recipe.gnn_layers)
            asked = recipe.width
        self.experts, self.gates = nn.ModuleList(), nn.ModuleDict()
        for number in range(count):
            with stream(recipe.seed, f"expert {number}"):
                layer = self.options.expert == "layer"
                new = nn.Linear(asked, recipe.width) if layer else encoder(recipe.width, recipe.gnn_layers)
                self.experts.append(new)
        for task in recipe.tasks:
            with stream(recipe.seed, f"gate {task}"):
                self.gates[key(task)] = nn.Linear(asked, count)
        self.decoders = decoders_of(recipe)
        self.register_buffer("gate_sums", torch.zeros(len(recipe.tasks), count))
        self.register_buffer("gate_rows", torch.zeros(len(recipe.tasks)))

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each decoder tells of its mixture; the encoder's vectors, or those of all encoders side by side."""
        return self._weighed(batch)[:2]

    def losses(
        self, batch: Batch, targets: torch.Tensor, loss: str
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Those of every scheme; on the way it is kept what the gates said of labelled rows."""
        told, _, gates = self._weighed(batch)
        if self.training:
            self._watch(gates.detach().float(), torch.isfinite(targets).float())
        return *task_losses(told.float(), targets, loss), None

    def shared(self) -> list[nn.Parameter]:
        """The encoder's weights, and the experts'."""
        encoder = [] if self.options.expert == "encoder" else super().shared()
        return [*encoder, *self.experts.parameters()]

    def structures(self) -> list[Structure]:
        """The gates' mean over the labelled rows that were learnt from last."""
        means = (self.gate_sums / self.gate_rows.unsqueeze(1)).cpu().numpy()  # no row yet: 0 / 0, which is NaN
        about = "share of an expert in what a task hears, the mean over its labelled crystals"
        columns = tuple(f"expert {number + 1}" for number in range(self.options.experts))
        return [Structure("gates", about, self.recipe.tasks, columns, means)]

    def _weighed(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(B, T, told), vectors (B, V), gates (B, T, E)."""
        if self.options.expert == "encoder":
            asked = mean_over_atoms(self.elements[batch.numbers], batch)
            said = torch.stack([expert(batch) for expert in self.experts], dim=1)
            vectors = said.flatten(1)
        else:
            asked = vectors = self.encoder(batch)
            said = softplus(torch.stack([expert(vectors) for expert in self.experts], dim=1))
        gates = torch.stack([gate(asked) for gate in self.gates.values()], dim=1).softmax(dim=-1)
        mixed = (gates @ said).unbind(dim=1)
        told = [decoder(vector) for decoder, vector in zip(self.decoders.values(), mixed, strict=True)]
        return torch.stack(told, dim=1), vectors, gates

    @torch.no_grad()
    def _watch(self, gates: torch.Tensor, known: torch.Tensor) -> None:
        """Keep what the gates (B, T, E) said where labels are known, (B, T)."""
        self.gate_sums.mul_(FADE).add_(torch.einsum("bt,bte->te", known, gates))
        self.gate_rows.mul_(FADE).add_(known.sum(dim=0))
