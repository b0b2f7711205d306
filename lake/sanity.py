"""Whether one property's values look right: flagged ones, units, the version before, and what other sources say.

What belongs here: the statistics and their thresholds; Dagster's words for them are `assets/property_checks.py`. All
thresholds are choices, set so that what a nightly crawl brings stays below them; nothing is refused for passing one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from lake.disagreement import KEY, PUBLISHED, ZERO, compared, meetings, told_of
from lake.store import Lake
from lake.tables import ENTRIES, OBSERVATIONS

MANY_FLAGGED = 0.01  # of a source's values
FEWEST = 10  # materials, of which two sources are compared
OFF = 1.8  # a median ratio beyond it is no disagreement of two calculations
NEAR = 0.1  # of the logarithm: how near a ratio lies to the factor that explains it
TOLERATED = 3.0  # times the published median relative difference
TOLERATED_ELSE = 0.25  # median relative difference where none is published
FEWER = 0.05  # of the values that the version before had
MOVED = 0.1  # of the interquartile range before: how far the median may move
NARROWER, WIDER = 0.8, 1.25  # the interquartile range over that before

FACTORS = {
    "1,000: a prefix (milli, kilo, giga against mega)": 1000.0,
    "100: a prefix, or a share against per cent": 100.0,
    "10: kbar against GPa, or angstrom against nm": 10.0,
    "4.184: calories against joules": 4.184,
    "2: per formula unit or per spin against per atom or both": 2.0,
    "96.485: kJ/mol against eV": 96.485332,
    "23.061: kcal/mol against eV": 23.060548,
    "27.211: eV against hartree": 27.211386,
    "13.606: eV against rydberg": 13.605693,
    "160.22: GPa against eV/angstrom^3": 160.217663,
    "8.0655: 1/cm against meV": 8.065544,
    "47.992: kelvin against THz": 47.992430,
    "33.356: 1/cm against THz": 33.356410,
    "1.8897: bohr against angstrom": 1.8897261,
    "6.7483: bohr^3 against angstrom^3": 6.7483345,
    "6.242e18: eV against joules": 6.241509e18,
}


@dataclass
class Looked:
    """What was found: sentences that say what looks wrong, none where nothing does, and the numbers behind them."""

    findings: list[str] = field(default_factory=list)
    numbers: dict[str, float | int] = field(default_factory=dict)


def look(lake: Lake, name: str, members: pl.DataFrame) -> Looked:
    """Every question of this module, of one property. members: as `lake.disagreement.members_of` gives them."""
    looked = Looked()
    rows = lake.scan(OBSERVATIONS).filter(pl.col("property") == name).select("source", "value", "flag").collect()
    _flagged(looked, rows)
    _against_before(looked, rows, before(lake, name))
    told = told_of(lake, name, members)
    _units(looked, name, lake, told)
    _others(looked, compared(name, told, members).pairs)
    return looked


def before(lake: Lake, name: str) -> pl.DataFrame:
    """value, flag of the property as its partition was before it was last written; empty where that is not kept."""
    version = lake.version_before(OBSERVATIONS, name)
    rows = OBSERVATIONS.empty().select("value", "flag")
    if version is None or not all(Path(f).exists() for f in lake.files(OBSERVATIONS, version) if f"={name}/" in f):
        return rows
    return lake.scan(OBSERVATIONS, version).filter(pl.col("property") == name).select("value", "flag").collect()


def _flagged(looked: Looked, rows: pl.DataFrame) -> None:
    for source, share in rows.group_by("source").agg(pl.col("flag").is_not_null().mean()).sort("source").iter_rows():
        looked.numbers[f"flagged share of {source}"] = share
        if share > MANY_FLAGGED:
            looked.findings.append(f"{share:.1%} of the values of {source} are flagged")


def _against_before(looked: Looked, rows: pl.DataFrame, earlier: pl.DataFrame) -> None:
    now, then = (_sound(frame) for frame in (rows, earlier))
    looked.numbers |= {"values": len(now), "values before": len(then)}
    if then.is_empty():
        return
    if len(now) < (1 - FEWER) * len(then):
        looked.findings.append(f"there are {len(now):,} values where {len(then):,} were before")
    if now.is_empty():
        return
    spread, spread_before = _spread(now), _spread(then)
    looked.numbers |= {"median": now.median(), "median before": then.median()}
    looked.numbers |= {"interquartile range": spread, "interquartile range before": spread_before}
    if abs(now.median() - then.median()) > MOVED * spread_before:
        looked.findings.append(f"the median was {then.median():.4g} before and is {now.median():.4g}")
    if spread_before and not NARROWER <= spread / spread_before <= WIDER:
        looked.findings.append(f"the interquartile range was {spread_before:.4g} before and is {spread:.4g}")


def _units(looked: Looked, name: str, lake: Lake, told: pl.DataFrame) -> None:
    """Flagged values speak here too: a wrong unit throws them out of their range."""
    zero = ZERO.get(name, 0.0)
    pairs = meetings(told).filter((pl.col("value_a").abs() > zero) & (pl.col("value_b").abs() > zero))
    ratios = pairs.with_columns(ratio=pl.col("value_b") / pl.col("value_a"))
    for key, of_pair in sorted(ratios.group_by(KEY), key=lambda found: found[0]):
        if len(of_pair) < FEWEST:
            continue
        one, other = (key[2], key[3]) if key[2] else key[:2]
        ratio = of_pair["ratio"].median()
        looked.numbers[f"{other} over {one}"] = ratio
        if words := unlike(ratio) and (_per_cell(lake, of_pair, one, other) or explained(ratio)):
            looked.findings.append(
                f"{other} is {ratio:.4g} times {one} in the median of {len(of_pair):,} shared materials: {words}"
            )


def unlike(ratio: float) -> bool:
    """Whether two sources are so far apart that a unit or a sign must be wrong."""
    return not 1 / OFF <= ratio <= OFF


def explained(ratio: float) -> str:
    """The unit that makes such a ratio of two sources, in words; several where they are too near to tell apart."""
    if ratio <= 0:
        return "of opposite sign"
    distance = {words: abs(abs(math.log(ratio)) - math.log(factor)) for words, factor in FACTORS.items()}
    near = sorted((words for words in FACTORS if distance[words] <= NEAR), key=distance.get)
    if not near:
        return "no known factor fits"
    return f"it looks like the factor {', or '.join(near)}" + ("" if ratio > 1 else ", the other way round")


def _per_cell(lake: Lake, of_pair: pl.DataFrame, one: str, other: str) -> str:
    """Words where a side is told per cell: its values are those of the other times its atoms. Else empty."""
    entries = pl.concat([of_pair["entry_a"], of_pair["entry_b"]]).unique()
    atoms = lake.scan(ENTRIES).filter(pl.col("entry_id").is_in(entries.implode())).select("entry_id", "n_atoms")
    told = of_pair.lazy()
    for side in "ab":
        told = told.join(atoms.rename({"entry_id": f"entry_{side}", "n_atoms": f"n_{side}"}), on=f"entry_{side}")
    frame = told.select("ratio", "n_a", "n_b").collect()
    for side, name, expected in (("b", other, pl.col("n_b").cast(pl.Float64)), ("a", one, 1 / pl.col("n_a"))):
        off = frame.filter(pl.col("ratio") > 0).select(((pl.col("ratio") / expected).log()).abs()).to_series()
        if len(off) >= FEWEST and frame[f"n_{side}"].n_unique() > 1 and off.quantile(0.75) < NEAR:
            return f"{name} looks told per cell, where per atom is due"
    return ""


def _others(looked: Looked, pairs: pl.DataFrame) -> None:
    for row in pairs.filter(pl.col("n_relative") >= FEWEST).iter_rows(named=True):
        one, other = (row["reading_a"], row["reading_b"]) if row["reading_a"] else (row["source_a"], row["source_b"])
        apart = row["median_relative_difference"]
        limit = tolerated(row["property"])
        looked.numbers[f"median relative difference of {one} and {other}"] = apart
        if apart > limit:
            looked.findings.append(
                f"{one} and {other} are {apart:.1%} apart in the median of {row['n_relative']:,}, over {limit:.0%}"
            )


def tolerated(name: str) -> float:
    """The median relative difference of two sources beyond which a property is looked at."""
    return TOLERATED * PUBLISHED[name] if name in PUBLISHED else TOLERATED_ELSE


def _sound(rows: pl.DataFrame) -> pl.Series:
    return rows.filter(pl.col("flag").is_null())["value"]


def _spread(values: pl.Series) -> float:
    return values.quantile(0.75, "linear") - values.quantile(0.25, "linear")
