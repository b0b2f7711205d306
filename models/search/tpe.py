"""TPE: optuna proposes point after point from what the former ones gave, and stops the worse two of three early.

The tree of Parzen estimators of Bergstra et al., NeurIPS 2011, and the asynchronous halving of Li et al., MLSys 2020,
as optuna has them. A candidate climbs rungs of short whole runs, each anew; the best at the highest rung is trained to
its end. For spaces that are too large to list, and beside the ladder where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.search.explore import Strategy
from models.search.purse import Ask
from models.search.space import Point, SearchError, Space

ONE_IN = 3  # so many of those at a rung go on: one in three
LENGTHS = (1 / 15, 1 / 5)  # of a whole run's epochs, rung by rung
RANDOM = 6  # candidates before the estimators are asked
KNOWN = 20  # so many candidates in a row that cost nothing end a search: it has seen what it would propose


def tpe(space: Space, budget: int, seed: int = 0, first: Sequence[Point] = ()) -> Strategy:
    """Search one space; its budget of epochs holds the whole run of its choice.

    first: points to begin with: what was found for each property alone, or the depths of a policy that was learnt.
    """
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lengths = [max(1, round(space.whole * share)) for share in LENGTHS]
    left, known, seen = budget - space.whole, 0, {}
    if left < lengths[0]:
        raise SearchError(f"a search needs {space.whole + lengths[0]} epochs or more, found {budget}")
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM, multivariate=True),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=ONE_IN),
    )
    for point in first:
        study.enqueue_trial(
            {name: choices.index(value) for (name, choices), value in zip(space.axes, point, strict=True)}
        )
    while left >= lengths[0] and known < KNOWN:
        trial, known, error, stopped = study.ask(), known + 1, None, False
        point = tuple(choices[trial.suggest_int(name, 0, len(choices) - 1)] for name, choices in space.axes)
        for rung, epochs in enumerate(lengths):
            ask = Ask(space.name, point, epochs)
            if ask not in seen:
                if epochs > left:
                    stopped = True
                    break
                left, known = left - epochs, 0
                seen[ask] = (yield [ask])[0]
            error = seen[ask]
            trial.report(error, ONE_IN**rung)
            if stopped := rung + 1 < len(lengths) and trial.should_prune():
                break
        study.tell(trial, None if stopped else error, TrialState.PRUNED if stopped else TrialState.COMPLETE)
    highest = max(ask.epochs for ask in seen)
    choice = min((error, ask.point) for ask, error in seen.items() if ask.epochs == highest)[1]
    yield [Ask(space.name, choice, space.whole)]
    return {space.name: choice}
