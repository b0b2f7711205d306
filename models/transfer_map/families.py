"""Families: which tasks are one quantity told again, so that headlines count pairs between families alone.

Three questions, asked of labels on shared crystals; the catalog, where it knows a task, may join what data do not:

- Told twice? Two tasks that put the same crystals into the same order (either way round, or that of their magnitudes)
  are one quantity: a square, an inverse, a rescaling, a second reading. They are of one family.
- Read off the input? A task that orders crystals as something does that anybody reads off cell and formula is of the
  family `input`: no model has to learn it.
- Derived? A task that is the product or sum of two others by definition (a power factor) is no family of theirs,
  for neither alone tells it; but such pairs are no finding either, and are scored apart. Labels do not say which of
  the three was made of the others, so that all three pairs are.

Nothing here depends on order or scale of the tasks. A user's own tasks, which no catalog knows, are judged by data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from scipy.stats import rankdata

from lake.crystal import SYMBOLS, Crystal
from lake.policies import default
from lake.properties.definition import INPUT
from lake.store import Lake
from models.dataset import training_rows

ALIKE = 0.98  # a rank correlation of this size and more, of either sign, is one quantity
FEWEST = 30  # shared crystals below which nothing is said
MOST = 5000  # of them are asked, evenly drawn: more digits than the question has
COMMON = 0.05  # a value that more of the crystals share (a gap of zero) is set aside: sharing it orders nothing

WITHIN, OF_INPUT, BY_DEFINITION, BETWEEN = KINDS = (
    "within a family", "read off the input", "by definition", "between families",
)  # fmt: skip
# What the catalog says in words and tensors' means hide from data: a mean of products is no product of means.
DEFINED = {
    f"power_factor_per_relaxation_time_{letter}": (
        f"electrical_conductivity_per_relaxation_time_{letter}", f"seebeck_coefficient_{letter}",
    )
    for letter in "np"
}  # fmt: skip
ALIKE_SCHEMA = {"a": pl.String, "b": pl.String, "n": pl.Int64, "likeness": pl.Float64}
DERIVED_SCHEMA = {"name": pl.String, "of": pl.List(pl.String), "form": pl.String, "n": pl.Int64, "likeness": pl.Float64}


def likeness(a: np.ndarray, b: np.ndarray) -> tuple[int, float | None]:
    """Shared crystals of two columns (n,) with NaN where missing, and how alike they order them, 0 to 1.

    The largest rank correlation, of either sign, of values or magnitudes. It must hold also among the crystals that do
    not have the most common value of either, or two tasks would be alike for being zero together. None: too few.
    """
    shared = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    a, b = a[shared], b[shared]
    unlike = _uncommon(a) & _uncommon(b)
    if unlike.sum() < FEWEST:
        return len(shared), None
    some = slice(None, None, -(-len(shared) // MOST))
    every = _likest(a[some], b[some])
    if unlike.all():
        return len(shared), every
    some = slice(None, None, -(-int(unlike.sum()) // MOST))
    return len(shared), min(every, _likest(a[unlike][some], b[unlike][some]))


def alike(names: Sequence[str], targets: np.ndarray) -> pl.DataFrame:
    """a, b, n (shared crystals), likeness of every two tasks that share enough; a before b, by name."""
    column = dict(zip(names, np.asarray(targets, dtype=float).T, strict=True))
    found = [(a, b, *likeness(column[a], column[b])) for a, b in combinations(sorted(names), 2)]
    return pl.DataFrame(found, ALIKE_SCHEMA, orient="row").drop_nulls("likeness")


def read_off(names: Sequence[str], targets: np.ndarray, readings: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Tasks that the input tells -> the reading that tells them. readings: name -> (n,), as of `readings_of`."""
    told = {}
    for name, column in zip(names, np.asarray(targets, dtype=float).T, strict=True):
        found = {reading: likeness(column, values)[1] or 0.0 for reading, values in readings.items()}
        best = max(found, key=found.__getitem__, default="")
        if best and found[best] >= ALIKE:
            told[name] = best
    return told


def readings_of(crystals: Sequence[Crystal]) -> dict[str, np.ndarray]:
    """What anybody reads off cell and formula without learning: name -> (n,), in A^3, u, or plain numbers."""
    from pymatgen.core.periodic_table import Element

    mass = np.array([0.0, *(float(Element(symbol).atomic_mass) for symbol in SYMBOLS[1:])])
    atoms = np.array([len(crystal) for crystal in crystals], dtype=float)
    volume = np.array([abs(np.linalg.det(crystal.lattice)) for crystal in crystals])
    masses = np.array([mass[crystal.numbers].sum() for crystal in crystals])
    return {
        "elements": np.array([len(set(crystal.numbers.tolist())) for crystal in crystals], dtype=float),
        "volume per atom": volume / atoms,
        "density": masses / volume,
        "mass per atom": masses / atoms,
        "mean atomic number": np.array([crystal.numbers.mean() for crystal in crystals]),
        "atomic numbers per volume": np.array([crystal.numbers.sum() for crystal in crystals]) / volume,
        "atoms": atoms,
        "volume": volume,
    }


