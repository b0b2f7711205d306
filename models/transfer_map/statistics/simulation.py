"""Simulation: gains whose truth is known, to try the statistics on without training anything. No torch here.

`python -m models.transfer_map.statistics.simulation` prints size and power of the plain t test and the moderated one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import polars as pl

from models.transfer_map.statistics.discoveries import discovered
from models.transfer_map.statistics.intervals import estimated


@dataclass(frozen=True)
class Spread:
    """How gains of one pair differ between seeds.

    size: standard deviation of a typical pair.  row: share of its variance that all pairs of a target have in common,
    their single runs.  freedom: pairs' variances are drawn as scaled inverse chi-squared with this; inf: all the same.
    rows: standard deviation of the logarithm of targets' own variances.  tails: degrees of freedom of Student's t that
    the noise is drawn from, inf: normal.
    """

    size: float = 0.04
    row: float = 0.3
    freedom: float = 8.0
    rows: float = 0.0
    tails: float = np.inf


TYPICAL = Spread()


def simulated(truth: np.ndarray, seeds: int, seed: int, spread: Spread = TYPICAL) -> pl.DataFrame:
    """GAINS of tasks named t00, t01, ... with these true gains (T, T), by target and source; both estimands alike."""
    rng = np.random.default_rng([seed, *b"gains"])
    count = len(truth)
    scale = np.exp(rng.normal(0, spread.rows, (count, 1))) * np.ones((count, count))
    if np.isfinite(spread.freedom):
        scale = scale * spread.freedom / rng.chisquare(spread.freedom, (count, count))
    noise = spread.row**0.5 * _drawn(rng, (count, 1, seeds), spread.tails)
    noise = noise + (1 - spread.row) ** 0.5 * _drawn(rng, (count, count, seeds), spread.tails)
    gains = truth[:, :, None] + spread.size * scale[:, :, None] ** 0.5 * noise
    off = np.array(list(permutations(range(count), 2)))
    names = np.array([f"t{at:02d}" for at in range(count)])
    values = gains[off[:, 0], off[:, 1]].ravel()
    return pl.DataFrame(
        {
            "target": np.repeat(names[off[:, 0]], seeds),
            "source": np.repeat(names[off[:, 1]], seeds),
            "seed": np.tile(np.arange(seeds), len(off)),
            "gain": values,
            "gain_placebo": values,
        }
    )


def truth_of(truth: np.ndarray) -> pl.DataFrame:
    """target, source, truth: the same matrix as a frame."""
    told = [(f"t{a:02d}", f"t{b:02d}", float(truth[a, b])) for a, b in permutations(range(len(truth)), 2)]
    return pl.DataFrame(told, schema=["target", "source", "truth"], orient="row")


def some(count: int, share: float, effect: float, seed: int) -> np.ndarray:
    """True gains (T, T): this share of pairs +-effect, the rest none."""
    rng = np.random.default_rng([seed, *b"truth"])
    return rng.choice([0.0, effect, -effect], (count, count), p=[1 - share, share / 2, share / 2])


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], tails: float) -> np.ndarray:
    if np.isinf(tails):
        return rng.standard_normal(shape)
    return rng.standard_t(tails, shape) / (tails / (tails - 2)) ** 0.5


SPREADS = {
    "one variance": Spread(freedom=np.inf, row=0.0),
    "one variance, shared rows": Spread(freedom=np.inf, row=0.5),
    "8 degrees of freedom, rows .3": TYPICAL,
    "4 degrees of freedom, rows .5": Spread(freedom=4.0, row=0.5),
    "targets differ (log sd .7)": Spread(rows=0.7),
    "targets differ (log sd 1.5)": Spread(rows=1.5),
    "heavy tails (t with 5)": Spread(tails=5.0),
}


def table(repetitions: int, tasks: int = 12, seeds: int = 5, effect: float = 0.06) -> pl.DataFrame:
    """Per spread and test: size (p below .05 where nothing transfers), null (repetitions with a discovery), power
    (effects discovered, a quarter of the pairs), false (share of discoveries that are), coverage."""
    rows = []
    for named, spread in SPREADS.items():
        for moderated in (False, True):
            told = []
            for at in range(repetitions):
                none = discovered(
                    estimated(simulated(np.zeros((tasks, tasks)), seeds, at, spread), moderated=moderated)
                )
                truth = some(tasks, 0.25, effect, at)
                found = discovered(estimated(simulated(truth, seeds, at, spread), moderated=moderated))
                both = found.join(truth_of(truth), on=["target", "source"])
                real, hit = both["truth"] != 0, both["discovery"]
                wrong = hit & (both["sign"] != both["truth"].sign())
                inside = (both["low"] <= both["truth"]) & (both["truth"] <= both["high"])
                told.append(
                    ((none["p"] < 0.05).mean(), none["discovery"].any(), (hit & real).sum() / real.sum(),
                     wrong.sum() / max(hit.sum(), 1), inside.mean())
                )  # fmt: skip
            rows.append((named, "moderated t" if moderated else "plain t", *np.mean(told, axis=0)))
    return pl.DataFrame(rows, schema=["spread", "test", "size", "null", "power", "false", "coverage"], orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--effect", type=float, default=0.06)
    asked = parser.parse_args()
    print(f"{asked.tasks} tasks, {asked.seeds} seeds, effects of {asked.effect:.0%}, {asked.repetitions} repetitions")
    with pl.Config(
        tbl_rows=-1, tbl_width_chars=140, fmt_str_lengths=40, float_precision=3, tbl_hide_dataframe_shape=True
    ):
        print(table(**vars(asked)))


if __name__ == "__main__":
    main()
