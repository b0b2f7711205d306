"""A lake of made numbers at the sparsity of the real file: materials, and observations of many properties.

Five properties are told of nearly every entry, as energies and gaps are; the others of 2 to 50 % of them, evenly spread
over that range on a logarithmic scale. One material in ten is told by two databases. Numbers are drawn, words are those
of real observations, and the hashes of records are random, so that columns take the space they take in life.
"""

from __future__ import annotations

import binascii
from pathlib import Path

import numpy as np
import polars as pl

from lake.crystal import SYMBOLS
from lake.properties import PROPERTIES
from lake.properties.definition import Property
from lake.shards import shard_of
from lake.store import Lake
from lake.tables import MATERIALS, OBSERVATIONS

DENSE, DENSE_SHARE = 5, 0.99
SPARSE = (0.02, 0.50)  # what of the entries has the rarest and the most frequent of the other properties
TOLD_TWICE = 0.1
SECOND_LEVEL = 0.3  # of the entries are told at PBE+U


def chosen(count: int) -> list[Property]:
    """The properties that are told: so many of the catalog in its order, computed and of one level and correction."""
    computed = [prop for prop in PROPERTIES.values() if prop.origin == "computed" and _is_plain(prop)]
    if len(computed) < count:
        raise SystemExit(f"the catalog must have {count} computed properties, found {len(computed)}: ask for fewer")
    return computed[:count]


def _is_plain(prop: Property) -> bool:
    """Whether one column holds all that is told of it, so that the made values fill the matrix."""
    return all(reading.correction == "none" and reading.level_of_theory is None for reading in prop.readings)


def shares(count: int) -> list[float]:
    """The share of entries that each property is told of."""
    return [DENSE_SHARE] * min(DENSE, count) + np.geomspace(*SPARSE[::-1], max(count - DENSE, 0)).tolist()


def make(root: Path, materials: int, properties: int) -> Lake:
    """The lake below the root; one that stands there complete is taken as it is."""
    lake = Lake(root)
    done = root / f"made-{materials}-{properties}"
    if done.exists():
        return lake
    if root.exists() and any(root.iterdir()):
        raise SystemExit(f"{root} holds another lake, or half of one: name an empty folder")
    rng = np.random.default_rng(0)
    lake.replace(MATERIALS, _materials(materials, rng))
    entries = _entries(materials, rng)
    for prop, share in zip(chosen(properties), shares(properties), strict=True):
        lake.replace(OBSERVATIONS, observations(prop, entries, share, rng), partition=prop.name)
    done.touch()
    return lake


def observations(prop: Property, entries: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Observations of one property of that share of the entries, sorted by entry: a frame of OBSERVATIONS."""
    told = entries.filter(pl.Series(rng.random(len(entries)) < share))
    low = max(prop.low, -100.0)
    high = min(prop.high, low + 200.0)
    value = pl.Series(rng.uniform(low, high, len(told)))
    words = {
        "property": prop.name, "unit": prop.unit, "original_unit": prop.unit, "origin": prop.origin,
        "method": "made", "correction": "none", "licence": "CC BY 4.0", "run": "made",
    }  # fmt: skip
    absent = {"flag": pl.String, "temperature": pl.Float64, "pressure": pl.Float64, "reference": pl.String}
    return OBSERVATIONS.checked(
        told.with_columns(
            *(pl.lit(word).alias(name) for name, word in words.items()),
            *(pl.lit(None, dtype=dtype).alias(name) for name, dtype in absent.items()),
            reading=pl.col("source") + f":{prop.name}",
            value=value,
            original_value=value,
        ).select(OBSERVATIONS.schema.names())
    )


def _materials(count: int, rng: np.random.Generator) -> pl.DataFrame:
    formulas = _formulas(count, rng)
    ids = pl.int_range(count, eager=True).cast(pl.String).str.zfill(7)
    twice = pl.int_range(pl.len()) < int(count * TOLD_TWICE)
    sources = pl.when(twice).then(pl.lit(["mp", "aflow"])).otherwise(pl.lit(["mp"]))
    members = pl.when(twice).then(pl.concat_list("mp", "aflow")).otherwise(pl.concat_list("mp"))
    frame = pl.DataFrame({"material_id": "m-" + ids, "reduced_formula": formulas, "mp": "mp:mp-" + ids})
    frame = frame.with_columns(
        aflow="aflow:aflow:" + ids,
        shard=pl.Series([shard_of(formula) for formula in formulas]),
        kind=pl.lit("bulk"),
        representative="mp",
        space_group=pl.lit("P1"),
        space_group_number=pl.lit(1, dtype=pl.Int64),
        n_atoms=pl.lit(8, dtype=pl.Int64),
        bucket=pl.lit("made"),
    )
    frame = frame.with_columns(sources=sources, members=members)
    frame = frame.with_columns(n_sources=pl.col("sources").list.len().cast(pl.Int64))
    return MATERIALS.checked(frame.select(MATERIALS.schema.names()))


def _entries(materials: int, rng: np.random.Generator) -> pl.DataFrame:
    """entry_id, source, level_of_theory, payload_sha256, sorted by entry."""
    ids = pl.int_range(materials, eager=True).cast(pl.String).str.zfill(7)
    twice = ids.head(int(materials * TOLD_TWICE))
    entry_id = pl.concat(["aflow:aflow:" + twice, "mp:mp-" + ids])
    words = binascii.hexlify(rng.bytes(32 * len(entry_id))).decode()
    with_u = pl.Series(rng.random(len(entry_id)) < SECOND_LEVEL)
    return pl.DataFrame({"entry_id": entry_id, "with_u": with_u}).select(
        "entry_id",
        source=pl.col("entry_id").str.split(":").list.first(),
        level_of_theory=pl.when("with_u").then(pl.lit("PBE+U")).otherwise(pl.lit("PBE")),
        payload_sha256=pl.Series([words[i : i + 64] for i in range(0, len(words), 64)]),
    )


def _formulas(count: int, rng: np.random.Generator) -> list[str]:
    """Ternary formulas; several materials share one."""
    kinds = count // 3 + 1
    elements = np.array(SYMBOLS[1:84])[np.argsort(rng.random((kinds, 83)), axis=1)[:, :3]]
    amounts = rng.integers(1, 6, (kinds, 3))
    made = [
        "".join(symbol + (str(n) if n > 1 else "") for symbol, n in zip(*row, strict=True))
        for row in zip(elements.tolist(), amounts.tolist(), strict=True)
    ]
    return [made[i] for i in rng.integers(0, kinds, count)]
