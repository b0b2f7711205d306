"""fit: one recipe, one set of rows, one trained network. The only training loop of the house."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lake.progress import track
from models.balance import BALANCES
from models.batch import Batch, in_order
from models.checkpoint import save
from models.dataset import TrainingRows
from models.encoders import ENCODERS
from models.evaluate import Store, values
from models.far import reference
from models.losses import LOSSES, task_losses
from models.metrics import mean_absolute_errors, mean_predictor_errors
from models.network import batch_of, device, network, outputs
from models.optimisers import OPTIMISERS, SCHEDULES
from models.recipe import Recipe, RecipeError
from models.run import Run
from models.sampling import row_shares
from models.scale import TRANSFORMS, Scaler
from models.sharing import SHARINGS
from models.sharing.scheme import Start
from models.starts import digest, starts_of
from models.starts import licences as all_licences
from models.state import StateFile
from models.streams import stream
from models.training import Training

AfterEpoch = Callable[[int, float | None], bool]  # epoch from 1, validation loss -> whether training ends here
EVERY = 10.0  # s between two states of a run: what a kill costs at most
# fields of Recipe that are names, and what names there are
NAMES = {
    "encoder": ENCODERS, "sharing": SHARINGS, "balance": BALANCES, "optimiser": OPTIMISERS, "schedule": SCHEDULES,
    "loss": LOSSES, "transform": TRANSFORMS,
}  # fmt: skip


def fit(
    recipe: Recipe,
    rows: TrainingRows,
    graphs: Store,
    folder: Path,
    licences: tuple[str, ...] = (),
    snapshot: str = "",
    after_epoch: AfterEpoch = lambda epoch, loss: False,
    every: float = EVERY,
) -> Run:
    """Train on the rows' training split, keep the state that was best on validation, score it on test.

    licences, snapshot: of the rows, for the books.  after_epoch: may end training early, on the schedule of the whole;
    what was asked before a kill is not asked again.  every: seconds between two states that are kept beside the
    checkpoint; a run that was killed goes on from the last one, and ends as if it had never been killed.
    folder: where the checkpoint goes, and where the runs are that the recipe begins with.
    One process, one thread; the same seed gives the same run on a CPU (on CUDA sums may be taken in another order).
    Raises TaskError or RecipeError before training where a task cannot be learnt or a name is not known.
    """
    _checked(recipe, rows)
    starts = starts_of(recipe, folder)
    data = digest(rows, starts)
    scaler = Scaler.fit(rows.tasks, rows.targets[rows.of("train")], recipe.transform)
    path = Path(folder) / f"{recipe.slug}.safetensors"
    owner = {"recipe": recipe.to_json(), "data": data, "graphs": graphs.version, "torch": torch.__version__}
    kept = StateFile(path.with_suffix(".state"), owner)
    with _one_thread(), stream(recipe.seed, "training"):
        net = network(recipe)
        if starts:
            net.begin([Start(start.recipe, start.weights()) for start in starts])
        net = net.to(device())
        at, train = graphs.rows(rows.frame["structure_hash"]), rows.of("train")
        net.meets(graphs, at[np.concatenate([train, rows.of("validation")])])
        shares = None if recipe.temperature is None else row_shares(rows.targets[train], recipe.temperature)
        training = Training(recipe, net, len(train), shares)
        lessons = _Lessons(graphs, at, torch.from_numpy(scaler.forward(rows.targets)).to(training.where))
        net, seconds = _train(training, lessons, rows, kept, after_epoch, every)
        scores = _scores(net, graphs, at, rows, scaler)
        run = Run(recipe, scores, training.history, path, seconds, data, all_licences(licences, starts), snapshot)
        elements = sorted({*_elements(graphs, at[train]), *(z for start in starts for z in start.elements)})
        known = reference(net, graphs, at[train], at[rows.of("validation")])
        save(run, net, scaler, graphs.version, tuple(elements), known)
    kept.remove()
    return run


def check_names(recipe: Recipe) -> None:
    """RecipeError lists the names there are where the recipe has another."""
    for field, known in NAMES.items():
        if getattr(recipe, field) not in known:
            raise RecipeError(f"{field} must be one of {', '.join(known)}, found {getattr(recipe, field)!r}")


def _checked(recipe: Recipe, rows: TrainingRows) -> None:
    if rows.tasks != recipe.tasks:
        asked, found = ", ".join(recipe.tasks), ", ".join(rows.tasks)
        raise RecipeError(f"rows must be of the recipe's tasks, {asked}; found {found}: ask training_rows for the same")
    check_names(recipe)
    if recipe.patience is not None and not len(rows.of("validation")):
        raise RecipeError("patience needs validation rows, found none: leave patience out")
    rows.checked()


@dataclass(frozen=True, eq=False)
class _Lessons:
    """at: (n,), the rows' graphs.  targets: (n, T), standardised, where the network is."""

    graphs: Store
    at: np.ndarray
    targets: torch.Tensor

    def of(self, part: np.ndarray) -> tuple[Batch, torch.Tensor]:
        """These rows to learn from."""
        return batch_of(self.graphs, self.at[part], self.targets.device), self.targets[part]

    def losses(self, net: nn.Module, part: np.ndarray, loss: str) -> tuple[torch.Tensor, torch.Tensor] | None:
        """(T,) losses on these rows, and whether the task has labels there; None where there are no rows."""
        if not len(part):
            return None
        told = torch.from_numpy(outputs(net, self.graphs, self.at[part])).to(self.targets.device)
        losses, present = task_losses(told, self.targets[part], loss)
        return losses.cpu(), present.cpu()


