"""Size: network and budget of a map's runs. No torch here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

LOSSES = ("l1", "huber")


@dataclass(frozen=True)
class Size:
    """Network and budget of every run of a map.

    width: of encoder and decoders, a multiple of four.  layers: convolutions.  depth: hidden layers of a decoder.
    steps: gradient steps, for every task the same.  batch: labelled rows that a task draws in a step, at most.
    learning_rate: OneCycle's highest.  loss: l1 or huber, as in `models/losses.py`.
    """

    width: int = 16
    layers: int = 2
    depth: int = 1
    steps: int = 160
    batch: int = 32
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    largest_gradient: float = 1.0
    loss: str = "l1"

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4:
            raise ValueError(f"width must be a multiple of four, found {self.width}")
        for field in ("layers", "depth", "steps", "batch"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be 1 or more, found {getattr(self, field)}")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, found {self.loss!r}")

    @property
    def digest(self) -> str:
        """Eight hex digits of all fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]
