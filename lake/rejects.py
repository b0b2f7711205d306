"""Rows of the table `rejects`: one per entry and step, however many reasons there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from lake.tables import REJECTS


class Reject(NamedTuple):
    """What could not be used: entry, database, reason, and the hash of its record where there is one."""

    entry_id: str
    source: str
    reason: str
    payload_sha256: str | None = None


def rejects_of(stage: str, refused: Iterable[Reject]) -> pl.DataFrame:
    """The partition `stage` of REJECTS; several reasons for one entry are joined."""
    rows = pl.DataFrame(list(refused), schema=dict.fromkeys(Reject._fields, pl.String), orient="row")
    joined = rows.group_by("entry_id", maintain_order=True).agg(
        pl.col("source").first(), pl.col("reason").str.join("; "), pl.col("payload_sha256").first()
    )
    return REJECTS.checked(joined.with_columns(stage=pl.lit(stage)))