def _train(
    training: Training, lessons: _Lessons, rows: TrainingRows, kept: StateFile, after_epoch: AfterEpoch, every: float
) -> tuple[nn.Module, float]:
    """Walk the epochs that are left; returns the network in its best state and the seconds of all lives."""
    began, earlier, state = time.perf_counter(), 0.0, kept.read()
    if state is not None:
        training.restore(state)
        earlier = state.numbers["seconds"]
    train, validation, written = rows.of("train"), rows.of("validation"), began
    for _ in track(range(len(training.history), training.epochs), training.recipe.slug):
        for turn, picked in training.left():
            training.step(*lessons.of(train[picked]), turn)
            if time.perf_counter() - written >= every:
                kept.write(training.state().timed(earlier + time.perf_counter() - began))
                written = time.perf_counter()
        loss, each = None, {}
        if told := lessons.losses(training.net, validation, training.recipe.loss):
            losses, present = told
            loss = (losses.sum() / present.sum().clamp(min=1)).item()
            each = {task: losses[t].item() for t, task in enumerate(rows.tasks) if present[t]}
        training.close(loss, each)
        if after_epoch(len(training.history), loss) or training.over:
            break
    return training.finish(), earlier + time.perf_counter() - began


def _elements(graphs: Store, at: np.ndarray) -> tuple[int, ...]:
    """Atomic numbers of these graphs, a part at a time: all of them at once may be gigabytes."""
    parts = (np.unique(graphs.batch(at[part]).numbers) for part in in_order(len(at), 4096))
    return tuple(int(z) for z in np.unique(np.concatenate([*parts])))


def _scores(
    net: nn.Module, graphs: Store, at: np.ndarray, rows: TrainingRows, scaler: Scaler
) -> dict[str, dict[str, float | int | None]]:
    errors = {}
    for split in ("validation", "test"):
        part = rows.of(split)
        errors[split] = mean_absolute_errors(values(net, scaler, graphs, at[part]), rows.targets[part])
    floor = mean_predictor_errors(rows.targets[rows.of("train")], rows.targets[rows.of("test")])
    columns = {f"n_{split}": rows.labels(split).tolist() for split in ("train", "validation", "test")}
    columns |= {"mae_validation": errors["validation"], "mae_test": errors["test"], "mae_mean_predictor": floor}
    return {task: {name: column[t] for name, column in columns.items()} for t, task in enumerate(rows.tasks)}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Inside, torch uses one thread: runs share a machine one per core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
