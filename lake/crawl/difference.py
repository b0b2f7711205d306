"""What a crawl changed: counts of records, and every numeric field against the crawl that was published before.

What belongs here: rows of `differences`, and when one is an alarm. What an alarm does belongs to publication.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lake.crawl.known import Known
from lake.crawl.states import published
from lake.sources.page import MAIN, Source
from lake.store import Lake
from lake.tables import DIFFERENCES, RECORDS

RECORDS_FIELD = "records"
LARGEST_DROP = 0.05  # share of the records that may be gone at once
FEW = 20  # records that may be gone at once, whatever their share: small lakes breathe
LARGEST_JUMP = 0.25  # by which a mean may move at once, in standard deviations of the crawl before
ENOUGH = 100  # values before and now, below which a mean may move as it likes
COLUMNS = ("route", "source_id", "payload_sha256", "crawl", "payload")
DEEPEST = 3  # levels of nested fields that are looked into (`elasticity.bulk_modulus.vrh`)


@dataclass
class Spread:
    """Count, extremes, mean and spread of a field, gathered batch by batch (Chan, Golub and LeVeque 1983).

    Sums are long doubles, so that the order of batches, which differs from lake to lake, stays below what is told.
    """

    n: int = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    _mean: np.longdouble = field(default_factory=lambda: np.longdouble(0))
    _squares: np.longdouble = field(default_factory=lambda: np.longdouble(0))

    def add(self, values: np.ndarray) -> None:
        """Take in more values, shape (m,)."""
        if not len(values):
            return
        self.minimum, self.maximum = min(self.minimum, float(values.min())), max(self.maximum, float(values.max()))
        values = values.astype(np.longdouble)
        m, mean = len(values), values.mean()
        both, apart = self.n + m, mean - self._mean
        self._squares += ((values - mean) ** 2).sum() + apart * apart * self.n * m / both
        self._mean += apart * m / both
        self.n = both

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(self._mean)

    @property
    def deviation(self) -> float:
        """Standard deviation of the values."""
        return float(np.sqrt(self._squares / self.n)) if self.n else 0.0


@dataclass(frozen=True)
class Counts:
    """Records that are new, that have a new version, and that the source no longer lists."""

    added: int
    changed: int
    gone: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)


def compare(
    lake: Lake, source: Source, crawl: str, known: Known, counts: Counts, buried: Mapping[str, set[str]]
) -> pl.DataFrame:
    """Rows of DIFFERENCES for a crawl, against the one that was published before; the caller writes them.

    known: what the lake holds of the source now. buried: route -> ids that are gone and count no more. One pass over
    the latest records, batch by batch; none where nothing changed.
    """
    earlier = published(lake, source.name, whole=True)
    of_source = pl.col("source") == source.name
    table = lake.scan(DIFFERENCES).filter(of_source & (pl.col("crawl") == (earlier or "")))
    before = {row["field"]: row for row in table.collect().iter_rows(named=True)}
    newest = lake.scan(RECORDS).filter(of_source).select(pl.col("crawl").max()).collect().item()
    if before and not counts and newest <= earlier:
        rows = [_row(name, then["n"], then, then) for name, then in before.items()]
    else:
        spreads, n = _spreads(lake, source, known, buried)
        rows = [_row(RECORDS_FIELD, n, {}, before.get(RECORDS_FIELD))]
        for name in sorted({*spreads, *before} - {RECORDS_FIELD}):
            spread = spreads.get(name, Spread())
            now = {key: getattr(spread, key) for key in NUMBERS} if spread.n else {}
            rows.append(_row(name, spread.n, now, before.get(name)))
    for row in rows:
        row |= {"source": source.name, "crawl": crawl}
        if row["field"] == RECORDS_FIELD:
            row |= vars(counts)
        row["alarm"] = _alarm(row) if before else None
    return DIFFERENCES.frame(rows)


NUMBERS = ("minimum", "maximum", "mean", "deviation")


def _row(name: str, n: int, now: Mapping[str, object], then: Mapping[str, object] | None) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(DIFFERENCES.schema)
    row |= {"field": name, "n": n, "n_before": then["n"] if then else None}
    for key in NUMBERS:
        row |= {key: now.get(key), f"{key}_before": then[key] if then else None}
    return row


def _alarm(row: Mapping[str, object]) -> str | None:
    """The reason to hold a crawl back for this row, None where there is none."""
    name, n, then = row["field"], row["n"], row["n_before"]
    if then is None:
        return None
    lost = then - n
    if lost > FEW and lost > LARGEST_DROP * then:
        kind = "records" if name == RECORDS_FIELD else f"values of {name}"
        return f"{kind} may fall by {LARGEST_DROP:.0%} at once, they fell from {then:,} to {n:,}"
    deviation = row["deviation_before"]
    if name == RECORDS_FIELD or min(n, then) < ENOUGH or not deviation:
        return None
    jump = abs(row["mean"] - row["mean_before"]) / deviation
    if jump <= LARGEST_JUMP:
        return None
    return (
        f"the mean of {name} may move by {LARGEST_JUMP:g} standard deviations at once, it moved by {jump:.2f} "
        f"from {row['mean_before']:.6g} to {row['mean']:.6g}"
    )


def _spreads(lake: Lake, source: Source, known: Known, buried: Mapping[str, set[str]]) -> tuple[dict[str, Spread], int]:
    """Field -> spread over the latest records of all routes, and how many records of the main route there are."""
    spreads: dict[str, Spread] = {}
    n = 0
    for batch in lake.stream(RECORDS, source.name, COLUMNS):
        values: defaultdict[str, list[float]] = defaultdict(list)
        latest = known.latest(batch).select("route", "source_id", "payload")
        for route, source_id, payload in latest.iter_rows():
            if source_id not in buried.get(route, ()):
                n += route == MAIN
                _gather(_readable(source, payload), "", 1, values)
        for name, found in values.items():
            numbers = np.asarray(found, dtype=np.float64)
            spreads.setdefault(name, Spread()).add(numbers[np.isfinite(numbers)])
    return spreads, n


def _readable(source: Source, payload: str) -> Mapping[str, object]:
    try:
        return source.fields(payload)
    except Exception:  # it stands in `rejects` with its reason
        return {}


def _gather(fields: Mapping[str, object], above: str, depth: int, values: defaultdict[str, list[float]]) -> None:
    """Add every number among the fields under its dotted path; lists are passed over, flags are no numbers."""
    for name, value in fields.items():
        kind = type(value)
        if kind is float or kind is int:
            values[above + name].append(value)
        elif kind is dict and depth < DEEPEST:
            _gather(value, f"{above}{name}.", depth + 1, values)
