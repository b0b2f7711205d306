"""Experts: encoders that earlier runs trained on the big properties, mixed for the small ones.

Paper: Chang et al., npj Comput. Mater. 8, 242 (2022). Each run in the recipe's `starts` gives its encoder; but for the
last convolution, which learns on at a lower rate, it stays as it is, its running statistics too. For task t, experts
E_e of crystal x, h heads of logits that depend on no crystal, and a decoder D_t:

    y_t = D_t([v_t1; ..; v_th])      v_ti = sum_e s_tie E_e(x)      s_ti = softmax of the top k of logits_ti
    price = apart * mean over tasks of |S_t S_t' - I|^2,            S_t = (s_t1, .., s_th)

The paper has one task, k = 2, a decoder of two layers between (here `decoder_layers`), apart .01, half the rate for the
last convolution. Where it differs: several tasks share the experts, each with logits of its own. All experts are mixed
until DENSE of the run is done: with equal logits at first, the published top k are arbitrary ones, and an expert that
is not among them never learns its logit. The price draws the heads of a task apart, and each towards few experts; with
one head only the latter (the published code's remark says the contrary).

What is frozen is computed without gradients, in training once for the whole run (frozen.py), and experts that no gate
asks for are not computed at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.batch import Batch
from models.encoders import encoder_named
from models.encoders.cgcnn import gaussians, mean_over_atoms
from models.losses import task_losses
from models.recipe import Recipe, RecipeError
from models.sharing.frozen import Frozen, fits
from models.sharing.scheme import Group, Scheme, Start, decoders_of, key, take
from models.sharing.structure import Structure
from models.streams import stream

DENSE = 0.2  # of a run is done before gates close
SLUG = re.compile(r".+?-(?P<what>[^-]+)-s\d+-[0-9a-f]{8}")  # Recipe.slug


@dataclass(frozen=True)
class ExpertOptions:
    """unfrozen: last convolutions of each expert that learn.  rate: what the learning rate is multiplied by for them.

    top_k: experts a head mixes, 0 for all.  heads: mixtures per task.  apart: weight of the price.
    gate_temperature: what logits are divided by, low for few experts.
    """

    unfrozen: int = 1
    rate: float = 0.5
    top_k: int = 0
    heads: int = 1
    apart: float = 0.01
    gate_temperature: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("unfrozen", 0), ("rate", 0), ("top_k", 0), ("heads", 1), ("apart", 0)):
            if (found := getattr(self, name)) < least:
                raise RecipeError(f"{name} must be {least} or more, found {found}")
        if self.gate_temperature <= 0:
            raise RecipeError(f"gate_temperature must be above 0, found {self.gate_temperature:g}")


class Experts(Scheme):
    """Batch -> (B, T, told). For one task or several; the recipe's `start_rate` 0 freezes experts to the end.

    dense: whether all experts are still mixed. It is kept with the weights, so that what is answered is what was
    validated.
    """

    OPTIONS = ExpertOptions

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        count, layers, told = len(recipe.starts), recipe.gnn_layers, self.options
        if not count:
            raise RecipeError("sharing 'experts' begins with finished runs, found none: name them in starts")
        if recipe.encoder != "cgcnn":
            raise RecipeError(f"sharing 'experts' freezes layers of the encoder 'cgcnn', found {recipe.encoder!r}")
        if told.top_k > count:
            raise RecipeError(f"top_k must be at most the number of experts, {count}, found {told.top_k}")
        if told.unfrozen > layers:
            raise RecipeError(f"unfrozen must be at most gnn_layers, {layers}, found {told.unfrozen}")
        self.rate = told.rate * recipe.start_rate
        self.learning = told.unfrozen if self.rate else 0
        with stream(recipe.seed, "encoder"):  # what it draws is overwritten
            encoder = encoder_named(recipe.encoder)
            self.experts = nn.ModuleList(encoder(recipe.width, layers) for _ in range(count))
        self.experts.requires_grad_(False)
        for layer in self._unfrozen():
            layer.requires_grad_(True)
        self.gates = nn.ParameterDict({key(task): torch.zeros(told.heads, count) for task in recipe.tasks})
        self.decoders = decoders_of(recipe, told.heads * recipe.width)
        self.register_buffer("dense", torch.tensor(True))
        self._frozen: Frozen | None = None

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each decoder tells of its mixture, and the mean of all mixtures."""
        shares = self.shares()
        asked = shares.detach().sum(dim=(0, 1)).nonzero().flatten()
        vectors = torch.stack(self._vectors(batch, asked.tolist()))
        mixed = torch.einsum("the,ebv->tbhv", shares[..., asked].to(vectors.dtype), vectors)
        told = [decoder(of) for decoder, of in zip(self.decoders.values(), mixed.flatten(2), strict=True)]
        return torch.stack(told, dim=1), mixed.mean(dim=(0, 2))

    def losses(
        self, batch: Batch, targets: torch.Tensor, loss: str
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Those of every scheme, and the price of mixtures that are alike; a task that is not present pays none."""
        losses, present = task_losses(self(batch).float(), targets, loss)
        if not self.options.apart:
            return losses, present, None
        shares = self.shares()
        alike = shares @ shares.transpose(1, 2) - torch.eye(self.options.heads, device=shares.device)
        prices = alike.square().sum(dim=(1, 2)) * present
        return losses, present, self.options.apart * prices.sum() / present.sum().clamp(min=1)

    def shares(self) -> torch.Tensor:
        """(T, heads, experts), of sum 1 over the experts."""
        logits = torch.stack(list(self.gates.values())) / self.options.gate_temperature
        if self.options.top_k and not self.dense:
            kept = logits.topk(self.options.top_k).indices
            logits = torch.full_like(logits, -torch.inf).scatter(-1, kept, logits.gather(-1, kept))
        return logits.softmax(dim=-1)

    def shared(self) -> list[nn.Parameter]:
        """The last convolutions of the experts, as far as they learn."""
        return [weight for layer in self._unfrozen() for weight in layer.parameters()]

    def groups(self) -> list[Group]:
        """Decoders; gates, which no decay draws back to equal shares; and what learns of the experts."""
        groups = [Group(list(self.decoders.parameters())), Group(list(self.gates.parameters()), weight_decay=0.0)]
        return [*groups, Group(self.shared(), self.rate)] if self.learning else groups

    def at(self, progress: float) -> None:
        """Gates close when DENSE of the run is done."""
        self.dense.fill_(progress < DENSE)

    def begin(self, starts: Sequence[Start]) -> None:
        """Take the encoder of each."""
        if len(starts) != len(self.experts):
            raise RecipeError(f"the recipe begins with {len(self.experts)} runs, found {len(starts)}")
        for expert, start in zip(self.experts, starts, strict=True):
            take(expert, start, self.recipe)

    @torch.no_grad()
    def meets(self, graphs: object, at: np.ndarray) -> None:
        """Compute what the frozen layers tell of these crystals, if it is little enough to be kept."""
        self.train()
        every = range(len(self.experts))
        if fits(graphs, at, len(every), self.recipe.width):
            self._frozen = Frozen(lambda batch: torch.stack(self._stays(batch, every)), graphs, at, self.dense.device)

    def carried(self) -> list[nn.Parameter]:
        """The experts' weights."""
        return list(self.experts.parameters())

    def train(self, mode: bool = True) -> Experts:
        """Training mode, save for what is frozen: its running statistics stand as its weights do."""
        nn.Module.train(self, mode)
        if mode:
            self.experts.eval()
            for layer in self._unfrozen():
                layer.train()
        return self

    def structures(self) -> list[Structure]:
        """The share of each expert per task, the mean over heads."""
        about = "share of an expert in what a task hears, experts named by what they had learnt"
        shares = self.shares().mean(dim=1).detach().cpu().numpy()
        return [Structure("gates", about, self.recipe.tasks, learnt(self.recipe.starts), shares)]

    def _unfrozen(self) -> list[nn.Module]:
        """The convolutions that learn."""
        first = self.recipe.gnn_layers - self.learning
        return [layer for expert in self.experts for layer in expert.layers[first:]]

    def _vectors(self, batch: Batch, asked: Sequence[int]) -> list[torch.Tensor]:
        """(B, width) of each expert that is asked; what is known of the edges is computed once for all."""
        known = self._frozen.of(batch, asked) if self._frozen else None
        told = self._stays(batch, asked) if known is None else known
        if not self.learning:
            return [mean_over_atoms(atoms, batch) for atoms in told]
        plain = not self.training and torch.is_grad_enabled()  # not known to the fused way
        edges, vectors = None, []
        for number, atoms in zip(asked, told, strict=True):
            expert = self.experts[number]
            if edges is None:
                edges = gaussians(batch.distance, expert.centres) if plain else expert.edges(atoms, batch)
            for layer in expert.layers[len(expert.layers) - self.learning :]:
                atoms = layer(atoms, edges, batch)
            vectors.append(mean_over_atoms(atoms, batch))
        return vectors

    @torch.no_grad()
    def _stays(self, batch: Batch, asked: Sequence[int]) -> list[torch.Tensor]:
        """(N, width) of each expert that is asked, after the layers that do not learn."""
        edges, told = None, []
        for expert in (self.experts[number] for number in asked):
            atoms = expert.embedded(batch)
            if edges is None:
                edges = expert.edges(atoms, batch)
            for layer in expert.layers[: len(expert.layers) - self.learning]:
                atoms = layer(atoms, edges, batch)
            told.append(atoms)
        return told


def learnt(starts: Sequence[str]) -> tuple[str, ...]:
    """What the runs of these slugs had learnt, by name; the slug itself where that would not tell two apart."""
    found = [SLUG.fullmatch(slug) for slug in starts]
    names = [told["what"] if told else slug for told, slug in zip(found, starts, strict=True)]
    twice = {name for name, times in Counter(names).items() if times > 1}
    return tuple(slug if name in twice else name for name, slug in zip(names, starts, strict=True))
