"""The registry of properties: `PROPERTIES[name]`, in the catalog's order."""

from collections.abc import Mapping
from types import MappingProxyType

from lake.properties.catalog import CATALOG
from lake.properties.definition import Property

PROPERTIES: Mapping[str, Property] = MappingProxyType({p.name: p for p in CATALOG})


class UnknownProperty(KeyError):
    """A name that is not in the catalog."""

    def __str__(self) -> str:
        return str(self.args[0])


def property_named(name: str) -> Property:
    """The property of that name; UnknownProperty lists the nearest names."""
    from difflib import get_close_matches

    if name not in PROPERTIES:
        near = get_close_matches(name, PROPERTIES, n=3, cutoff=0.4)
        raise UnknownProperty(f"no property is named {name!r}; nearest: {', '.join(near) or 'none'}")
    return PROPERTIES[name]
