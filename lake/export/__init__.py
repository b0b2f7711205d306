"""Exports: what may leave the lake, as files that other people can read, with whom to name and under which terms.

`export` is the only door. What belongs where: what is asked for, and what of it may go: selection.py; a form of file
each: tables.py, optimade.py, matminer.py; the papers beside the data: card.py; the folder as a whole: folder.py.
"""

from lake.export.folder import FORMATS, Exported, ExportError, export
from lake.export.selection import SUBJECTS, Refused

__all__ = ["FORMATS", "SUBJECTS", "ExportError", "Exported", "Refused", "export"]
