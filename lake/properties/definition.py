"""Property and Reading: what a property is, and where each database keeps it. The properties themselves: catalog/."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Literal

Origin = Literal["measured", "computed"]
Kind = Literal["intensive", "extensive"]
Shape = Literal["scalar", "tensor invariant"]
PLAIN = ("DFT", "DFPT", "BoltzTraP")  # methods that a short label need not tell, since no other property is named alike
INPUT = "input"  # the family of what a structure itself says, so that no model has to learn it


@dataclass(frozen=True)
class Reading:
    """Where one database keeps a property, and what stands behind the number.

    source: slug of the database, or `labels` for the user's own values.
    path: dotted path in the record's fields (`bulk_modulus.vrh`), or a CIF data name.
    unit: unit as served; what is told per cell or per formula unit is divided by the written rule in served.py.
    method: what produced the number, in words.
    level_of_theory: None means the level that the source states for the row.
    correction: scheme of correction applied by the source, with its version, or `none`.
    route: route of the source that tells it, empty for the record with the crystal. What a column crawl brought later
    stands under a route named as the path.
    temperature, pressure: in K and GPa, where all values of the reading are for one.
    temperature_path, pressure_path: where the record itself tells them, in `temperature_unit` and `pressure_unit`.
    field: field that a crawl must keep for it, where the path does not name it: a tensor of which the source makes the
    number at the path.
    """

    source: str
    path: str
    unit: str
    method: str
    level_of_theory: str | None = None
    correction: str = "none"
    route: str = ""
    temperature: float | None = None
    pressure: float | None = None
    temperature_path: str = ""
    temperature_unit: str = "kelvin"
    pressure_path: str = ""
    pressure_unit: str = "kPa"
    field: str = ""

    @property
    def name(self) -> str:
        """How `observations` calls it: source and path there, `mp:bulk_modulus.vrh`."""
        return f"{self.source}:{self.path}"

    @property
    def words(self) -> str:
        """For people: ``mp `bulk_modulus.vrh` [GPa]: stress-strain, VRH; level of the row; correction none``."""
        unit = f" [{self.unit}]" if self.unit else ""
        level = f"level {self.level_of_theory}" if self.level_of_theory else "level of the row"
        return f"{self.source} `{self.path}`{unit}: {self.method}; {level}; correction {self.correction}"


@dataclass(frozen=True)
class Property:
    """One property of a crystal.

    name: the field's standard term, snake_case.
    label: for axes and headings; says measured or computed.
    unit: unit of every value in the lake.
    about: what it is, in a chemist's words.
    group: thermodynamic, electronic, magnetic, elastic, dielectric, piezoelectric, thermal, transport, structural,
    surface or adsorption.
    low, high: physical range in that unit; what lies outside is kept and flagged.
    kind, shape: intensive or extensive as the field defines it, scalar or an invariant of a tensor. What is extensive
    is kept per atom, and its unit says so.
    levels: levels of theory that learning and the matrix take, best first; a `*` admits any.
    zero: sizes up to this count as zero, where many values are zero by nature (metals, what has no moment, what is
    stable): smaller is noise of a relaxation or of a rounding, and no relative difference is taken of it.
    log: whether learning works on the logarithm (positive quantities over decades).
    unsigned: the sign that databases serve is a convention without physics; values are sizes.
    family: properties of one family are one quantity told twice (an index and its square), and no second witnesses.
    A family is named after one of them. Of the family `input` is what the structure itself tells: several quantities,
    none of which a model has to learn.
    family_words: how this one is the family's quantity again, empty for the one that the family is named after.
    readings: empty for what no database serves; own values are taken for every property, named here or not.
    """

    name: str
    label: str
    unit: str
    about: str
    group: str
    origin: Origin
    low: float
    high: float
    readings: tuple[Reading, ...]
    levels: tuple[str, ...] = ("*",)
    log: bool = False
    unsigned: bool = False
    kind: Kind = "intensive"
    shape: Shape = "scalar"
    family: str = ""
    family_words: str = ""
    zero: float = 0.0

    @property
    def quantity(self) -> str:
        """What it is one more telling of: the name of its family, or its own."""
        return self.name if self.family in ("", INPUT) else self.family

    @property
    def short_label(self) -> str:
        """The label for narrow places: without `computed, DFT`, which most are, but with what must not be confused."""
        what, _, how = self.label.removesuffix(")").partition(" (")
        if self.origin == "measured":
            return f"{what}, measured"
        model = how.removeprefix("computed, ")
        return what if model in PLAIN else f"{what} ({model})"

    @property
    def code_version(self) -> str:
        """Changes when anything about this property changes, and only then."""
        return hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:12]
