"""Groups: which tasks to train together, from a matrix of estimated gains. No torch here.

What a set brings is taken as the sum of the gains of all ordered pairs in it, and 0 for a task alone. For all targets
the sets divide the tasks; for one target its partners are chosen. Gains that chose a group look larger than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from scipy.stats import t

Groups = tuple[tuple[str, ...], ...]


class NoOptimum(RuntimeError):
    """The exact method ran out of time."""


def matrix_of(pairs: pl.DataFrame, value: str = "gain") -> tuple[list[str], np.ndarray]:
    """Sorted names, and gains (T, T) by target and source; 0 on the diagonal and where a pair is not known."""
    names = sorted({*pairs["target"], *pairs["source"]})
    at = {name: place for place, name in enumerate(names)}
    gains = np.zeros((len(names), len(names)))
    for target, source, gain in pairs.select("target", "source", value).drop_nulls().iter_rows():
        gains[at[target], at[source]] = gain
    return names, gains


def total(names: Sequence[str], gains: np.ndarray, groups: Groups) -> float:
    """What these groups bring: the sum of the gains inside them."""
    at = {name: place for place, name in enumerate(names)}
    off = gains - np.diag(np.diag(gains))
    return float(sum(off[np.ix_(rows, rows)].sum() for rows in ([at[name] for name in group] for group in groups)))


def greedy(names: Sequence[str], gains: np.ndarray, largest: int | None = None) -> Groups:
    """Joins the two groups whose joining brings most, as long as it brings something. largest: tasks of a group."""
    largest = largest or len(names)
    both = _both(names, gains)
    groups = [[at] for at in np.argsort(names)]
    while True:
        brings = {
            (a, b): both[np.ix_(groups[a], groups[b])].sum()
            for a, b in combinations(range(len(groups)), 2)
            if len(groups[a]) + len(groups[b]) <= largest
        }
        best = max(brings, key=brings.__getitem__, default=None)
        if best is None or brings[best] <= 0:
            return _named(names, groups)
        groups[best[0]] += groups.pop(best[1])


def exact(names: Sequence[str], gains: np.ndarray, largest: int | None = None, seconds: float = 60.0) -> Groups:
    """The groups that bring most: clique partitioning as an integer programme. largest: tasks of a group.

    One variable for each pair that stands together; two pairs of three force the third, so constraints grow with the
    cube of the tasks. Raises NoOptimum where it is not solved in `seconds`: use `greedy`.
    """
    count = len(names)
    if count < 2:
        return _named(names, [[at] for at in range(count)])
    order = [int(at) for at in np.argsort(names)]  # one answer of several does not depend on the order given
    both = _both(names, gains)[np.ix_(order, order)]
    pairs = {pair: at for at, pair in enumerate(combinations(range(count), 2))}
    rows = [
        [(pairs[a, b], first), (pairs[b, c], second), (pairs[a, c], third)]
        for a, b, c in combinations(range(count), 3)
        for first, second, third in ((1, 1, -1), (1, -1, 1), (-1, 1, 1))
    ]
    most = [1.0] * len(rows)
    if largest is not None:
        rows += [[(at, 1) for pair, at in pairs.items() if one in pair] for one in range(count)]
        most += [largest - 1.0] * count
    constraints = []
    if rows:
        told = [(row, at, sign) for row, terms in enumerate(rows) for at, sign in terms]
        row, at, sign = np.array(told).T
        matrix = coo_array((sign.astype(float), (row, at)), shape=(len(rows), len(pairs))).tocsr()
        constraints = [LinearConstraint(matrix, ub=np.array(most))]
    found = milp(
        -np.array([both[pair] for pair in pairs]),
        integrality=np.ones(len(pairs)),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if found.status != 0:
        raise NoOptimum(f"groups of {count} tasks were not solved in {seconds:g} s ({found.message}): use greedy")
    groups: list[list[int]] = []
    for one in range(count):
        home = next((group for group in groups if found.x[pairs[group[0], one]] > 0.5), None)
        groups.append([one]) if home is None else home.append(one)
    return _named(names, [[order[at] for at in group] for group in groups])


def partners(names: Sequence[str], gains: np.ndarray, target: str, most: int | None = None) -> tuple[str, ...]:
    """For one target the sources that are estimated to help it, the best first, at most so many."""
    row = dict(zip(names, gains[list(names).index(target)], strict=True))
    helping = sorted((name for name in names if name != target and row[name] > 0), key=lambda name: (-row[name], name))
    return tuple(helping[:most])


def regret(names: Sequence[str], oracle: np.ndarray, groups: Groups, seconds: float = 60.0) -> float:
    """The share of what the oracle's own best groups bring that these miss: 0 is best; above 1 they harm.

    oracle: gains (T, T) taken as true. Where nothing helps, 0 for groups that do no harm and inf for others. Raises
    NoOptimum, as `exact`: of pure noise 24 tasks are solved in seconds, 30 are not; planted groups of 30 at once.
    """
    best, got = total(names, oracle, exact(names, oracle, seconds=seconds)), total(names, oracle, groups)
    return (best - got) / best if best > 0 else (0.0 if got >= 0 else float("inf"))


def regret_of_partners(names: Sequence[str], oracle: np.ndarray, chosen: dict[str, tuple[str, ...]]) -> float:
    """The same for partners chosen for each target by itself."""
    at = {name: place for place, name in enumerate(names)}
    rows = {target: oracle[at[target]].copy() for target in chosen}
    for target, row in rows.items():
        row[at[target]] = 0.0
    best = sum(float(row.clip(min=0).sum()) for row in rows.values())
    got = sum(float(sum(rows[target][at[name]] for name in named)) for target, named in chosen.items())
    return (best - got) / best if best > 0 else (0.0 if got >= 0 else float("inf"))


def agreement(groups: Groups, planted: Groups) -> float:
    """The adjusted Rand index of two divisions of the same tasks: 1 the same, 0 as by chance."""
    from sklearn.metrics import adjusted_rand_score

    one, other = ({name: at for at, group in enumerate(each) for name in group} for each in (groups, planted))
    names = sorted(one.keys() & other.keys())
    return float(adjusted_rand_score([one[name] for name in names], [other[name] for name in names]))


def recommended(pairs: pl.DataFrame, chosen: Groups | dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """Per target: target, partners (list), gain (predicted), low, high.

    pairs: PAIRS.  chosen: groups, or the partners of each target. Standard errors are added as they stand, since all
    pairs of a target share its single runs: the interval is wide rather than narrow.
    """
    if not isinstance(chosen, dict):
        chosen = {name: tuple(other for other in group if other != name) for group in chosen for name in group}
    known = {(row["target"], row["source"]): row for row in pairs.iter_rows(named=True)}
    rows = []
    for target, named in sorted(chosen.items()):
        parts = [known[target, name] for name in named if (target, name) in known]
        gain, error = (sum(part[of] or 0.0 for part in parts) for of in ("gain", "error"))
        freedom = min((part["freedom"] for part in parts if part["freedom"] is not None), default=None)
        half = 0.0 if not parts else None if freedom is None else float(t.ppf(0.975, freedom)) * error
        low, high = (None, None) if half is None else (gain - half, gain + half)
        rows.append((target, list(named), float(gain), low, high))
    schema = {"target": pl.String, "partners": pl.List(pl.String), "gain": pl.Float64, "low": pl.Float64,
              "high": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _both(names: Sequence[str], gains: np.ndarray) -> np.ndarray:
    """What each two tasks bring each other: (T, T), symmetric, 0 on the diagonal."""
    if gains.shape != (len(names), len(names)):
        raise ValueError(f"{len(names)} names need a matrix of as many rows and columns; found {gains.shape}")
    both = gains + gains.T
    return both - np.diag(np.diag(both))


def _named(names: Sequence[str], groups: list[list[int]]) -> Groups:
    return tuple(sorted(tuple(sorted(names[at] for at in group)) for group in groups))
