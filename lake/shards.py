"""Shards: every reduced formula belongs to one, by a hash that never changes, so that formulas can be shared out.

What belongs here: which shard a formula is in. What is done to a shard: lake/structures.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

COUNT = 16  # five million entries make shards of 300,000; Dagster takes 0.1 s to write down each of them in a run
ALL = tuple(f"{number:02d}" for number in range(COUNT))


@lru_cache(maxsize=1 << 16)
def shard_of(reduced_formula: str) -> str:
    """Two digits, `00` to `15`."""
    digest = hashlib.blake2b(reduced_formula.encode(), digest_size=8).digest()
    return ALL[int.from_bytes(digest, "big") % COUNT]