def derived(names: Sequence[str], targets: np.ndarray, catalog: bool = True) -> pl.DataFrame:
    """name, of (two tasks), form (product, sum, catalog), n, likeness: tasks that two others make up, neither alone.

    A product is a sum of logarithms of magnitudes, of any powers. At most one row per name and form, the likest. Of
    what the `catalog` says nothing is measured: likeness is null.
    """
    order = np.argsort(names)
    named, values = [names[at] for at in order], np.asarray(targets, dtype=float)[:, order]
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(values))
    rows = []
    for form, told in (("product", np.where(np.isfinite(logs), logs, np.nan)), ("sum", values)):
        for at, name in enumerate(named):
            a, b, n, found = _made_up(told, at)
            if found >= ALIKE:
                rows.append((name, [named[a], named[b]], form, n, found))
    for name, of in DEFINED.items() if catalog else ():
        if {name, *of} <= set(named):
            shared = np.isfinite(values[:, [named.index(one) for one in (name, *of)]]).all(axis=1)
            rows.append((name, list(of), "catalog", int(shared.sum()), None))
    return pl.DataFrame(rows, DERIVED_SCHEMA, orient="row")


def families(
    names: Sequence[str], targets: np.ndarray, readings: Mapping[str, np.ndarray] | None = None, catalog: bool = True
) -> pl.DataFrame:
    """name, labels, family, why (of the task's place in it), by name; a task of its own is its own family.

    targets: (n, T), NaN where missing. readings: of `readings_of`; None leaves what is read off to the catalog, which
    `catalog` says whether to ask. A family is named as the catalog names it, else after its task with most labels.
    """
    targets = np.asarray(targets, dtype=float)
    labels = dict(zip(names, np.isfinite(targets).sum(axis=0).tolist(), strict=True))
    known = {name: _quantity(name) for name in names} if catalog else {}
    reasons: dict[str, list[str]] = {name: [] for name in names}
    joined = {name: {name} for name in names}
    of_input = {
        name: f"as {reading} of the input" for name, reading in read_off(names, targets, readings or {}).items()
    }
    of_input |= {name: "catalog: read off the input" for name in names if known.get(name) == INPUT}
    for a, b, n, likely in alike(names, targets).filter(pl.col("likeness") >= ALIKE).iter_rows():
        _join(joined, a, b)
        for one, other in ((a, b), (b, a)):
            reasons[one].append(f"orders {n:,} crystals as {other} does ({likely:.3f})")
    for a, b in combinations(sorted(names), 2):
        if known.get(a) not in (None, INPUT) and known.get(a) == known.get(b):
            _join(joined, a, b)
            for one, other in ((a, b), (b, a)):
                reasons[one].append(f"catalog: one quantity with {other}")
    rows = []
    for name in sorted(names):
        members = joined[name]
        told = sorted({known[one] for one in members if known.get(one)} - {INPUT})
        family = told[0] if told else min(members, key=lambda one: (-labels[one], one))
        if any(one in of_input for one in members):
            family = INPUT
        why = [of_input[name]] if name in of_input else []
        rows.append((name, labels[name], family, "; ".join([*why, *reasons[name]])))
    schema = {"name": pl.String, "labels": pl.Int64, "family": pl.String, "why": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def kinds(gathered: pl.DataFrame, made_up: pl.DataFrame) -> pl.DataFrame:
    """target, source, family_target, family_source, kind of every ordered pair; headlines count BETWEEN alone.

    gathered: of `families`. made_up: of `derived`; what holds for one member of a family holds for all of it.
    """
    family = dict(gathered.select("name", "family").iter_rows())
    by_definition = set()
    for name, of in made_up.select("name", "of").iter_rows():
        by_definition |= {frozenset((family[name], family[one])) for one in of}
    rows = []
    for target in sorted(family):
        for source in sorted(family):
            if target != source:
                pair = family[target], family[source]
                rows.append((target, source, *pair, _kind(*pair, by_definition)))
    return pl.DataFrame(rows, ["target", "source", "family_target", "family_source", "kind"], orient="row")


def columns(lake: Lake, fewest: int = 450, most: int = 30, catalog: bool = True) -> pl.DataFrame:
    """name, labels_train, labels, levels (of theory), family, why: the columns that a map of this lake is of.

    Every column of the default policy with `fewest` training labels; where they are more than `most`, of every family
    its member with most training labels first, then of every family its second, those of more labels before.
    """
    rows = training_rows(lake, tuple(default().by_name))
    counts = dict(zip(rows.tasks, rows.labels("train").tolist(), strict=True))
    kept = [at for at, name in enumerate(rows.tasks) if counts[name] >= fewest]
    names = [rows.tasks[at] for at in kept]
    told = families(names, rows.targets[:, kept], catalog=catalog).with_columns(
        labels_train=pl.col("name").replace_strict(counts, return_dtype=pl.Int64),
        levels=pl.col("name").map_elements(_levels, pl.String),
    )
    told = told.sort("labels_train", "name", descending=[True, False])
    told = told.with_columns(turn=pl.col("name").cum_count().over("family"))
    told = told.sort("turn", "labels_train", "name", descending=[False, True, False]).head(most)
    told = told.with_columns(leads=pl.col("labels_train").max().over("family"))
    told = told.sort("leads", "family", "turn", descending=[True, False, False])
    return told.select("name", "labels_train", "labels", "levels", "family", "why")


def _levels(name: str) -> str:
    """The levels of theory that may teach a column, with their corrections, in words."""
    admits = default().by_name[name].taught().admits
    return ", ".join(dict.fromkeys(f"{one.level_of_theory} {one.correction}".removesuffix(" *") for one in admits))


def _quantity(name: str) -> str | None:
    """What the catalog holds a task to be a telling of; None for what it does not know."""
    column = default().by_name.get(name)
    if column is None:
        return None
    return INPUT if column.known.family == INPUT else column.known.quantity


def _kind(target: str, source: str, by_definition: set[frozenset[str]]) -> str:
    if target == source:
        return WITHIN
    if INPUT in (target, source):
        return OF_INPUT
    return BY_DEFINITION if frozenset((target, source)) in by_definition else BETWEEN


def _join(joined: dict[str, set[str]], a: str, b: str) -> None:
    """Make the sets of two tasks one set, which all its members share."""
    both = joined[a] | joined[b]
    for name in both:
        joined[name] = both


def _uncommon(values: np.ndarray) -> np.ndarray:
    """Which values are not the most common one, where that one is common at all."""
    if not len(values):
        return np.zeros(0, dtype=bool)
    distinct, counts = np.unique(values, return_counts=True)
    most = counts.argmax()
    return values != distinct[most] if counts[most] > COMMON * len(values) else np.ones(len(values), dtype=bool)


def _likest(a: np.ndarray, b: np.ndarray) -> float:
    return max(_ranked(one, other) for one in _sizes(a) for other in _sizes(b))


def _sizes(values: np.ndarray) -> list[np.ndarray]:
    """The values, and their magnitudes where the sign says more than the order does."""
    return [values, np.abs(values)] if (values < 0).any() and (values > 0).any() else [values]


def _ranked(a: np.ndarray, b: np.ndarray) -> float:
    """Size of the rank correlation, 0 where one has no spread."""
    a, b = rankdata(a), rankdata(b)
    return abs(float(np.corrcoef(a, b)[0, 1])) if np.ptp(a) and np.ptp(b) else 0.0


def _made_up(told: np.ndarray, at: int) -> tuple[int, int, int, float]:
    """The two columns that make up column `at` best, shared rows, and how alike: 0 where one alone would do.

    The explained share of every two columns at once, from sums over the rows that all three share; the best is then
    held to the same bar as a copy is, by ranks.
    """
    rows = np.flatnonzero(np.isfinite(told[:, at]))
    rows = rows[:: -(-len(rows) // MOST) or 1]
    if len(rows) < FEWEST or told.shape[1] < 3:
        return 0, 0, 0, 0.0
    c, others = told[rows, at], told[rows]
    c = (c - c.mean()) / (c.std() or 1.0)
    here = np.isfinite(others)
    middle = np.where(here, others, 0.0).sum(axis=0) / np.maximum(here.sum(axis=0), 1)
    x = np.where(here, others - middle, 0.0)
    x /= np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    m = here.astype(float)
    n = np.maximum(m.T @ m, 1.0)
    mean_a, mean_c = (x.T @ m) / n, ((m * c[:, None]).T @ m) / n
    var_a, var_c = ((x * x).T @ m) / n - mean_a**2, ((m * (c * c)[:, None]).T @ m) / n - mean_c**2
    cov_ab = (x.T @ x) / n - mean_a * mean_a.T
    cov_ac = ((x * c[:, None]).T @ m) / n - mean_a * mean_c
    with np.errstate(divide="ignore", invalid="ignore"):
        ac = cov_ac / np.sqrt(var_a * var_c)
        ab = cov_ab / np.sqrt(var_a * var_a.T)
        share = (ac**2 + ac.T**2 - 2 * ac * ac.T * ab) / (1 - ab**2)
    alone = np.maximum(np.abs(ac), np.abs(ac.T))
    fit = (n >= FEWEST) & (alone < ALIKE) & (np.abs(ab) < ALIKE) & np.isfinite(share)
    fit[at, :] = fit[:, at] = False
    share = np.where(np.triu(fit, 1), share, -1.0)
    a, b = np.unravel_index(share.round(6).argmax(), share.shape)  # of equals the first by name
    if share[a, b] < ALIKE**2:
        return 0, 0, 0, 0.0
    both = here[:, a] & here[:, b]
    design = np.column_stack([x[both, a], x[both, b], np.ones(both.sum())])
    fitted = design @ np.linalg.lstsq(design, c[both], rcond=None)[0]
    told_alone = max(_ranked(x[both, one], c[both]) for one in (a, b))
    found = _ranked(fitted, c[both])
    return int(a), int(b), int(both.sum()), found if told_alone < ALIKE else 0.0
