"""Train, validation, test: in which part a material stands, by several schemes; `reduced_formula` is the default.

What a scheme forbids to cross never does. A draw is made once, and a material that joins later moves none that stands.
A new scheme is one module and its name here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from lake.structures.splits import chemical_system, material, reduced_formula, time
from lake.structures.splits.scheme import Scheme

DEFAULT = reduced_formula.SCHEME.name
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {module.SCHEME.name: module.SCHEME for module in (reduced_formula, chemical_system, material, time)}
)


def scheme_named(name: str) -> Scheme:
    """The scheme of that name; raises KeyError with all names."""
    if name not in SCHEMES:
        raise KeyError(f"no scheme of splits is named {name!r}; there are: {', '.join(SCHEMES)}")
    return SCHEMES[name]
