"""Records read as crystals: bronze `records` to silver `entries`, and to `rejects` what cannot be one.

What belongs here: the way from a source's latest records to rows, and from rows back to crystals, ordered or not. How
a payload is read belongs to its source.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from lake.crawl.versions import latest_records
from lake.crystal import Crystal, CrystalError
from lake.disordered import DisorderedCrystal
from lake.progress import track
from lake.shards import shard_of
from lake.sources.page import Entry, Source, Unusable
from lake.store import Lake
from lake.tables import ENTRIES, REJECTS

DISORDERED = "disordered"  # the kind of entries with a DisorderedCrystal


def write_entries(lake: Lake, source: Source) -> dict[str, int]:
    """Read every latest record of a source; replaces its partition of `entries` and `entries.<slug>` of `rejects`.

    Returns the counts `entries` and `rejects`, which together are the source's latest records.
    """
    accepted: list[pl.DataFrame] = [ENTRIES.empty()]
    refused: list[pl.DataFrame] = [REJECTS.empty()]
    for batch in track(latest_records(lake, source.name), f"entries {source.name}"):
        rows = list(_rows(batch, source))
        accepted.append(ENTRIES.frame([row for row in rows if "reason" not in row]))
        refused.append(REJECTS.frame([row for row in rows if "reason" in row]))
    entries = pl.concat(accepted).sort("shard", "reduced_formula", "entry_id")
    rejects = pl.concat(refused).sort("entry_id")
    lake.replace(ENTRIES, entries, source.name)
    lake.replace(REJECTS, rejects, _stage(source))
    return {"entries": len(entries), "rejects": len(rejects)}


def crystal_of(row: Mapping[str, Any]) -> Crystal:
    """The ordered crystal in a row of `entries` of any kind but `disordered`."""
    return Crystal(np.asarray(row["lattice"]), np.asarray(row["positions"]), np.asarray(row["numbers"]))


def disordered_crystal_of(row: Mapping[str, Any]) -> DisorderedCrystal:
    """The crystal in a row of `entries` of the kind `disordered`."""
    return DisorderedCrystal(np.asarray(row["lattice"]), np.asarray(row["positions"]), tuple(row["species"]))


def crystals(frame: pl.DataFrame) -> list[Crystal]:
    """The ordered crystals of rows of `entries`, in their order."""
    return [crystal_of(row) for row in frame.select("lattice", "positions", "numbers").iter_rows(named=True)]


def _stage(source: Source) -> str:
    return f"entries.{source.name}"


def _rows(batch: pl.DataFrame, source: Source) -> Iterator[dict[str, Any]]:
    """A row of ENTRIES for each record that can be read, a row of REJECTS for each that cannot."""
    for record, told in zip(batch.iter_rows(named=True), _told(batch["payload"].to_list(), source), strict=True):
        named = {
            "entry_id": f"{source.name}:{record['source_id']}",
            "source": source.name,
            "payload_sha256": record["payload_sha256"],
        }
        try:
            yield named | _read(record, told)
        except (CrystalError, Unusable) as fault:
            yield named | {"stage": _stage(source), "reason": str(fault)}
        except Exception as fault:  # a parser that crashes is one bad record, not the end of the others
            reason = f"could not be read: {type(fault).__name__}: {fault}"
            yield named | {"stage": _stage(source), "reason": reason}


def _told(payloads: Sequence[str], source: Source) -> Iterator[Entry | Exception]:
    """What each payload is read as, or why not: by the source's `read_many` where it has one, else one by one."""
    read_many = getattr(source, "read_many", None)
    if read_many is not None:
        try:
            yield from read_many(payloads)
            return
        except Exception as fault:  # a parser that crashes says nothing of any record: one by one it will
            logging.getLogger(__name__).warning("%s: a batch could not be read at once: %s", source.name, fault)
    for payload in payloads:
        try:
            yield source.read(payload)
        except Exception as fault:
            yield fault


def _read(record: Mapping[str, Any], told: Entry | Exception) -> dict[str, Any]:
    if isinstance(told, Exception):
        raise told
    entry, crystal = told, told.crystal.checked()
    disordered = isinstance(crystal, DisorderedCrystal)
    formula = crystal.reduced_formula if disordered else _reduced_formula(tuple(crystal.counts.items()))
    return {
        "source_id": record["source_id"],
        "kind": DISORDERED if disordered else entry.kind,
        "reduced_formula": formula,
        "shard": shard_of(formula),
        "n_atoms": len(crystal),
        "volume": crystal.volume,
        "lattice": crystal.lattice.ravel().tolist(),
        "positions": crystal.positions.ravel().tolist(),
        "numbers": crystal.numbers.tolist(),
        "species": list(crystal.species) if disordered else None,
        "structure_hash": crystal.structure_hash,
        "year": entry.year,
        "level_of_theory": entry.level_of_theory,
        "licence": entry.licence,
        "fetched_at": record["fetched_at"],
    }


@cache
def _reduced_formula(counts: tuple[tuple[str, int], ...]) -> str:
    """pymatgen's reduced formula, once per composition: it costs more than all the rest of a row."""
    from pymatgen.core import Composition

    with warnings.catch_warnings():  # noble gases have no electronegativity, which only orders the symbols
        warnings.simplefilter("ignore")
        return Composition(dict(counts)).reduced_formula
