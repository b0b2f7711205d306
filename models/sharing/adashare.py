"""AdaShare: each task decides which layers of one trunk it runs and which it skips.

Paper: Sun et al., AdaShare, NeurIPS 2020, arXiv 1911.12423; built from its description. A block is a convolution, and
where `decoders` says so a hidden layer of the task's decoder; under the policy (p, 1 - p) of a task it is

    x <- p layer(x) + (1 - p) x

Two runs (`models/stages.py`). The search learns the logits of the policies beside the weights, by turns on two halves
of the rows: p is a softmax of logits and Gumbel noise over a temperature that falls. To the loss come the sparsity, a
cross-entropy of the logits towards `skip`, and the sharing, by how much the tasks' chances differ, heavier for lower
layers. At first, in the warm-up, all is shared; then the last blocks come under policy, one more after each few passes.
The second run begins with policies drawn from the logits and with nothing else: new weights, all rows, all epochs.

Where it differs from the published code: a block that is not yet under policy is run, p = 1 exactly (there it is fed
[1, 1] and adds its input); sharing weighs (L - l) / L, as the paper says (there it grows with the depth); policies are
chosen on validation rows (there on test rows). Warm-up and alternation are whole epochs: the policies' half of an epoch
in the warm-up teaches nothing. The optimiser and the schedule are the recipe's.

Norms: weights and biases are the layer's, running statistics the task's (policies.py): no task is normalised by what
came another way, and tasks whose decisions agree up to a layer are computed once up to there. A block that nobody runs
is not computed. A task without labels in a batch is neither, unless it goes with others.

In evaluation the search runs p = softmax(logits / temperature), the middle of what it was trained under. Its weights
count as a run's best only when all blocks are under policy; a run too short for that leaves its last ones, and blocks
never under policy are run by all.
With one task there are no pairs: what is searched is the depth of a single network, under the sparsity. A second run
whose policy runs every block is hard sharing, weight for weight, and with one task single-task training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from models.batch import Batch, batches
from models.encoders import encoder_named
from models.encoders.cgcnn import mean_over_atoms
from models.heads import as_told
from models.losses import task_losses
from models.recipe import Recipe, RecipeError
from models.sharing.policies import drawn, gumbel, sharing_price, sparsity_price, with_paths
from models.sharing.scheme import Group, Scheme, Start, decoders_of, key
from models.sharing.structure import Structure
from models.streams import generator, stream

Decision = float | torch.Tensor  # 1.0 or 0.0 for good, or (2,) what running and skipping count
Path = tuple[list[int], torch.Tensor]  # tasks that came the same way, and the atoms as they have them
RUN = 1.0


@dataclass(frozen=True)
class Policies:
    """What the scheme asks. As published, the prices those for the most tasks: higher ones soon skip everything.

    sparsity, sharing: what the two prices are multiplied by.  warm_up: part of the run in which all is shared.
    passes_per_block: policy passes after which one more block comes under policy.
    tau: the first temperature.  cooling: what it is multiplied by after each policy pass.
    policy_rate: times the recipe's learning rate, for the logits.  policy_decay: their weight decay.
    decoders: 1 where hidden layers of decoders that are as wide as their input have policies, too.
    draw: which of the policies drawn the second run takes.
    """

    sparsity: float = 0.001
    sharing: float = 0.005
    warm_up: float = 0.2
    passes_per_block: int = 3
    tau: float = 5.0
    cooling: float = 0.965
    policy_rate: float = 3.0
    policy_decay: float = 5e-4
    decoders: int = 0
    draw: int = 0


class AdaShare(Scheme):
    """Batch -> (B, T, told). heard: the crystals' vectors are the mean over the tasks'.

    under_policy: (), how many of the last blocks are.  temperature: ().  policy: (T, blocks), drawn, in a second run.
    """

    OPTIONS = Policies

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        _checked(recipe, self.options)
        with stream(recipe.seed, "encoder"):
            self.encoder = with_paths(encoder_named(recipe.encoder)(recipe.width, recipe.gnn_layers), len(recipe.tasks))
        self.decoders = decoders_of(recipe)
        self.free = _free(recipe, self.options)
        tasks, self.blocks = self.free.shape
        self.epochs = recipe.epochs
        if recipe.starts:
            self.register_buffer("policy", torch.ones(tasks, self.blocks))
        else:
            self.policies = nn.ParameterDict({key(t): nn.Parameter(torch.zeros(self.blocks, 2)) for t in recipe.tasks})
            self.register_buffer("under_policy", torch.tensor(0))
            self.register_buffer("temperature", torch.tensor(self.options.tau))
            self.noise = torch.zeros(tasks, self.blocks, 2)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What each decoder tells of the vectors at the end of its task's path, and their mean."""
        return self._heard(batch, range(len(self.recipe.tasks)))

    def losses(
        self, batch: Batch, targets: torch.Tensor, loss: str
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Losses of the tasks present, whose paths alone are walked; in the search the price of their policies."""
        present = torch.isfinite(targets).any(dim=0).nonzero().flatten().tolist()
        told, _ = self._heard(batch, present or range(len(self.recipe.tasks)))
        return *task_losses(told.float(), targets, loss), self._price(present)

    def shared(self) -> list[nn.Parameter]:
        """The trunk's weights, without layers that no task runs."""
        if not self.recipe.starts:
            return super().shared()
        run = self.policy.any(dim=0).tolist()
        idle = {
            id(weight)
            for layer, some in zip(self.encoder.layers, run, strict=False)
            if not some
            for weight in layer.parameters()
        }
        return [weight for weight in super().shared() if id(weight) not in idle]

    def groups(self) -> list[Group]:
        """In the search the weights and the policies, each in its turn."""
        if self.recipe.starts:
            return [Group(list(self.parameters()))]
        policies = list(self.policies.parameters())
        known = {id(logits) for logits in policies}
        weights = [weight for weight in self.parameters() if id(weight) not in known]
        return [
            Group(weights, turn="weights"),
            Group(policies, self.options.policy_rate, self.options.policy_decay, "policy"),
        ]

    def turns(self, rows: int) -> list[tuple[str, np.ndarray]]:
        """In the search two halves of the rows, one for the weights and one for the policies."""
        if self.recipe.starts or rows < 2:
            return super().turns(rows)
        order = torch.randperm(rows, generator=generator(self.recipe.seed, "halves")).numpy()
        halves = [np.sort(half) for half in np.array_split(order, 2)]
        if self.recipe.steps is not None:
            self.epochs = -(-self.recipe.steps // sum(batches(len(half), self.recipe.batch_size) for half in halves))
        return [*zip(("weights", "policy"), halves, strict=True)]

    def at(self, progress: float) -> None:
        """In the search: how many blocks are under policy, how warm, and the noise of this step."""
        if self.recipe.starts:
            return
        asked = self.options
        epoch = min(int(progress * self.epochs + 1e-6), self.epochs - 1)
        passes = epoch - round(asked.warm_up * self.epochs)
        if passes < 0:
            return
        self.under_policy.fill_(min(passes // asked.passes_per_block + 1, self.blocks))
        self.temperature.fill_(asked.tau * asked.cooling**passes)
        shape = self.noise.shape[1:]
        noise = [gumbel(shape, self.recipe.seed, f"{task} at {progress!r}") for task in self.recipe.tasks]
        self.noise = torch.stack(noise).to(self.temperature.device)

    @property
    def settled(self) -> bool:
        """Whether all blocks are under policy; the first always runs."""
        return bool(self.recipe.starts) or int(self.under_policy) >= self.blocks - 1

    def begin(self, starts: Sequence[Start]) -> None:
        """Draw policies from the logits that a search of the same tasks and layers learnt; take nothing else."""
        if len(starts) != 1:
            raise RecipeError(f"sharing 'adashare' begins with one run, its search, found {len(starts)}")
        start, mine = starts[0], self.recipe
        for field in ("sharing", "tasks", "gnn_layers", "decoder_layers", "decoders"):
            if getattr(mine, field) != getattr(start.recipe, field):
                wanted, found = getattr(start.recipe, field), getattr(mine, field)
                raise RecipeError(f"{field} must be that of the search begun with, {wanted!r}, found {found!r}")
        if start.recipe.starts or dict(start.recipe.options).get("decoders", 0) != self.options.decoders:
            raise RecipeError(
                f"adashare begins with a search under the same option decoders, found {start.recipe.slug}"
            )
        rows = []
        for task, free in zip(mine.tasks, self.free, strict=True):
            prefix = f"networks.{key(task)}." if start.recipe.criterion == "each" else ""
            logits, last = start.weights[f"{prefix}policies.{key(task)}"], start.weights[f"{prefix}under_policy"]
            rows.append(_chances(logits, free & _last(self.blocks, int(last))))
        self.policy.copy_(drawn(torch.stack(rows), mine.seed, self.options.draw))

    def carried(self) -> list[nn.Parameter]:
        """Nothing: a second run takes decisions, no weights."""
        return []

    def structures(self) -> list[Structure]:
        """Tasks by blocks: the chance that a task runs it, in the search; in the second run whether it does."""
        if self.recipe.starts:
            values, about = self.policy, "1 where the task runs the layer, 0 where it skips it"
        else:
            values, about = self.chances(), "chance that the task runs the layer rather than skip it"
        values = values.detach().double().cpu().numpy()
        layers = self.recipe.gnn_layers
        for task, decoder in enumerate(self.decoders.values()):
            values[task, layers + len(decoder.steps) // 2 - 1 :] = np.nan
        columns = [f"convolution {n + 1}" for n in range(layers)]
        columns += [f"decoder {n + 1}" for n in range(self.blocks - layers)]
        return [Structure("policy", about, self.recipe.tasks, tuple(columns), values)]

    @torch.no_grad()
    def chances(self) -> torch.Tensor:
        """(T, blocks): of the search, that a task runs a block; 1 where it was never asked."""
        asked = self._asked()
        return torch.stack([_chances(logits, of) for logits, of in zip(self.policies.values(), asked, strict=True)])

    def _asked(self) -> torch.Tensor:
        """(T, blocks) bool: what is under policy now."""
        return self.free & _last(self.blocks, int(self.under_policy))

    def _decisions(self) -> list[list[Decision]]:
        """For each task and block."""
        if self.recipe.starts:
            return self.policy.tolist()
        decisions = []
        for task, (logits, asked) in enumerate(zip(self.policies.values(), self._asked().tolist(), strict=True)):
            noisy = logits + self.noise[task].to(logits.device) if self.training else logits
            counts = (noisy / self.temperature).softmax(dim=-1).unbind() if any(asked) else [RUN] * self.blocks
            decisions.append([count if under else RUN for count, under in zip(counts, asked, strict=True)])
        return decisions

    def _heard(self, batch: Batch, wanted: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, told), zeros for tasks that are not wanted, and the mean of the wanted tasks' vectors."""
        decisions, layers, told, total = self._decisions(), self.recipe.gnn_layers, {}, 0.0
        for tasks, atoms in self._paths(batch, decisions, set(wanted)):
            vectors = mean_over_atoms(atoms, batch)
            here = [task for task in tasks if task in wanted]
            told |= {task: self._decoded(task, vectors, decisions[task][layers:]) for task in here}
            total = total + vectors * (len(here) / len(wanted))
        nothing = torch.zeros(len(batch.counts), self.recipe.told, device=batch.counts.device)
        return torch.stack([told.get(task, nothing) for task in range(len(self.recipe.tasks))], dim=1), total

    def _paths(self, batch: Batch, decisions: list[list[Decision]], wanted: set[int]) -> list[Path]:
        """The paths that wanted tasks walk, to their ends; what is common to several is walked once."""
        atoms = self.encoder.embedded(batch)
        edges = self.encoder.edges(atoms, batch)
        paths: list[Path] = [(list(range(len(decisions))), atoms)]
        for block, layer in enumerate(self.encoder.layers):
            forks: list[Path] = []
            for tasks, atoms in paths:
                decided = {task: decisions[task][block] for task in tasks}
                running = [task for task in tasks if not _skips(decided[task])]
                forks.append(([task for task in tasks if task not in running], atoms))
                if wanted.isdisjoint(running):
                    continue
                with layer.norm_edges.along(running), layer.norm_atoms.along(running):
                    after = layer(atoms, edges, batch)
                straight = [task for task in running if isinstance(decided[task], float)]
                forks.append((straight, after))
                for task in wanted.intersection(running).difference(straight):
                    run, skip = decided[task]
                    forks.append(([task], run * after + skip * atoms))
            paths = [(tasks, atoms) for tasks, atoms in forks if not wanted.isdisjoint(tasks)]
        return paths

    def _decoded(self, task: int, vectors: torch.Tensor, decisions: list[Decision]) -> torch.Tensor:
        """What a task's decoder tells, its hidden layers as decided."""
        decoder = self.decoders[key(self.recipe.tasks[task])]
        first, *hidden, last = decoder.steps
        vectors = first(vectors)
        decisions = decisions or [RUN] * (len(hidden) // 2)
        for linear, bend, decided in zip(hidden[::2], hidden[1::2], decisions, strict=False):
            if isinstance(decided, float):
                vectors = bend(linear(vectors)) if decided else vectors
            else:
                vectors = decided[0] * bend(linear(vectors)) + decided[1] * vectors
        return as_told(last(vectors))

    def _price(self, present: Sequence[int]) -> torch.Tensor | None:
        """Sparsity and sharing of the present tasks' policies, over blocks under policy; None where there are none."""
        if self.recipe.starts or not present or not int(self.under_policy):
            return None
        asked, logits, trunk = self._asked(), [*self.policies.values()], self.recipe.gnn_layers
        price = self.options.sparsity * sparsity_price([logits[task][asked[task]] for task in present])
        chances = torch.stack([logits[task][:trunk].softmax(dim=-1)[:, 0] for task in present])
        weights = torch.arange(trunk, 0, -1) / trunk * asked[present[0], :trunk]
        return price + self.options.sharing * sharing_price(chances, weights.to(chances.device))


def _checked(recipe: Recipe, asked: Policies) -> None:
    """RecipeError where there is nothing to decide, or it cannot be decided so."""
    if recipe.encoder != "cgcnn":
        raise RecipeError(f"sharing 'adashare' skips layers of the encoder 'cgcnn', found {recipe.encoder!r}")
    if recipe.gnn_layers < 2:
        raise RecipeError("sharing 'adashare' needs gnn_layers 2 or more, the first of which always runs, found 1")
    if recipe.starts and recipe.start_rate != 1.0:
        raise RecipeError(f"sharing 'adashare' takes no weights: start_rate must be 1, found {recipe.start_rate:g}")
    for name, low in (("passes_per_block", 1), ("tau", 1e-3), ("cooling", 1e-3), ("sparsity", 0), ("sharing", 0)):
        if getattr(asked, name) < low:
            raise RecipeError(f"option {name} must be {low:g} or more, found {getattr(asked, name):g}")
    if not 0 <= asked.warm_up < 1:
        raise RecipeError(f"option warm_up must be 0 or more and below 1, found {asked.warm_up:g}")


def _free(recipe: Recipe, asked: Policies) -> torch.Tensor:
    """(T, blocks) bool: what a policy may decide: convolutions but the first, layers as wide as what they are told."""
    rows = []
    own = {task: (layers, hidden) for task, layers, hidden in recipe.decoders}
    for task in recipe.tasks:
        layers, hidden = own.get(task, (recipe.decoder_layers, recipe.width))
        sizes = [recipe.width, *[hidden] * layers] if asked.decoders else []
        rows.append([False, *[True] * (recipe.gnn_layers - 1), *(a == b for a, b in pairwise(sizes))])
    longest = max(map(len, rows))
    return torch.tensor([row + [False] * (longest - len(row)) for row in rows])


def _skips(decided: Decision) -> bool:
    return isinstance(decided, float) and not decided


def _last(blocks: int, count: int) -> torch.Tensor:
    """(blocks,) bool: the last ones."""
    return torch.arange(blocks) >= blocks - count


def _chances(logits: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """(blocks,) chance that a block is run; 1 where nobody asked."""
    return torch.where(asked.to(logits.device), logits.softmax(dim=-1)[:, 0], 1.0)
