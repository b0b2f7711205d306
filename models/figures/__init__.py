"""Pictures of what was learnt; each function takes a Lake and returns a matplotlib Figure. One drawing per module."""

from models.figures.bargains import bargains
from models.figures.heat_maps import grid
from models.figures.intervals import gains
from models.figures.parity_plots import parity
from models.figures.ranking import candidates

__all__ = ["bargains", "candidates", "gains", "grid", "parity"]
