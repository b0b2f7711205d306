"""What the report says of transfer maps, gathered from their tables as plain rows; no HTML here and no drawing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from lake.store import Lake
from lake.tables.models import GROUPS, TRANSFER_MAP

Rows = list[dict[str, Any]]
CLAIMS = 40  # in the table: the surest
REACH = 0.75  # of a bar's half, which the largest gain takes: the rest is for its interval
VERDICTS = ("helps", "hurts", "no transfer", "unclear")


@dataclass(frozen=True)
class MapFacts:
    """One study: a map, its groups, and what is to be thought of it. Names and levels are as people read them."""

    study: str
    slug: str
    gains: pl.DataFrame
    groups: pl.DataFrame
    tasks: Rows
    families: int
    pairs: int
    of_sets: int
    between: int
    verdicts: dict[str, int]
    seeds: str
    confirmation: str
    tried: int
    confirmed: int
    trusted: bool
    power: str
    placebo: float | None
    knowing: dict[str, Any] | None
    claims: Rows
    claims_left: int
    company: Rows
    reasons: Rows
    skill: str
    versions: dict[str, str]
    licences: list[str]
    pages: Rows


def maps(lake: Lake) -> list[MapFacts]:
    """Every study of the tables, that of the lake itself first; none where no map was made."""
    gains, groups = lake.read(TRANSFER_MAP), lake.read(GROUPS)
    studies = sorted(gains["study"].unique(), key=lambda study: (study != "lake", study))
    slugs = addresses(studies)
    return [map_facts(lake, gains.filter(study=study), groups.filter(study=study), slugs[study]) for study in studies]


def map_facts(lake: Lake, gains: pl.DataFrame, groups: pl.DataFrame, slug: str) -> MapFacts:
    """What is said of one study, from its rows of both tables."""
    from models.figures.power import statement
    from models.figures.task_names import between, claims, full_name, in_families, of_pairs
    from models.transfer_map.pages import page
    from models.transfer_map.statistics.confirmation import rate

    trained = of_pairs(gains)
    apart = between(trained)
    tried = apart.drop_nulls("confirmed").with_columns(kept=pl.col("confirmed_gain") / pl.col("gain_placebo"))
    told = rate(tried)
    versions = versions_of(gains)
    sure = pl.min_horizontal(pl.col("low_placebo").abs(), pl.col("high_placebo").abs())
    stand = claims(gains).sort(sure, "target", "source", descending=[True, False, False])
    names = in_families(gains)
    to = addresses(names["name"].to_list())
    reach = _reach(gains)
    pages = []
    asked = set(gains["target"])  # a map of one target has sources that have no page
    for name in filter(asked.__contains__, names["name"]):
        one = page(gains, name, versions, full_name, told.trusted)
        served = served_by(gains, name, reach)
        pages.append(_drawn(one, reach) | {"to": to[name], "serves": served, "company": _company(groups, name)})
    explained, skill = _reasons(lake, gains)
    return MapFacts(
        study=gains["study"][0],
        slug=slug,
        gains=gains,
        groups=groups,
        tasks=[{"task": name, "to": to[name] if name in asked else ""} for name in names["name"]],
        families=names["family"].n_unique(),
        pairs=len(trained),
        of_sets=len(gains) - len(trained),
        between=len(apart),
        verdicts={verdict: int((apart["verdict"] == verdict).sum()) for verdict in VERDICTS},
        seeds=_range(trained["n"]),
        confirmation=re.sub(" ?%", "\u00a0%", told.words),
        tried=told.tried,
        confirmed=told.confirmed,
        trusted=told.trusted,
        power=statement(trained),
        placebo=(apart["gain"] - apart["gain_placebo"]).median(),
        knowing=_knowing(apart),
        claims=[_barred(row, reach) for row in stand.head(CLAIMS).to_dicts()],
        claims_left=max(0, len(stand) - CLAIMS),
        company=_company(groups, ""),
        reasons=explained,
        skill=skill,
        versions=versions,
        licences=sorted({one for of in gains["licences"] for one in of}),
        pages=pages,
    )


def versions_of(gains: pl.DataFrame) -> dict[str, str]:
    """Versions that every claim carries: of lake, data, graphs, networks and code."""
    found = {
        "lake": _listed(gains["snapshot"]) or "no snapshot",
        "data": _listed(gains["data"]),
        "graphs": _listed(gains["graphs"]),
        "networks": f"width {_range(gains['width'])}, {_range(gains['steps'])} steps",
    }
    return found | {"code": _listed(gains["code"]) or "not told"}


def served_by(gains: pl.DataFrame, source: str, reach: float) -> Rows:
    """The claims in which a property is the source."""
    from models.figures.task_names import claims

    rows = claims(gains).filter(source=source).sort("gain_placebo", "target", descending=[True, False])
    return [_barred(row, reach) for row in rows.to_dicts()]


def addresses(names: Sequence[str]) -> dict[str, str]:
    """Name -> what it may be called in a file's name; no two alike."""
    found: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"\W+", "_", name).strip("_").lower() or "task"
        while slug in found.values():
            slug += "_"
        found[name] = slug
    return found


