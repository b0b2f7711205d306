"""Baselines: what simple methods make of the rows that networks learn. One method, one file, one class, one name here.

A method is a class with `transform` (as in Recipe), `features` (lake, structure hashes -> one row of numbers for each
structure), `fit` and `predict`. It is built from a seed and a number of trees. `features:<name>` stands for vectors
that were imported (`lake/features.py`). No torch here.
"""

from importlib import import_module

from models.baselines.method import Method

BASELINES = {
    "mean": "models.baselines.mean:Mean",
    "median": "models.baselines.median:Median",
    "composition": "models.baselines.composition:Composition",
    "structure": "models.baselines.structure:Structure",
}
IMPORTED = "features:"


def baseline_named(name: str, seed: int = 0, trees: int = 100) -> Method:
    """The method of that name, ready to fit. KeyError lists the names there are."""
    if name.startswith(IMPORTED):
        from models.baselines.imported import Imported

        return Imported(name.removeprefix(IMPORTED))
    if name not in BASELINES:
        raise KeyError(f"no baseline is named {name!r}; there are: {', '.join(BASELINES)}, {IMPORTED}<name>")
    module, kind = BASELINES[name].split(":")
    return getattr(import_module(module), kind)(seed, trees)
