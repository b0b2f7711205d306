"""How far two databases are apart where both state the same property of the same material: `disagreement`, the worst.

What belongs here: which values are set against each other, and the statistics of their differences. The rules:

- A database that tells a material several times counts once, with its median. Own values are the source `labels`.
- Flagged values are in no statistic. A material that drops out for it is counted in `flagged`.
- Two readings of one database on one entry (two vintages, two mixing schemes) are compared too, as a row of their own.
- A relative difference is |a - b| over (|a| + |b|) / 2. Near zero it means nothing: two metals agree in their gap and
  say nothing of how well gaps agree, and 0 against 0.02 eV is 200 %. So it is taken over the pairs of which neither
  value counts as zero (`ZERO`), and the pairs of which just one does are counted in `one_zero`.

Different levels of theory stay different: this says what a user meets, not who is right. One property is in memory at a
time, so memory grows with the largest property and time with the number of observations.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from lake.entry_pages import page_of
from lake.properties import PROPERTIES
from lake.store import Lake
from lake.tables import DISAGREEMENT, MATERIALS, OBSERVATIONS, WORST_DISAGREEMENTS

# Median relative differences between AFLOW, Materials Project and OQMD, as its abstract gives them. Volumes are per
# atom there, moments per formula unit: a ratio knows no difference.
CITATION = "Hegde et al., Phys. Rev. Materials 7, 053805 (2023), arXiv:2007.01988"
PUBLISHED = {
    "formation_energy_per_atom": 0.06,
    "volume_per_atom": 0.04,
    "band_gap": 0.09,
    "magnetization_per_atom": 0.08,
}
ZERO = {name: known.zero for name, known in PROPERTIES.items() if known.zero}  # what counts as zero, where not 0 alone
WORST = 20  # materials per property and pair
LEVELS = 5  # pairs of levels that are named; the rest are counted
FEWEST = 3  # materials that have a correlation

KEY = ("source_a", "source_b", "reading_a", "reading_b")
A, B = pl.col("value_a"), pl.col("value_b")
DIFFERENCE = (A - B).abs()
RELATIVE = 2 * DIFFERENCE / (A.abs() + B.abs())


class Compared(NamedTuple):
    """Rows of DISAGREEMENT and of WORST_DISAGREEMENTS."""

    pairs: pl.DataFrame
    worst: pl.DataFrame


def write_disagreement(lake: Lake) -> dict[str, int]:
    """Write DISAGREEMENT and WORST_DISAGREEMENTS anew, property by property; returns their sizes."""
    members = members_of(lake)
    found = [compared(name, told_of(lake, name, members), members) for name in observed(lake)]
    pairs = pl.concat([DISAGREEMENT.empty(), *(one.pairs for one in found)])
    worst = pl.concat([WORST_DISAGREEMENTS.empty(), *(one.worst for one in found)])
    lake.replace(DISAGREEMENT, pairs)
    lake.replace(WORST_DISAGREEMENTS, worst)
    return {"properties": pairs["property"].n_unique(), "pairs": len(pairs), "worst": len(worst)}


def disagreement(lake: Lake, at_least: int = 1) -> pl.DataFrame:
    """DISAGREEMENT as it was written, most materials first; only pairs that share so many unflagged ones."""
    rows = lake.read(DISAGREEMENT).filter(pl.col("n") >= at_least)
    return rows.sort("n", "property", *KEY, descending=[True, *[False] * (len(KEY) + 1)])


def observed(lake: Lake) -> list[str]:
    """Names of the properties that have an observation, sorted."""
    return lake.scan(OBSERVATIONS).select(pl.col("property").unique().sort()).collect()["property"].to_list()


def members_of(lake: Lake) -> pl.DataFrame:
    """material_id, reduced_formula, entry_id, of every entry that is in a material."""
    rows = lake.scan(MATERIALS).select("material_id", "reduced_formula", pl.col("members").alias("entry_id"))
    return rows.explode("entry_id").collect()


def compared(name: str, told: pl.DataFrame, members: pl.DataFrame) -> Compared:
    """One property: every pair of sources, and of readings of one source, that tell the same material."""
    pairs = meetings(told.filter(pl.col("flag").is_null()))
    with_flagged = meetings(told).group_by(KEY).agg(told=pl.len().cast(pl.Int64))
    if with_flagged.is_empty():
        return Compared(DISAGREEMENT.empty(), WORST_DISAGREEMENTS.empty())
    what = {"property": pl.lit(name), "unit": pl.lit(told["unit"][0])}
    rows = (
        with_flagged.join(pairs.group_by(KEY).agg(*statistics(name)), on=KEY, how="left")
        .join(_levels(pairs), on=KEY, how="left")
        .with_columns(pl.col("n", "one_zero", "n_relative").fill_null(0), pl.col("levels").fill_null(""))
        .with_columns(flagged=pl.col("told") - pl.col("n"), published=_published(name), **what)
        .sort(KEY)
    )
    worst = _worst(pairs, name in PROPERTIES and PROPERTIES[name].log).with_columns(**what)
    worst = worst.join(members.select("material_id", "reduced_formula").unique(), on="material_id", how="left")
    return Compared(
        DISAGREEMENT.checked(rows.select(DISAGREEMENT.schema.names())),
        WORST_DISAGREEMENTS.checked(worst.select(WORST_DISAGREEMENTS.schema.names()).sort(*KEY, "rank")),
    )


def _published(name: str) -> pl.Expr:
    """Between databases; of two readings of one, nothing is published."""
    return pl.when(pl.col("reading_a") == "").then(pl.lit(PUBLISHED.get(name), pl.Float64))


def told_of(lake: Lake, name: str, members: pl.DataFrame) -> pl.DataFrame:
    """The observations of a property whose entry is in a material, flagged ones too, with the material."""
    level = pl.when(pl.col("correction") == "none").then("level_of_theory")
    level = level.otherwise(pl.format("{} ({})", "level_of_theory", "correction"))
    rows = lake.scan(OBSERVATIONS).filter(pl.col("property") == name)
    rows = rows.select("entry_id", "source", "reading", "value", "unit", "flag", level.alias("level"))
    return rows.collect().join(members.select("material_id", "entry_id"), on="entry_id")


def meetings(told: pl.DataFrame) -> pl.DataFrame:
    """A row per material and pair of sources, and per entry and pair of readings of one source.

    Columns: those of KEY, material_id, and of either side entry, value and level.
    """
    sources = _set_against(_voices(told, "material_id", "source"), "material_id", "source")
    sources = sources.with_columns(reading_a=pl.lit(""), reading_b=pl.lit(""))
    twice = told.filter(pl.struct("entry_id", "source").is_duplicated())
    readings = _set_against(_voices(twice, "material_id", "entry_id", "source", "reading"), "entry_id", "reading")
    readings = readings.filter(pl.col("source_a") == pl.col("source_b"))
    columns = [*KEY, "material_id", *(f"{what}_{side}" for side in "ab" for what in ("entry", "value", "level"))]
    return pl.concat([sources.select(columns), readings.select(columns)])


def _voices(told: pl.DataFrame, *by: str) -> pl.DataFrame:
    """One row for each of these: the median of its values, the entry that is nearest to it, its levels of theory."""
    nearest = told.with_columns(median=pl.col("value").median().over(by))
    nearest = nearest.sort((pl.col("value") - pl.col("median")).abs(), "entry_id")
    return nearest.group_by(by, maintain_order=True).agg(
        pl.col("entry_id").first().alias("entry"),
        pl.col("median").first().alias("value"),
        pl.col("level").unique().sort().str.join(" and "),
    )


def _set_against(voices: pl.DataFrame, place: str, voice: str) -> pl.DataFrame:
    """Every two voices at one place, once: those that sort first are `_a`."""
    first = voices.rename({name: f"{name}_a" for name in voices.columns if name not in (place, "material_id")})
    other = voices.rename({name: f"{name}_b" for name in voices.columns if name not in (place, "material_id")})
    other = other.drop("material_id") if place != "material_id" else other
    return first.join(other, on=place).filter(pl.col(f"{voice}_a") < pl.col(f"{voice}_b"))


def statistics(name: str) -> list[pl.Expr]:
    """What DISAGREEMENT says of rows with value_a and value_b, two values of that property of one material each."""
    zero = ZERO.get(name, 0.0)
    zero_a, zero_b = A.abs() <= zero, B.abs() <= zero
    spread = (pl.len() >= FEWEST) & (A.n_unique() > 1) & (B.n_unique() > 1)
    return [
        pl.len().cast(pl.Int64).alias("n"),
        (zero_a ^ zero_b).sum().cast(pl.Int64).alias("one_zero"),
        (~zero_a & ~zero_b).sum().cast(pl.Int64).alias("n_relative"),
        DIFFERENCE.median().alias("median_difference"),
        DIFFERENCE.quantile(0.9, "linear").alias("p90_difference"),
        (B - A).median().alias("bias"),
        RELATIVE.filter(~zero_a & ~zero_b).median().alias("median_relative_difference"),
        pl.when(spread).then(pl.corr(A, B)).fill_nan(None).alias("correlation"),
        pl.when(spread).then(pl.corr(A.rank(), B.rank())).fill_nan(None).alias("rank_correlation"),
    ]


def _levels(pairs: pl.DataFrame) -> pl.DataFrame:
    """KEY and `levels`: "PBE against PBE+U: 12; ...", most frequent first."""
    words = pl.format("{} against {}: {}", "level_a", "level_b", "count")
    counted = pairs.group_by(*KEY, "level_a", "level_b").agg(count=pl.len())
    counted = counted.sort("count", "level_a", "level_b", descending=[True, False, False])
    more = pl.col("count").slice(LEVELS).sum()
    told = counted.group_by(KEY, maintain_order=True).agg(words.head(LEVELS).str.join("; ").alias("levels"), more=more)
    rest = pl.when(pl.col("more") > 0).then(pl.format("; others: {}", "more")).otherwise(pl.lit(""))
    return told.select(*KEY, pl.concat_str("levels", rest).alias("levels"))


def _worst(pairs: pl.DataFrame, over_decades: bool) -> pl.DataFrame:
    """The WORST pairs of each key that differ most, with their rank and links."""
    by = "relative_difference" if over_decades else "difference"
    rows = pairs.with_columns(difference=DIFFERENCE, relative_difference=RELATIVE)
    rows = rows.filter(pl.col("difference") > 0).sort(by, "material_id", "entry_a", descending=[True, False, False])
    rows = rows.group_by(KEY, maintain_order=True).head(WORST)
    links = {f"link_{s}": pl.col(f"entry_{s}").map_elements(page_of, pl.String) for s in "ab"}
    return rows.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(KEY), **links)
