"""Seeds: randomness that belongs to a name, so that the sample is the same on every machine and in every order."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(*words: str) -> np.random.Generator:
    """A generator of its own for these words."""
    return np.random.default_rng(int(hexadecimal(*words), 16))


def hexadecimal(*words: str) -> str:
    """16 hexadecimal digits that belong to these words."""
    return hashlib.blake2b("\n".join(words).encode(), digest_size=8).hexdigest()
