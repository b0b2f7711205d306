"""One colour and one mark per model, the same in every picture; no reader depends on colour."""

from __future__ import annotations

from matplotlib.lines import Line2D

MARKS = {
    "cgcnn": ("#0b4f72", "o"),
    "cgcnn joint": ("#2f88a8", "D"),
    "composition": ("#b84a00", "s"),
    "structure": ("#a3439a", "^"),
    "mean": ("#66757e", "_"),
    "median": ("#99a6ad", "|"),
}
# ways of sharing, alone or behind the name of an encoder
METHODS = {
    "single": ("#0b4f72", "o"),
    "hard": ("#2f88a8", "D"),
    "mmoe": ("#3d7a2a", "v"),
    "adashare": ("#b84a00", "s"),
    "vmtl": ("#a3439a", "^"),
    "unit": ("#5a4fb0", "X"),
    "experts": ("#8a6d00", "P"),
}
FURTHER = (("#3d7a2a", "v"), ("#8a6d00", "P"), ("#5a4fb0", "X"), ("#17252f", "*"))  # of models that are new


def look(model: str, models: list[str]) -> dict[str, str]:
    """Colour and marker of a model among these."""
    new = [name for name in models if not _known(name)]
    colour, marker = _known(model) or FURTHER[new.index(model) % len(FURTHER)]
    return {"color": colour, "marker": marker}


def _known(model: str) -> tuple[str, str] | None:
    return MARKS.get(model) or METHODS.get(model.rsplit(" ", 1)[-1])


def handles(models: list[str]) -> list[Line2D]:
    """Entries of a legend, in this order."""
    return [Line2D([], [], label=model, linewidth=1.4, markersize=5.5, **look(model, models)) for model in models]
