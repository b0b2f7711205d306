"""Bars: what the planted benchmark has to show, fixed before it was scored, and whether a figure holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from models.transfer_map.scores import FEWEST

PAIRS, SINGLES, SURROGATE = "all pairs", "pairs, more singles", "surrogate"
BY_PAIRS = (PAIRS, SINGLES)
EVERY = (*BY_PAIRS, SURROGATE)


@dataclass(frozen=True)
class Bar:
    """words: the bar.  figure: name of what is measured.  least, most: where it holds.

    width, seeds: which it is about, all where None.  methods: which are judged by it.
    """

    words: str
    figure: str
    least: float = -float("inf")
    most: float = float("inf")
    width: int | None = None
    seeds: int | None = None
    methods: tuple[str, ...] = EVERY

    def concerns(self, row: Mapping[str, object]) -> bool:
        """Whether a row of scores is one it is about."""
        return (
            row["method"] in self.methods
            and self.width in (None, row["width"])
            and (self.seeds is None or row["seeds"] >= self.seeds)
        )

    def verdict(self, figure: float | None) -> str:
        """holds, MISSED, or that it cannot be said: too few pairs of a class."""
        if figure is None:
            return "not scored"
        return "holds" if self.least <= figure <= self.most else "MISSED"


BARS = (
    Bar(f"pairs that help, at least {FEWEST}", "help", least=FEWEST, methods=(PAIRS,)),
    Bar(f"pairs that harm, at least {FEWEST}, width 4", "harm", least=FEWEST, width=4, methods=(PAIRS,)),
    Bar("AUROC for help, width 16, at least .95", "auroc_help", least=0.95, width=16, seeds=5),
    Bar("AUROC for help, width 4, at least .98", "auroc_help", least=0.98, width=4, seeds=5),
    Bar("AUROC for harm, width 4, at least .80", "auroc_harm", least=0.80, width=4, seeds=5),
    Bar("Spearman with the oracle, 5 seeds, at least .7", "spearman", least=0.7, seeds=5, methods=BY_PAIRS),
    Bar("Spearman with the oracle, 20 seeds, at least .85", "spearman", least=0.85, seeds=20, methods=BY_PAIRS),
    Bar("sign errors among discoveries, at most 5 %", "sign_error_share", most=0.05, seeds=5),
    Bar("adjusted Rand index of exact groups, at least .9", "ari_exact", least=0.9, seeds=5),
    Bar("adjusted Rand index of greedy groups, at least .9", "ari_greedy", least=0.9, seeds=5),
    Bar("regret of groups, at most 10 %", "regret_groups", most=0.1, seeds=5),
    Bar("regret of partners, at most 10 %", "regret_partners", most=0.1, seeds=5),
    Bar("regret of best partners, at most 10 %", "regret_best", most=0.1, seeds=5),
    Bar("regret of chosen sets as trained, at most 10 %", "regret_sets", most=0.1, seeds=5),
)


def verdicts(scores: list[dict]) -> pl.DataFrame:
    """A row per bar and row of scores that it is about: bar, seed, width, method, estimand, figure, verdict."""
    rows = [
        {"bar": bar.words, **{key: row[key] for key in ("seed", "width", "method", "estimand")},
         "figure": row[bar.figure], "verdict": bar.verdict(row[bar.figure])}
        for bar in BARS for row in scores if bar.figure in row and bar.concerns(row)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"figure": pl.Float64}, infer_schema_length=None)
