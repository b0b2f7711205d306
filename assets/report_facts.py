"""What the report says, gathered from the tables as plain rows; no HTML here and no drawing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from assets.map_facts import MapFacts, maps
from lake.store import Lake
from lake.tables import (
    CALIBRATION,
    CANDIDATES,
    DISAGREEMENT,
    ENTRIES,
    GRAPHS,
    LEADERBOARD,
    MATERIALS,
    OBSERVATIONS,
    PROPERTY_MATRIX,
    RUNS,
    WORST_DISAGREEMENTS,
)

Rows = list[dict[str, Any]]
TOP = 20  # candidates in the table
MANY = 25  # rows of a long table before it is cut, and said to be
SOME = 10  # pairs of databases whose worst material is shown
PAIR = ("source_a", "source_b", "reading_a", "reading_b")


@dataclass(frozen=True)
class Facts:
    """One page's worth of facts; an empty list stands for a table that is not there yet."""

    root: str
    written: str
    snapshot: str
    sample: bool
    tiles: list[tuple[str, int]]
    sources: Rows
    reasons: Rows
    reasons_left: int
    repeats: dict[str, int]
    shared: dict[tuple[str, str], int]
    properties: int
    disagreement: Rows
    disagreement_left: int
    worst: Rows
    flags: Rows
    twins: Rows
    yardstick: str
    baselines: Rows
    sizes: Rows
    calibration: Rows
    leaderboard: Rows
    gains: Rows
    maps: list[MapFacts]
    sharing: Rows
    served_worst: dict[str, dict[str, Any]]
    candidates: Rows
    n_candidates: int
    unbeaten: list[str]
    levels: Rows
    licences: Rows
    references: Rows
    citations: Rows
    names: dict[str, str]
    labels: dict[str, str]


def facts(lake: Lake, snapshot: str = "") -> Facts:
    """Everything the page says about a lake, each number read from its table; of a snapshot where it has a name."""
    from lake import facts as held
    from lake.disagreement import CITATION, disagreement
    from lake.families import families
    from lake.figures.style import SOURCE_NAME
    from lake.policies import default
    from models.figures.bargains import unbeaten
    from models.multitask.gains import gains as shared_gains
    from models.multitask.gains import worst as served_worst
    from models.results import errors, gains

    reasons = held.reasons(lake)
    sources = held.by_source(lake)
    sharing = shared_gains(lake)
    ranked = lake.read(CANDIDATES).sort("rank")
    apart = disagreement(lake)
    matrix = lake.scan(PROPERTY_MATRIX).collect_schema().names()
    columns = default().by_name
    return Facts(
        root=lake.root.name,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        snapshot=snapshot,
        sample=(lake.root / "SAMPLE").exists(),
        tiles=tiles(lake),
        sources=sources.to_dicts(),
        reasons=reasons.head(MANY).to_dicts(),
        reasons_left=max(0, len(reasons) - MANY),
        repeats=held.repeats(lake),
        shared={(a, b): n for a, b, n in held.shared(lake).iter_rows()},
        properties=len({columns[name].property for name in matrix if name in columns}),
        disagreement=apart.head(MANY).to_dicts(),
        disagreement_left=max(0, len(apart) - MANY),
        worst=worst(lake),
        flags=held.flags(lake).head(MANY).to_dicts(),
        twins=families(lake).head(MANY).to_dicts(),
        yardstick=CITATION,
        baselines=errors(lake).to_dicts(),
        sizes=sizes(lake),
        calibration=lake.read(CALIBRATION).drop_nulls("coverage").sort("property", "study").to_dicts(),
        leaderboard=lake.read(LEADERBOARD).to_dicts(),
        gains=gains(lake).to_dicts(),
        maps=maps(lake),
        sharing=sharing.to_dicts(),
        served_worst={row["method"]: row for row in served_worst(sharing).iter_rows(named=True)},
        candidates=ranked.head(TOP).to_dicts(),
        n_candidates=len(ranked),
        unbeaten=unbeaten(ranked.drop_nulls("cost"))["reduced_formula"].to_list(),
        levels=held.levels(lake).to_dicts(),
        licences=held.licences(lake).to_dicts(),
        references=held.references(lake).to_dicts(),
        citations=citations(sources["source"].to_list()),
        names=dict(SOURCE_NAME),
        labels={name: column.short_label for name, column in columns.items()},
    )


def tiles(lake: Lake) -> list[tuple[str, int]]:
    """The headline numbers, in the order in which the lake is built."""
    shared = pl.col("n_sources") > 1
    return [
        ("entries", _rows(lake.scan(ENTRIES))),
        ("of them disordered", _rows(lake.scan(ENTRIES).filter(pl.col("kind") == "disordered"))),
        ("materials", _rows(lake.scan(MATERIALS))),
        ("told by several databases", _rows(lake.scan(MATERIALS).filter(shared))),
        ("property values", _rows(lake.scan(OBSERVATIONS))),
        ("crystal graphs", _rows(lake.scan(GRAPHS))),
        ("trained models", _rows(lake.scan(RUNS).select("run").unique())),
        ("candidates", _rows(lake.scan(CANDIDATES))),
    ]


def worst(lake: Lake) -> Rows:
    """The material on which each pair of databases differs most, for the pairs that share most materials."""
    first = lake.read(WORST_DISAGREEMENTS).filter(pl.col("rank") == 1)
    pairs = lake.read(DISAGREEMENT).select("property", *PAIR, "n")
    joined = first.join(pairs, on=["property", *PAIR]).sort("n", "property", *PAIR, descending=[True, *[False] * 5])
    return joined.head(SOME).to_dicts()


def sizes(lake: Lake) -> Rows:
    """Per property of the grid the best size here and the mission's, with the words on confidence and on ASHA."""
    from models.grid.results import compared

    return compared(lake)


def citations(slugs: list[str]) -> Rows:
    """What to cite for each database, as its module in `lake/sources` says; nothing for one it does not know."""
    rows = []
    for slug in slugs:
        try:
            from lake.sources import source_named

            source = source_named(slug)
        except (ImportError, ValueError):  # a database of one's own, or a client that is not installed here
            continue
        rows.append({"source": slug, "title": source.title, "citation": source.citation})
    return rows


def _rows(frame: pl.LazyFrame) -> int:
    return frame.select(pl.len()).collect().item()