def _drawn(page: dict, reach: float) -> dict:
    return {
        name: [_barred(row, reach) for row in part] if isinstance(part, list) else part for name, part in page.items()
    }


def _barred(row: dict, reach: float) -> dict:
    """The row with where its gain and interval stand on a bar from -1 (hurts) to 1 (helps), cut at both ends."""
    place: Callable[[float | None], float | None] = partial(_place, reach=reach)
    ends = ("low_placebo", "gain_placebo", "high_placebo")
    return row | {"bar": [place(row[name]) for name in ends]}


def _place(gain: float | None, reach: float) -> float | None:
    return None if gain is None else max(-1.0, min(1.0, REACH * gain / reach))


def _reach(gains: pl.DataFrame) -> float:
    """The gain that a bar must hold; intervals may be cut."""
    return max(gains["gain_placebo"].abs().max() or 0.0, 1e-3)


def _company(groups: pl.DataFrame, target: str) -> Rows:
    """Groups that serve this target, or all, largest first: method, group, tasks (task and gain), recipe."""
    rows = []
    for (method, number), part in groups.filter(target=target).group_by("method", "group", maintain_order=True):
        part = part.sort("gain", "task", descending=[True, False], nulls_last=True)
        told = part.select("task", "gain").to_dicts()
        rows.append({"method": method, "group": number, "tasks": told, "recipe": part["recipe"][0]})
    return sorted(rows, key=lambda row: (row["method"], -len(row["tasks"]), row["group"]))


def _knowing(apart: pl.DataFrame) -> dict[str, Any] | None:
    """n pairs, and median raw gain without and with the source's labels on the target's test crystals."""
    both = apart.drop_nulls(["gain", "gain_knowing"])
    return (
        {"n": len(both), "not": both["gain"].median(), "knowing": both["gain_knowing"].median()} if len(both) else None
    )


def _reasons(lake: Lake, gains: pl.DataFrame) -> tuple[Rows, str]:
    from models.transfer_map.reasons import reasons

    found = reasons(lake, gains)
    share = {row["measure"]: row for row in found.skill.to_dicts()}.get("R2")
    if share is None or share["value"] is None:
        return found.effects.to_dicts(), ""
    words = f"Of a property that they never saw, all of them together tell a share of {share['value']:.2f} of what "
    words += "differs between its gains"
    if share["low"] is not None:
        words += f" (R², 95 % interval {share['low']:.2f} to {share['high']:.2f}, n = {share['tasks']} properties)"
    sure = share["low"] is not None and share["low"] > 0
    words += "." if sure else ". That is not told from nothing: do not choose partners by it."
    return found.effects.to_dicts(), words.replace("-", "−")


def _range(values: pl.Series) -> str:
    if not len(values):
        return "no"
    low, high = values.min(), values.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _listed(values: pl.Series) -> str:
    return ", ".join(sorted(set(values) - {""}))
