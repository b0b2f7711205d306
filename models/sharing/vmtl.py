"""VMTL: Bayesian features and heads per task, whose priors are what the other tasks know, weighed by learnt weights.

Paper: Shen et al., Variational multi-task learning with Gumbel-softmax priors, arXiv 2111.05323 (2021), for
classification; nothing of its code is here. With x a crystal and v(x) what the shared encoder tells of it, task t is
CGCNN's read-out with Bayesian maps for its last two linear ones:

    z_t(x) ~ N(mu_t(x), s2_t(x))                  features, a Bayesian linear map of softplus(v)
    y_t(x) = w_t . [softplus(z_t(x)), 1]          w_t ~ N(m_t, softplus(r_t)^2), the head

    loss = mean over tasks of  E |y_t - label|  +  eta KL(q(z_t|x) || p(z_t|x))  +  beta KL(q(w_t) || p(w_t)) / labels
    p(z_t|x) = moments of sum_i a_ti q(z_i|x),    p(w_t) = moments of sum_i b_ti q(w_i),    i != t, no gradient into i

a, b: Gumbel-softmax of learnt logits. In the first steps the priors are N(0, 1), as they always are for one task alone.

Regression. The paper takes z_i of inputs of the same class; here there are no classes, and what matches a crystal best
is the crystal itself: task i's features can be asked for every crystal in the batch, labelled or not. The prior then
compares functions, and costs nothing where two agree, whereas the batch's mean (`match` "batch", the same for every
crystal) charges for all that features know. Derivation and what was measured: docs/vmtl.md.

Where it differs else. Tasks begin with the same means: moments are combined number by number, which says something only
if a number means the same in each. Moments are the mixture's: wide where the others disagree, while those of a weighted
sum reward spreading by being narrow. KL counts per label, as in the evidence bound, over labelled rows only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from models.batch import Batch, batches
from models.encoders import encoder_named
from models.heads import as_told
from models.losses import task_losses
from models.recipe import Recipe, RecipeError
from models.sharing.gaussians import BayesianLinear, Gaussian, linear
from models.sharing.scheme import Group, Scheme, key
from models.sharing.structure import Structure
from models.streams import generator, stream


@dataclass(frozen=True)
class Options:
    """samples: of features and heads per crystal and step.

    eta, beta: what a nat of features and of heads costs in the end. In the evidence bound it is the scale of the noise
    under L1 and 1 under `laplace`, whose scale is learnt; far less was better on validation, and pulls less together.
    per: `label`, a head's nats are shared by all labels of an epoch; `batch`, by those of the batch.
    match: `crystal` or `batch`, whose features of another task are the prior.  moments: `mixture` or `sum`.
    plain: share of the run in which priors are N(0, 1).  ramp: in which eta and beta rise from 0.
    hot, cold: temperature of the Gumbel-softmax at the beginning and at the end.
    mixing_rate: of the mixing weights, times the recipe's learning rate.
    """

    samples: int = 1
    eta: float = 1e-4
    beta: float = 1e-4
    per: str = "label"
    match: str = "crystal"
    moments: str = "mixture"
    plain: float = 0.1
    ramp: float = 0.3
    hot: float = 1.0
    cold: float = 0.5
    mixing_rate: float = 3.0


WORDS = {"per": ("label", "batch"), "match": ("crystal", "batch"), "moments": ("mixture", "sum")}
LEAST = {"samples": 1, "eta": 0, "beta": 0, "plain": 0, "ramp": 0, "mixing_rate": 0}


class VariationalMultiTask(Scheme):
    """Batch -> (B, T, told), by the means of features and heads. Samples are drawn where losses are asked for.

    decoder_layers, decoders: layers of a task's read-out; all but the last are linear maps of its own, without priors.
    Widths must be the recipe's. With one task: variational single-task learning under N(0, 1).
    """

    OPTIONS = Options

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        _checked(recipe, self.options)
        width, layers = recipe.width, {task: layers for task, layers, _ in recipe.decoders}
        with stream(recipe.seed, "encoder"):
            self.encoder = encoder_named(recipe.encoder)(width, recipe.gnn_layers)
        self.before, self.features, self.heads = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for task in recipe.tasks:
            # streams of parts, not of tasks: all begin in the same coordinates
            with stream(recipe.seed, "before"):
                steps = (layers.get(task, recipe.decoder_layers) - 1) * [(width, width)]
                between = [part for size in steps for part in (nn.Linear(*size), nn.Softplus())]
                self.before[key(task)] = nn.Sequential(nn.Softplus(), *between)
            with stream(recipe.seed, "features"):
                self.features[key(task)] = BayesianLinear(width, width)
            with stream(recipe.seed, "heads"):
                self.heads[key(task)] = BayesianLinear(width, recipe.told)
            with torch.no_grad():  # one scale for all at first, as in Decoder
                self.heads[key(task)].mean[1:] = 0.0
        tasks = len(recipe.tasks)
        self.mixing = nn.ParameterDict(
            {part: nn.Parameter(torch.zeros(tasks, tasks)) for part in ("features", "heads")}
        )
        self.per_epoch = 1
        self.at(0.0)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What the means tell: nothing is drawn, in training neither."""
        vectors = self.encoder(batch)
        told = linear(softplus(self._features(vectors).mean), self._heads()).mean
        return as_told(told).transpose(0, 1), vectors

    def losses(
        self, batch: Batch, targets: torch.Tensor, loss: str
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Losses are means over samples; the price is eta and beta times the divergences of the tasks present."""
        features, heads = self._features(self.encoder(batch)), self._heads()
        samples, rows = self.options.samples, len(targets)
        inner, outer = self._noise(samples * rows, targets.device)
        hidden = softplus(_repeated(features, samples).at(inner))
        told = as_told(linear(hidden, heads).at(outer)).transpose(0, 1)
        losses, present = task_losses(told, targets.repeat(samples, 1), loss)
        return losses, present, self._price(features, heads, targets)

    def priors(self, features: Gaussian, heads: Gaussian) -> tuple[Gaussian, Gaussian]:
        """Of features (T, B, width) and heads (T, told, width + 1); the first may have one row for all."""
        if len(self.recipe.tasks) == 1 or self.progress < self.options.plain:
            return Gaussian.standard(features), Gaussian.standard(heads)
        mine, theirs = self._weights(features.mean.device)
        known = features.detached() if self.options.match == "crystal" else features.detached().over_rows()
        return known.mixed(mine, self.options.moments), heads.detached().mixed(theirs, self.options.moments)

    def at(self, progress: float) -> None:
        """Costs rise, the temperature falls geometrically; the progress also names the step's random stream."""
        own = self.options
        self.progress = progress
        risen = min(progress / own.ramp, 1.0) if own.ramp else 1.0
        self.eta, self.beta = own.eta * risen, own.beta * risen
        self.temperature = own.hot * (own.cold / own.hot) ** progress

    def turns(self, rows: int) -> list[tuple[str, np.ndarray]]:
        """As ever; noted is how many steps an epoch has, by which labels are counted."""
        self.per_epoch = batches(rows, self.recipe.batch_size)
        return super().turns(rows)

    def groups(self) -> list[Group]:
        """Bayesian weights have priors and no decay; mixing weights have a rate of their own."""
        bayesian = {id(w) for part in (self.features, self.heads) for w in part.parameters()}
        mixing = {id(w) for w in self.mixing.parameters()}
        made = []
        for group in super().groups():
            own = [w for w in group.parameters if id(w) in bayesian]
            weights = [w for w in group.parameters if id(w) in mixing]
            plain = [w for w in group.parameters if id(w) not in bayesian | mixing]
            made += [replace(group, parameters=plain)] if plain else []
            made += [replace(group, parameters=own, weight_decay=0.0)] if own else []
            made += [Group(weights, self.options.mixing_rate, weight_decay=0.0)] if weights else []
        return made

    def structures(self) -> list[Structure]:
        """Whom each task's prior listens to, of features and of heads."""
        tasks = self.recipe.tasks
        if len(tasks) == 1:
            return []
        about = "share of the task in the column in the prior of the {} of the task in the row; each row sums to 1"
        made = []
        for part in self.mixing:
            shares = torch.softmax(self._logits(part), dim=1).detach().cpu().double().numpy()
            np.fill_diagonal(shares, np.nan)
            made.append(Structure(f"mixing of {part}", about.format(part), tasks, tasks, shares))
        return made

    def _features(self, vectors: torch.Tensor) -> Gaussian:
        """(T, B, width)."""
        inputs = torch.stack([before(vectors) for before in self.before.values()])
        return linear(inputs, Gaussian.stacked([layer.posterior for layer in self.features.values()]))

    def _heads(self) -> Gaussian:
        """(T, told, width + 1)."""
        return Gaussian.stacked([layer.posterior for layer in self.heads.values()])

    def _price(self, features: Gaussian, heads: Gaussian, targets: torch.Tensor) -> torch.Tensor:
        """The mean over the tasks present. A row without the task's label costs it nothing."""
        for_features, for_heads = self.priors(features, heads)
        known = torch.isfinite(targets).t()
        labels = known.sum(dim=1)
        of_features = (features.divergence(for_features).sum(dim=2) * known).sum(dim=1) / labels.clamp(min=1)
        epoch = self.per_epoch if self.options.per == "label" else 1
        of_heads = heads.divergence(for_heads).sum(dim=(1, 2)) / (labels * epoch).clamp(min=1)
        present = labels > 0
        return ((self.eta * of_features + self.beta * of_heads) * present).sum() / present.sum().clamp(min=1)

    def _noise(self, rows: int, where: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """(T, rows, width) and (T, rows, told), each task from its own stream of this step."""
        sizes = self.recipe.width, self.recipe.told
        drawn = torch.stack([torch.randn(rows, sum(sizes), generator=own) for own in self._streams("samples")])
        return drawn.to(where).split(sizes, dim=2)

    def _weights(self, where: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """(T, T) of features and of heads: Gumbel-softmax, a pair's noise from the streams of its two tasks."""
        listens, heard = torch.stack([torch.rand(2, 2, generator=own) for own in self._streams("mixing")], dim=2)
        # the sum of two uniform numbers without its integer is uniform, and independent along a row
        uniform = torch.frac(listens.unsqueeze(2) + heard.unsqueeze(1)).clamp(1e-6, 1 - 1e-6)
        noise = -(-uniform.log()).log().to(where)
        logits = torch.stack([self._logits(part) for part in self.mixing])
        mine, theirs = torch.softmax((logits + noise) / self.temperature, dim=2)
        return mine, theirs

    def _streams(self, of: str) -> list[torch.Generator]:
        """One for each task, of this step: whoever else is there draws from another."""
        return [generator(self.recipe.seed, f"{of} of {task} at {self.progress!r}") for task in self.recipe.tasks]

    def _logits(self, part: str) -> torch.Tensor:
        """(T, T), minus infinity of a task and itself."""
        logits = self.mixing[part]
        return logits.masked_fill(torch.eye(len(logits), dtype=torch.bool, device=logits.device), -torch.inf)


def _repeated(rows: Gaussian, times: int) -> Gaussian:
    """(T, B, width) -> (T, times B, width)."""
    return Gaussian(rows.mean.repeat(1, times, 1), rows.variance.repeat(1, times, 1))


def _checked(recipe: Recipe, own: Options) -> None:
    """RecipeError where an option or a decoder is not what it can be."""
    for name, words in WORDS.items():
        if getattr(own, name) not in words:
            raise RecipeError(f"option {name} must be one of {', '.join(words)}, found {getattr(own, name)!r}")
    for name, least in LEAST.items():
        if getattr(own, name) < least:
            raise RecipeError(f"option {name} must be {least} or more, found {getattr(own, name)}")
    if not own.hot >= own.cold > 0:
        raise RecipeError(f"options hot >= cold > 0 are temperatures, found {own.hot} and {own.cold}")
    for task, _, width in recipe.decoders:
        if width != recipe.width:
            raise RecipeError(
                f"sharing 'vmtl' compares tasks feature by feature: decoders must be {recipe.width} wide, as the recipe"
                f" is, found {task} with {width}"
            )
