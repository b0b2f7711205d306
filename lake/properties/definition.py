"""Property and Reading: what a property is, and where each database keeps it. The properties themselves: catalog.py."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Literal

Origin = Literal["measured", "computed"]


@dataclass(frozen=True)
class Reading:
    """Where one database keeps a property.

    source: slug of the database, or `labels` for the user's own values.
    path: dotted path in the record's fields (`bulk_modulus.vrh`), or a CIF data name.
    unit: unit as served; `muB/cell` and the like are divided by the entry's atoms.
    method: what produced the number, in words.
    level_of_theory: None means the level that the source states for the row.
    correction: scheme of correction applied by the source, or `none`.
    route: route of the source that tells it, empty for the record with the crystal. What a column crawl brought later
    stands under a route named as the path.
    """

    source: str
    path: str
    unit: str
    method: str
    level_of_theory: str | None = None
    correction: str = "none"
    route: str = ""


@dataclass(frozen=True)
class Property:
    """One property of a crystal.

    name: the field's standard term, snake_case; also the column of the matrix.
    label: for axes and headings; says measured or computed.
    unit: unit of every value in the lake.
    low, high: physical range in that unit; what lies outside becomes a row in `rejects`.
    levels: levels of theory that may fill the matrix, best first; a `*` admits any.
    log: whether learning works on the logarithm (positive quantities over decades).
    unsigned: the sign that databases serve is a convention without physics; values are sizes.
    """

    name: str
    label: str
    unit: str
    about: str
    group: str
    origin: Origin
    low: float
    high: float
    readings: tuple[Reading, ...]
    levels: tuple[str, ...] = ("*",)
    log: bool = False
    unsigned: bool = False

    @property
    def code_version(self) -> str:
        """Changes when anything about this property changes, and only then."""
        return hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:12]
