"""Random streams keyed by name, so that what one part draws depends neither on the others nor on their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def seed_of(seed: int, name: str) -> int:
    """A seed of its own for this name, 63 bits."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def stream(seed: int, name: str) -> Iterator[None]:
    """Inside, torch draws from the stream of this name; outside, its state is what it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, name))
        yield


def generator(seed: int, name: str) -> torch.Generator:
    """A generator on the stream of this name."""
    return torch.Generator().manual_seed(seed_of(seed, name))
