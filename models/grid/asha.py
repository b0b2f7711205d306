"""ASHA: all sizes begin, and at each rung only the best third of those that came so far goes on (optuna).

Asynchronous successive halving, Li et al., MLSys 2020, arXiv:1810.05934, as optuna has it: a run is stopped, never
paused. Every run is on the learning rate's schedule of a whole run, so that one which comes to its end is the very run
of the full grid, and what is compared at a rung is the validation loss of equal epochs. Who is stopped depends on who
came before: the order is drawn once, and with several processes it depends on their speed, too.

The ledger keeps what the rungs saw. Optuna's own storage lives as long as one call, and is filled from the ledger.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from models.grid.full import COMMAND, FIRST, How, lines_of
from models.grid.ground import Ground
from models.grid.sizes import DECODER_LAYERS, GNN_LAYERS, SIZES, WIDTHS, Size, size_of
from models.ledger import FOLDER, Ledger
from models.pool import spread
from models.recipe import Recipe
from models.run import Run

if TYPE_CHECKING:
    import optuna

ONE_IN = 3  # so many of those at a rung go on: one in three
STUDY = "grid"
SPACE = {"gnn_layers": GNN_LAYERS, "decoder_layers": DECODER_LAYERS, "width": WIDTHS}


class Trial(NamedTuple):
    """A run of ASHA. rungs: validation loss at each rung that it came to. stopped: whether it was sent home there."""

    run: Run
    rungs: list[float]
    stopped: bool


def asha_ledger(folder: Path = FOLDER) -> Ledger:
    """The ledger of this mode: `rungs` are validation losses, spaces between them."""
    return Ledger.of("grid_asha", folder, state=pl.String, rungs=pl.String)


def rungs(epochs: int) -> list[int]:
    """Epochs at which runs are compared: a tenth of the schedule, then three times as many, up to its half."""
    first = max(1, epochs // 10)
    return [first * ONE_IN**k for k in range(20) if first * ONE_IN**k <= epochs / 2]


def train_asha(grounds: Sequence[Ground], ledger: Ledger, how: How, sizes: Sequence[Size] = SIZES) -> None:
    """Train what the ledger lacks, property by property, since a rung compares runs of one property."""
    for ground in grounds:
        _train(ground, ledger, how, sizes)


def waiting(ground: Ground, ledger: Ledger, sizes: Sequence[Size] = SIZES) -> list[Size]:
    """The sizes that no line tells of, in the order in which they begin."""
    known = set(lines_of(ground, ledger)["recipe"])
    order = random.Random(FIRST).sample(list(sizes), len(sizes))
    return [size for size in order if ground.recipe(size, FIRST).digest not in known]


def _train(ground: Ground, ledger: Ledger, how: How, sizes: Sequence[Size]) -> None:
    from optuna.trial import TrialState

    todo, came = waiting(ground, ledger, sizes), 0

    def keep(trial: Trial) -> None:
        nonlocal came
        came += 1
        run, state = trial.run, "stopped" if trial.stopped else "finished"
        told = {"state": state, "rungs": " ".join(f"{loss:.6g}" for loss in trial.rungs)}
        ledger.add(run, ground.graphs, f"{COMMAND} --mode asha --property {ground.name}", **told)
        how.tell(run, ground.graphs)
        where = f"{state} after {len(run.history)} epochs"
        how.say(f"{ground.name} {size_of(run.recipe)}: {where}; {came} of {len(todo)} runs")

    with tempfile.TemporaryDirectory(prefix="crystal-lake-asha-") as folder:
        journal = Path(folder) / "journal.log"
        study = _study(journal, ground.recipe(SIZES[0]).epochs)
        first = {ground.recipe(size, FIRST).digest for size in sizes}
        for line in lines_of(ground, ledger).filter(pl.col("recipe").is_in(list(first))).iter_rows(named=True):
            study.add_trial(_remembered(line, TrialState))
        for size in todo:
            study.enqueue_trial(size._asdict())
        spread(train_one, [(ground.bare(), journal, ground.licences)] * len(todo), "asha", how.processes, keep)


def train_one(ground: Ground, journal: Path, licences: tuple[str, ...]) -> Trial:
    """Train the next size that waits, to its end or to the rung that stops it (the piece of work of a process)."""
    from optuna.trial import TrialState

    from lake.graphs.shards import GraphStore
    from models.fit import fit

    study = _study(journal, ground.recipe(SIZES[0]).epochs)
    trial = study.ask()
    recipe = ground.recipe(Size(*(trial.suggest_categorical(name, choices) for name, choices in SPACE.items())), FIRST)
    at, seen, stopped = rungs(recipe.epochs), [], False

    def after_epoch(epoch: int, loss: float | None) -> bool:
        nonlocal stopped
        if epoch in at:
            seen.append(loss)
            trial.report(loss, epoch)
            stopped = trial.should_prune()
        return stopped

    with tempfile.TemporaryDirectory(prefix="crystal-lake-asha-") as folder:  # half a network is nobody's model
        args = (recipe, ground.rows, GraphStore(ground.lake), Path(folder), licences, ground.snapshot)
        run = fit(*args, after_epoch=after_epoch)
    value = None if stopped else run.scores[ground.name]["mae_validation"]
    study.tell(trial, value, TrialState.PRUNED if stopped else TrialState.COMPLETE)
    return Trial(run, seen, stopped)


def _study(journal: Path, epochs: int) -> optuna.Study:
    """The study of this journal, which all processes share; lines of JSON, nothing that runs."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
        study_name=STUDY,
        load_if_exists=True,
        sampler=optuna.samplers.GridSampler({name: list(choices) for name, choices in SPACE.items()}, seed=FIRST),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=rungs(epochs)[0], reduction_factor=ONE_IN),
    )


def _remembered(line: dict[str, object], states: type) -> optuna.trial.FrozenTrial:
    """A line of the ledger as a trial that was, so that who comes after is compared with it."""
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import create_trial

    recipe = Recipe.from_json(line["fields"])
    losses = [float(loss) for loss in line["rungs"].split()]
    stopped = line["state"] == "stopped"
    return create_trial(
        state=states.PRUNED if stopped else states.COMPLETE,
        value=None if stopped else line["mae_validation"],
        params=size_of(recipe)._asdict(),
        distributions={name: CategoricalDistribution(choices) for name, choices in SPACE.items()},
        intermediate_values=dict(zip(rungs(recipe.epochs), losses, strict=False)),
        system_attrs={f"completed_rung_{rung}": loss for rung, loss in enumerate(losses)},  # as the pruner keeps them
    )
