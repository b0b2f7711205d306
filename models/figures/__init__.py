"""Pictures of what was learnt; each function takes a Lake and returns a matplotlib Figure. One drawing per module."""

from models.figures.bargains import bargains
from models.figures.chemistry_errors import errors_by_chemistry
from models.figures.curves import learning_curves
from models.figures.element_errors import errors_by_element
from models.figures.heat_maps import grid
from models.figures.intervals import gains
from models.figures.low_data import low_data
from models.figures.parity_plots import parity
from models.figures.ranking import candidates
from models.figures.sharing_gains import sharing_gains
from models.figures.standings import leaderboard
from models.figures.structures import structures

__all__ = [
    "bargains",
    "candidates",
    "errors_by_chemistry",
    "errors_by_element",
    "gains",
    "grid",
    "leaderboard",
    "learning_curves",
    "low_data",
    "parity",
    "sharing_gains",
    "structures",
]
