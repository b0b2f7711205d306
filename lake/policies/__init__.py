"""Policies: how the matrix is filled, as data. Two are shipped; a lake may have its own in `<root>/policies`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lake.policies.files import PolicyError, read
from lake.policies.policy import Column, Policy
from lake.properties import UnknownProperty
from lake.properties.definition import Property

DEFAULT = "default"  # the policy that the view property_matrix shows, and that learning reads by
FOLDER = "policies"  # below a lake's root
SHIPPED = Path(__file__).parent


class UnknownColumn(UnknownProperty):
    """A name that is no column of the policy."""


def policies(root: str | Path) -> dict[str, Policy]:
    """Every policy by name, the default one first: those shipped, then the lake's own. Raises PolicyError."""
    known = dict(shipped())
    for file in files(root):
        if file.stem in known:
            raise PolicyError(f"{file}: a policy named {file.stem} is shipped: choose another file name")
        known[file.stem] = read(file, known[DEFAULT])
    return known


def files(root: str | Path) -> list[Path]:
    """The lake's own policies, sorted by name."""
    return sorted((Path(root) / FOLDER).glob("*.toml"))


@cache
def shipped() -> dict[str, Policy]:
    """The policies that come with the lake."""
    default = read(SHIPPED / f"{DEFAULT}.toml")
    others = sorted(file for file in SHIPPED.glob("*.toml") if file.stem != DEFAULT)
    return {DEFAULT: default} | {file.stem: read(file, default) for file in others}


def default() -> Policy:
    """The policy that readers see who name none."""
    return shipped()[DEFAULT]


def column_named(policy: Policy, name: str) -> Column:
    """The policy's column of that name; UnknownColumn lists the nearest names."""
    from difflib import get_close_matches

    if name not in policy.by_name:
        near = get_close_matches(name, policy.by_name, n=3, cutoff=0.4)
        words = f"no property, and no column of the policy {policy.name}, is named {name!r}"
        raise UnknownColumn(f"{words}; nearest: {', '.join(near) or 'none'}")
    return policy.by_name[name]


def property_of(name: str) -> Property:
    """The property in the default policy's column of that name: most columns are named as their property."""
    return column_named(default(), name).known


def written(root: str | Path) -> str:
    """What all policy files of a lake say: whoever depends on policies depends on this text."""
    every = [*sorted(SHIPPED.glob("*.toml")), *files(root)]
    return "\n".join(f"{file.name}\n{file.read_text()}" for file in every)
