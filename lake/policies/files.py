"""Policies as files: TOML made Policy, and what is wrong with a file said with its name, the column and the rule.

What a file does not write down stands as in the default policy, and that stands as the catalog says; only how several
observations are treated is the file's own table [defaults].
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lake.policies.policy import (
    ANY,
    PREFER,
    REFUSE,
    SOURCES,
    WHEN_SEVERAL,
    Admission,
    Column,
    Policy,
    corrections,
    own_admissions,
)
from lake.properties import PROPERTIES
from lake.tables import PROPERTY_MATRIX

NAME = re.compile(r"[a-z][a-z0-9_]*")  # of policies, which are folders, and of columns, which are columns in SQL
TREATED = {"when_several": str, "tolerance": float, "flagged": bool}
OF_COLUMN = {"name": str, "property": str, "admits": list} | TREATED
OF_FILE = {"about": str, "defaults": dict, "columns": list}
OF_ADMISSION = {"source": str, "level_of_theory": str, "correction": str}

Told = Mapping[str, object]


class PolicyError(ValueError):
    """A policy that cannot be used; the message names file, column and rule."""


def read(file: Path, base: Policy | None = None) -> Policy:
    """The policy of one file, named as the file; raises PolicyError.

    base: what its columns stand as where it does not write them down; the catalog where there is none.
    """
    try:
        told = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"{file}: no TOML that can be read: {error}") from error
    _named(file.stem, f"{file}: a policy's file name")
    _typed(told, OF_FILE, str(file))
    treated = told.get("defaults", {})
    _typed(treated, TREATED, f"{file}, [defaults]")
    plain = {name: replace(column, **_treatment(treated, f"{file}, [defaults]")) for name, column in _base(base)}
    written: dict[str, Column] = {}
    for number, entry in enumerate(told.get("columns", []), start=1):
        where = f"{file}, column {entry.get('name', number) if isinstance(entry, dict) else number}"
        column = _column(entry, treated, plain, where)
        if column.name in written:
            raise PolicyError(f"{where}: a name stands once, found it twice")
        written[column.name] = column
    columns = plain | written
    order = {name: place for place, name in enumerate(PROPERTIES)}
    ordered = sorted(columns.values(), key=lambda column: (order[column.property], column.name != column.property))
    return Policy(file.stem, str(told.get("about", "")).strip(), tuple(ordered))


def _base(base: Policy | None) -> list[tuple[str, Column]]:
    if base:
        return list(base.by_name.items())
    return [(name, Column(name, name, own_admissions(known))) for name, known in PROPERTIES.items()]


def _column(entry: object, treated: Told, plain: Mapping[str, Column], where: str) -> Column:
    _typed(entry, OF_COLUMN, where)
    if "name" not in entry:
        raise PolicyError(f"{where}: a column needs a name")
    name = _named(entry["name"], f"{where}: a column's name")
    if name in PROPERTY_MATRIX.schema:
        raise PolicyError(f"{where}: every row of the matrix has a column of that name already: choose another")
    kind = entry.get("property", plain[name].property if name in plain else name)
    if kind not in PROPERTIES:
        raise PolicyError(f"{where}: property must be one of the catalog's, found {kind!r}{_near(kind)}")
    if name in PROPERTIES and name != kind:
        raise PolicyError(f"{where}: it is named as a property and holds another, {kind}: choose another name")
    stands = plain.get(name, plain[kind])
    admits = _admissions(entry["admits"], kind, where) if "admits" in entry else stands.admits
    if "when_several" in entry:  # then a tolerance of [defaults] is not meant
        treated = {key: value for key, value in treated.items() if key != "tolerance"}
    column = Column(name, kind, admits, **_treatment({**treated, **entry}, where))
    mixed = sorted(corrections(column)) if len({r.correction for r in PROPERTIES[kind].readings}) > 1 else []
    if len(mixed) > 1:
        raise PolicyError(
            f"{where}: {kind} under several corrections is several quantities, and a column holds one; "
            f"found {', '.join(mixed)}: admit one, and write a column for each"
        )
    return column


def _admissions(entries: list[object], kind: str, where: str) -> tuple[Admission, ...]:
    if not entries:
        raise PolicyError(f"{where}: admits must name something, found an empty list")
    admitted: list[Admission] = []
    for entry in entries:
        _typed(entry, OF_ADMISSION, f"{where}, admits")
        if entry.get("source", ANY) not in (ANY, *SOURCES):
            raise PolicyError(f"{where}: source must be one of *, {', '.join(SOURCES)}, found {entry['source']!r}")
        admission = Admission(**entry)
        # without a level of theory, the catalog's levels are meant, in their order
        admitted += [admission] if "level_of_theory" in entry else own_admissions(PROPERTIES[kind], admission)
    return tuple(dict.fromkeys(admitted))


def _treatment(told: Told, where: str) -> dict[str, object]:
    """when_several, tolerance and flagged, as they fit each other."""
    when, tolerance = told.get("when_several", PREFER), told.get("tolerance")
    if when not in WHEN_SEVERAL:
        raise PolicyError(f"{where}: when_several must be one of {', '.join(WHEN_SEVERAL)}, found {when!r}")
    if (tolerance is None) == (when == REFUSE):
        raise PolicyError(
            f"{where}: refusing needs a tolerance, and nothing else has one; found when_several {when!r} and "
            f"{'no tolerance' if tolerance is None else f'tolerance {tolerance}'}"
        )
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise PolicyError(f"{where}: tolerance must be a share of 0 or more (0.05 is 5 %), found {tolerance}")
    return {"when_several": when, "tolerance": tolerance, "flagged": told.get("flagged", False)}


def _typed(told: object, keys: Mapping[str, type], where: str) -> None:
    if not isinstance(told, dict):
        raise PolicyError(f"{where}: must be a table, found {told!r}")
    for key, value in told.items():
        if key not in keys:
            raise PolicyError(f"{where}: unknown key {key!r}; there are: {', '.join(keys)}")
        kinds = (int, float) if keys[key] is float else keys[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and keys[key] is not bool):
            raise PolicyError(f"{where}: {key} must be {SPOKEN[keys[key]]}, found {value!r}")


def _named(name: str, what: str) -> str:
    if not NAME.fullmatch(name):
        raise PolicyError(f"{what} must be lower case letters, digits and underscores, found {name!r}")
    return name


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, PROPERTIES, n=3, cutoff=0.4)
    return f"; nearest: {', '.join(near)}" if near else ""


SPOKEN = {str: "text", float: "a number", bool: "true or false", list: "a list", dict: "a table"}
