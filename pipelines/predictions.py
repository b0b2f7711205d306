"""Predictions as `predict` gives them: batch by batch, so that a folder of any size is never held in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lake.crystal import Crystal, CrystalError
from pipelines.crystal_files import crystal_named, named_by
from pipelines.manners import complain
from pipelines.printing import Stream

if TYPE_CHECKING:
    from lake.store import Lake
    from models.predicting import Predictor

CRYSTALS = 256  # at once
ATOMS = 8192  # at once, or one crystal


def answer(asked: Sequence[str], lake: "Lake", predictor: "Predictor", answers: Stream) -> bool:
    """Print what is said of each file, folder or id; whether all were answered. A reason for each that was not."""
    from lake.progress import track

    waiting: dict[str, Crystal] = {}
    atoms, fine = 0, True
    names = list(named_by(asked))  # names alone: they tell how long it will take
    for name in track(names, "predicting"):
        try:
            crystal = crystal_named(name, lake)
        except CrystalError as fault:
            complain(str(fault))
            fine = False
            continue
        if waiting and (len(waiting) >= CRYSTALS or atoms + len(crystal) > ATOMS):
            answers.add(predictor(waiting))
            waiting, atoms = {}, 0
        waiting[name] = crystal
        atoms += len(crystal)
    answers.add(predictor(waiting))
    answers.end()
    return fine
