"""Structure: what a scheme learnt about its tasks, as a matrix that people can look at. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Structure:
    """name: what it is, `policy`, `mixing of features`, `gates`.  about: what a number means, in one sentence.

    rows: tasks.  columns: tasks, layers or experts, by name.  values: (rows, columns), NaN where there is nothing to
    tell, as of a task and itself.
    """

    name: str
    about: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
