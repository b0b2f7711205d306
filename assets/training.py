"""Training: models of one property each, one model of all together, and what they say of every crystal."""

from typing import Any, Protocol

import dagster as dg

from assets.conventions import described, shown_as
from assets.observations import observed
from lake.store import Lake
from lake.tables import PREDICTIONS, RUNS
from models.study import BASELINES

CODE = tuple(f"models.{name}" for name in ("study", "dataset", "network", "encoders.cgcnn", "batch", "scale", "heads", "fit"))
LEARNT_FROM = ["entries", "splits", "graphs", *observed(*BASELINES)]
TORCH = frozenset({"pytorch", "mlflow"})


class Tracker(Protocol):
    """Whoever keeps the books of training. The storey above brings MLflow; anything that can `log` will do in a test."""

    def log(self, run: Any) -> None:
        """Write down one finished run: its recipe, its loss by epoch, its errors."""


def studied(study: str, key: str, about: str) -> dg.AssetsDefinition:
    """The asset of all runs of one study: its partition of the table `runs`, with the test errors as metadata."""

    @dg.asset(**shown_as(RUNS, CODE, key=key, kinds=TORCH, about=about), deps=LEARNT_FROM)
    def runs(lake: dg.ResourceParam[Lake], tracker: dg.ResourceParam[Tracker]) -> dg.MaterializeResult:
        from models.study import train

        errors = train(lake, study, log=tracker.log)
        return described(lake, RUNS, study, key=key, **errors)

    return runs
