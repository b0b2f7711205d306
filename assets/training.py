"""Training: models of one property each, one model of all together, and what they say of every crystal."""

from collections.abc import Iterable
from typing import Any, Protocol

import dagster as dg

from assets.conventions import described, shown_as
from assets.observations import observed
from lake.store import Lake
from lake.tables import PREDICTIONS, RUNS

LEARNERS = tuple(f"models.{name}" for name in ("study", "dataset", "network", "encoders.cgcnn", "batch", "scale", "heads", "fit"))


class Tracker(Protocol):
    """Whoever keeps the books of training. The storey above brings one; a list will do in a test."""

    def log(self, run: Any) -> None:
        """Write down one finished run: its recipe, its history epoch by epoch, its errors."""
