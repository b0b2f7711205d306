"""Adding: the user's own values, joined to entries by an id or by the crystal beside them, as a file of `labels/`.

What belongs here: which entry a value is of. What a value may be: lake/labels.py. What the same crystal is:
lake/structures, by the definition in docs/identity.md.

By structure, a value joins the entry that stands for its crystal: of those in the lake with the same reduced formula,
the nearest representative that equals the crystal, as a new entry would. A crystal that no material holds yet is
compared with the entry itself. Only ordered crystals are joined so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lake.properties import property_named
from lake.properties.served import BadValue, conversion

if TYPE_CHECKING:
    from lake.labels import Row
    from lake.store import Lake
    from lake.structures.compare import Candidate

NEEDED = ("property", "value", "unit")
ID, STRUCTURE = "id", "structure"  # the ways to join


class NoLabels(ValueError):
    """A file that cannot be added: the message says what it lacks."""


@dataclass
class Added:
    """What became of a file: how many values were joined each way, what was refused and why, which properties it has.

    properties: also those that the file had when it was added before.
    """

    joined: dict[str, int] = field(default_factory=lambda: {ID: 0, STRUCTURE: 0})
    refused: list[str] = field(default_factory=list)
    properties: set[str] = field(default_factory=set)


def add(lake: "Lake", file: Path, given: Mapping[str, str]) -> Added:
    """Write the file's values, each with its entry, into the lake's folder `labels/` under the file's name.

    given: what holds for all rows that do not say it themselves, by the names of columns (`licence`, `reference`, ...).
    What cannot be joined is written down with its reason, which `import_labels` tells in `rejects`. A file that was
    there under that name is replaced. Raises NoLabels.
    """
    import polars as pl

    from lake.labels import FAULTS, folder_of, label_of, rows_of, twice
    from lake.tables import LABELS

    there = folder_of(lake) / file.name
    if file.suffix != ".csv" or file.resolve() == there:
        raise NoLabels(f"what is added must be a .csv file from outside of {there.parent}, found {file}")
    try:
        rows = list(rows_of(file, NEEDED))
    except (pl.exceptions.PolarsError, BadValue) as fault:
        raise NoLabels(f"{file} cannot be used: {fault}") from fault
    before = lake.read(LABELS)
    taken = set(before.filter(pl.col("dataset") != file.name).select(LABELS.key).iter_rows())
    added = Added(properties=set(before.filter(pl.col("dataset") == file.name)["property"]))
    rows = [_whole(row, given) for row in rows]
    joining, written = _Joining(lake, file.parent, {row["entry_id"] for row in rows}), []
    for number, row in enumerate(rows, start=1):
        try:
            label = label_of(row | {"entry_id": "to:join"}, file.name)
            label["entry_id"], label["joined_by"] = joining.entry(row)
            key = tuple(label[column] for column in LABELS.key)
            if key in taken:
                raise BadValue(twice(label))
        except (*FAULTS, NotJoined) as fault:
            written.append(row | {"refused": str(fault)})
            added.refused.append(f"{file.name}, value {number}: {fault}")
            continue
        taken.add(key)
        added.joined[label["joined_by"]] += 1
        added.properties.add(label["property"])
        written.append(row | {name: label[name] for name in row if name in label and name != "value"})
    _write(there, written)
    return added


class NotJoined(ValueError):
    """A value of which no entry of the lake can be found."""


class _Joining:
    """The search for entries, which remembers what it found."""

    def __init__(self, lake: "Lake", folder: Path, names: set[str]) -> None:
        """folder: where the paths of structures begin. names: all that will be asked for."""
        import polars as pl

        from lake.tables import ENTRIES

        self._lake, self._folder = lake, folder
        there = lake.scan(ENTRIES).filter(pl.col("entry_id").is_in(names)).select("entry_id").collect()["entry_id"]
        self._by_name: dict[str, str] = {name: name for name in there}
        self._by_path: dict[str, str] = {}
        self._by_formula: dict[str, list[Candidate]] = {}

    def entry(self, row: "Row") -> tuple[str, str]:
        """The entry's id, and how it was found; raises NotJoined, or BadValue for a value that depends on the cell."""
        name, path = (row[column] or "" for column in ("entry_id", "structure"))
        if not name and not path:
            raise NotJoined("a value needs an entry_id, or a structure beside the file, found neither")
        per_cell = conversion(row["unit"], property_named(row["property"]).unit).per == "cell"
        if per_cell and ":" not in name:
            raise BadValue(
                f"a value per cell needs the entry whose cell is meant, found {name or path}: "
                "give it per atom or per formula unit (f.u.)"
            )
        return (self._named(name), ID) if name else (self._same(path), STRUCTURE)

    def _named(self, name: str) -> str:
        from lake.lookup import UnknownId, named

        if name not in self._by_name:
            try:
                self._by_name[name] = named(self._lake, name).candidate.entry_id
            except UnknownId as fault:
                raise NotJoined(str(fault)) from fault
        return self._by_name[name]

    def _same(self, path: str) -> str:
        from lake.structures.cluster import preference
        from lake.structures.compare import Candidate, compare, distance
        from pipelines.crystal_files import crystals_in

        file = self._folder / path
        if path in self._by_path:
            return self._by_path[path]
        crystals, faults = crystals_in([file])
        if faults:
            raise NotJoined(faults[0])
        mine = Candidate(path, "file", crystals[str(file)].reduced_formula, crystals[str(file)])
        others = self._of_formula(mine.formula)
        nearest = sorted(others, key=lambda it: (distance(it, mine), preference(it.source, it.entry_id)))
        found = next((it.entry_id for it in nearest if compare(it, mine)["same"]), None)
        if found is None:
            raise NotJoined(
                f"{path} must be the same crystal as an entry, found none among {len(others)} of {mine.formula}: "
                f"`crystal-lake same {path} ID` says why it differs from one"
            )
        self._by_path[path] = found
        return found

    def _of_formula(self, formula: str) -> "list[Candidate]":
        """The ordered entries of a formula that stand for a crystal: all but the other members of materials."""
        import polars as pl

        from lake.shards import shard_of
        from lake.structures.bucket import ROW, crystal_to_compare
        from lake.structures.compare import Candidate
        from lake.tables import ENTRIES, MATERIALS

        if formula not in self._by_formula:
            mine = (pl.col("shard") == shard_of(formula)) & (pl.col("reduced_formula") == formula)
            materials = self._lake.scan(MATERIALS).filter(mine)
            others = materials.select("representative", entry_id="members").explode("entry_id").filter(
                pl.col("entry_id") != pl.col("representative")
            )  # fmt: skip
            entries = self._lake.scan(ENTRIES).filter(mine & (pl.col("kind") == "bulk")).select(ROW)
            self._by_formula[formula] = [
                Candidate(row["entry_id"], row["source"], formula, crystal_to_compare(row))
                for row in entries.join(others, on="entry_id", how="anti").collect().iter_rows(named=True)
            ]
        return self._by_formula[formula]


def _whole(told: "Row", given: Mapping[str, str]) -> dict[str, str]:
    """The row in full form: what it says itself, else what is given for all."""
    own = {name: (told.get(name) or "").strip() for name in _columns()}
    return {name: word or given.get(name, "") for name, word in own.items()} | {"joined_by": "", "refused": ""}


def _columns() -> tuple[str, ...]:
    from lake.labels import FURTHER
    from lake.labels import NEEDED as WHOLE

    return (*WHOLE, "structure", *FURTHER)


def _write(there: Path, rows: list[dict[str, object]]) -> None:
    """All at once, so that nobody imports half a file."""
    import polars as pl

    there.parent.mkdir(parents=True, exist_ok=True)
    half = there.with_suffix(".csv.half")
    text = [{name: None if word is None else str(word) for name, word in row.items()} for row in rows]
    pl.DataFrame(text, schema=dict.fromkeys(_columns(), pl.String)).write_csv(half)
    half.replace(there)
