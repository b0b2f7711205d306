"""The oracle: what every ordered pair of planted tasks truly brings, as the mean paired gain over many seeds.

    OMP_NUM_THREADS=1 python -m benchmarks.transfer.oracle --seed 0 --widths 4 16 --seeds 50 --processes 4 [--dry-run]

Tasks alone, in pairs, and with each source permuted, T = 12, by seeds 1000, 1001, ...: 210 runs a seed and width, kept
in docs/results/transfer_planted_<seed>_12x<width>.csv. Printed: for each width and estimand how many pairs are of which
class (help: interval above +1 %; harm: below -1 %; neutral: inside +-3 %; else unscored), and by what the design
expects the mean gains, so that one sees whether the design does what it says.
"""

from __future__ import annotations

import polars as pl

from benchmarks.transfer.study import ESTIMANDS, Study, every_pair, oracle_seeds, parser, shown, studies, told_time
from models.planted.dials import Dials
from models.transfer_map.scores import FEWEST, HARM, HELP, NEUTRAL, UNSCORED, classes
from models.transfer_map.statistics.gains import OVER_PLACEBO, RAW
from models.transfer_map.statistics.intervals import PAIR

CLASSES = (HELP, HARM, NEUTRAL, UNSCORED)


def main() -> None:
    """Train what is missing; print the classes, and the mean gains by design."""
    asked = parser(__doc__, None, 50).parse_args()
    every = studies(asked, Dials())
    if asked.dry_run:
        return told_time((_words(one), one, every_pair(one.names, oracle_seeds(asked.oracle_seeds))) for one in every)
    for one in every:
        oracles = {of: one.oracle(asked.oracle_seeds, of) for of in ESTIMANDS}
        print(f"\n{_words(one)}, {asked.oracle_seeds} seeds: ordered pairs of each class")
        shown(counts(oracles))
        print("by design: pairs, their mean gains, and their classes over placebo")
        shown(by_design(oracles, one.world.planted.truth))
    return None


def counts(oracles: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """A row per estimand: how many pairs of each class, the median half width of the interval, which can be scored."""
    rows = []
    for of, pairs in oracles.items():
        named = classes(pairs)["class"]
        many = {name: int((named == name).sum()) for name in CLASSES}
        half = ((pairs["high"] - pairs["low"]) / 2).median()
        enough = " ".join(name for name in (HELP, HARM) if many[name] >= FEWEST)
        rows.append({"estimand": of, **many, "half_width": half, f"{FEWEST} or more": enough or "neither"})
    return pl.DataFrame(rows)


def by_design(oracles: dict[str, pl.DataFrame], truth: pl.DataFrame) -> pl.DataFrame:
    """A row per sort of pair: expected help by cosine, conflict by which of the two is gated, none by kinds."""
    size = pl.col("cosine").abs()
    sort = (
        pl.when(pl.col("expected") == "help").then(
            pl.when(size > 0.85).then(pl.lit("cosine above .85"))
            .when(size > 0.55).then(pl.lit("cosine .55 to .85")).otherwise(pl.lit("cosine .4 to .55"))
        )
        .when(pl.col("expected") == "conflict").then(
            pl.format("{} is gated", pl.when(pl.col("kind_target") == "gated").then(pl.lit("target"))
                      .otherwise(pl.lit("source"))))
        .when(pl.col("kind_source").is_in(["noise", "permuted", "gated"])).then(pl.format("source {}", "kind_source"))
        .when(pl.col("kind_target").is_in(["noise", "permuted", "gated"])).then(pl.format("target {}", "kind_target"))
        .otherwise(pl.lit("unrelated"))
    )  # fmt: skip
    told = truth.with_columns(pair=sort).join(classes(oracles[OVER_PLACEBO]), on=PAIR)
    for of in ESTIMANDS:
        told = told.join(oracles[of].select(*PAIR, pl.col("gain").alias(f"mean_{of}")), on=PAIR)
    number = [(pl.col("class") == name).sum().alias(name) for name in CLASSES]
    means = [pl.col(f"mean_{of}").mean().alias(of) for of in (RAW, OVER_PLACEBO)]
    return told.group_by("expected", "pair").agg(pl.len().alias("pairs"), *means, *number).sort("expected", "pair")


def _words(study: Study) -> str:
    return f"benchmark seed {study.world.seed}, width {study.size.width}"


if __name__ == "__main__":
    main()
