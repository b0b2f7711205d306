"""Pictures of what the lake holds; each function takes a Lake and returns a matplotlib Figure.

One kind of drawing per module; how every picture looks is `style.py`. Nothing here touches pyplot or global settings.
"""

from lake.figures.disagreement import apart
from lake.figures.dot_matrix import coverage
from lake.figures.periodic_table import elements
from lake.figures.upset import overlap

__all__ = ["apart", "coverage", "elements", "overlap"]
