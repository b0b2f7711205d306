"""What a policy is: per column of the matrix, which observations may fill it, in which order, and what if several may.

Nothing is read here: the files are files.py's, the arithmetic of choosing is choosing.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from lake.properties import PROPERTIES
from lake.properties.definition import Property

ANY = "*"
OWN = "labels"  # the source of a user's own values
SOURCES = ("mp", "aflow", "oqmd", "cod", "pcod", "ocp", "folder", OWN)  # as preferred where nothing else decides
PREFER, MEDIAN, REFUSE = WHEN_SEVERAL = ("prefer", "median", "refuse")
EXPERIMENT = "experiment"


@dataclass(frozen=True)
class Admission:
    """Observations that may fill a column. In level and correction a `*` stands for any text, as a source for any."""

    source: str = ANY
    level_of_theory: str = ANY
    correction: str = ANY

    def admits(self, source: str, level: str, correction: str) -> bool:
        """Whether an observation of that source, level of theory and correction is meant."""
        named = self.source in (ANY, source)
        return named and _like(self.level_of_theory, level) and _like(self.correction, correction)


@dataclass(frozen=True)
class Column:
    """One column of the matrix.

    property: what stands in it, by its name in the catalog.
    admits: what may fill it, best first.
    when_several: prefer the first; take the median, which is the middle observation and never a mean; or refuse
    where they differ by more than `tolerance`, as a share of the mean of the two outermost magnitudes.
    flagged: whether flagged observations may fill it.
    """

    name: str
    property: str
    admits: tuple[Admission, ...]
    when_several: str = PREFER
    tolerance: float | None = None
    flagged: bool = False

    @property
    def known(self) -> Property:
        """The property as the catalog describes it."""
        return PROPERTIES[self.property]

    @property
    def which(self) -> str:
        """Which of the property's columns it is, to stand behind a label; empty for that of its name."""
        rest = self.name.removeprefix(f"{self.property}_").replace("_", " ")
        return "" if self.name == self.property else f", {rest}"

    @property
    def label(self) -> str:
        """For axes and headings."""
        return self.known.label + self.which

    @property
    def short_label(self) -> str:
        """For narrow places."""
        return self.known.short_label + self.which

    def place(self, source: str, level: str, correction: str) -> int | None:
        """Where such an observation stands in the column's order, 0 is best; None where it may not fill it.

        A user's own values of a computed property come after all databases, unless an admission names them; and among
        computed values an experiment stands only where its level is named.
        """
        fit = [n for n, admission in enumerate(self.admits) if admission.admits(source, level, correction)]
        if self.known.origin == "computed":
            if level == EXPERIMENT:
                fit = [n for n in fit if self.admits[n].level_of_theory == EXPERIMENT]
            if source == OWN and fit:
                return min((n for n in fit if self.admits[n].source == OWN), default=fit[0] + len(self.admits))
        return fit[0] if fit else None

    def taught(self) -> Column:
        """The column as learning takes it: without levels of theory that are not named, unless none is.

        A model must not learn the difference between functionals as if it were chemistry.
        """
        named = tuple(admission for admission in self.admits if admission.level_of_theory != ANY)
        return replace(self, admits=named or self.admits)


@dataclass(frozen=True)
class Policy:
    """A way to fill the matrix: its name, what it is for, and its columns in the catalog's order."""

    name: str
    about: str
    columns: tuple[Column, ...]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Column name -> column."""
        return {column.name: column for column in self.columns}

    def columns_of(self, name: str) -> tuple[Column, ...]:
        """The columns that hold the property of that name."""
        return tuple(column for column in self.columns if column.property == name)


def own_admissions(known: Property, admission: Admission | None = None) -> tuple[Admission, ...]:
    """What the catalog says of a property: its levels of theory, in their order.

    Of a property that is told under several corrections, the first reading's correction only: corrected and raw
    energies are two quantities, and each needs a column of its own. admission: source and correction, if not any.
    """
    if admission is None:
        corrections = list(dict.fromkeys(reading.correction for reading in known.readings))
        admission = Admission(correction=ANY if len(corrections) < 2 else corrections[0])
    return tuple(replace(admission, level_of_theory=level) for level in known.levels)


def corrections(column: Column) -> set[str]:
    """The schemes of correction that the catalog's readings could bring into a column: of energies, one at most."""
    return {
        reading.correction
        for reading in column.known.readings
        for admission in column.admits
        if admission.source in (ANY, reading.source)
        and (reading.level_of_theory is None or _like(admission.level_of_theory, reading.level_of_theory))
        and _like(admission.correction, reading.correction)
    }


def _like(pattern: str, text: str) -> bool:
    return pattern in (ANY, text) or bool(re.fullmatch(".*".join(map(re.escape, pattern.split(ANY))), text))
