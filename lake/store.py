"""Lake: the only module that touches the table files. Delta Lake underneath, contracts on top.

A write is a commit: readers see the version before or the version after, never a half. A lake may be pinned to versions
of its tables (`snapshots.py` knows which belong together): then it reads these and refuses to write.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, unquote
from uuid import uuid4

import polars as pl
import stamina
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, create_table_with_add_actions
from filelock import FileLock
from pyarrow.parquet import ParquetFile

from lake import parquet
from lake.contract import ContractError, Table
from lake.opened import opened

MANY_FILES = 64  # in one partition, before they are joined
FILE_BYTES = 64 << 20  # of a file made by joining
KEEP_HOURS = 7 * 24  # vacuum leaves a week of files to readers that hold an old snapshot
# Delta Lake would forget how to read a version after 30 days; snapshots are for good
LASTING = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}
WRITES = ("WRITE", "DELETE", "CREATE OR REPLACE TABLE")  # as Delta Lake's history calls what changes rows
REPLACED = "replaced"  # in a commit's own words: which partitions, where not all
READ = "read:"  # of a mark: `read:entries` is the version of ENTRIES that a commit was made from
HALF = re.compile(r"\.(parquet|json)#\d+$")  # a file that is being written, which Delta Lake passes over ever after


def _say(retry: stamina.instrumentation.RetryDetails) -> None:
    logging.getLogger(__name__).info("another writer was first: writing again in %.2f s", retry.wait_for)


stamina.instrumentation.set_on_retry_hooks([_say])  # its own words would hold the frame


class PinnedLake(RuntimeError):
    """A write to a lake that is pinned to a snapshot."""


class Freed(NamedTuple):
    """What a vacuum deleted: names of files below the table's folder, and their bytes together."""

    files: list[str]
    size: int


class Lake:
    """The tables below one root folder.

    root: folder with `bronze/ silver/ gold/ graphs/ models/ reports/`; made when the first table is written.
    versions: table name -> version, of a pinned lake: it holds these tables as they were then, no others, and every
    write raises PinnedLake.
    Raises ValueError for a root whose name reads as an escaped URL, which Delta Lake would look for elsewhere.
    """

    def __init__(self, root: str | Path, versions: Mapping[str, int] | None = None) -> None:
        self.root = Path(root).expanduser().resolve()
        if unquote(str(self.root)) != str(self.root):
            raise ValueError(f"a lake's root may not hold an escape like %20, found {self.root}: choose another name")
        self.versions = MappingProxyType(dict(versions)) if versions is not None else None

    def lock(self, name: str, **how: object) -> FileLock:
        """A lock of this lake among all processes; it falls with the one that holds it. how: as FileLock is told."""
        locks = self.root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / name, **how)

    def path(self, table: Table) -> Path:
        """Folder of the Delta table."""
        return self.root / table.layer / table.name

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written; of a pinned lake, whether it is among its versions."""
        if self.versions is not None:
            return table.name in self.versions
        return DeltaTable.is_deltatable(str(self.path(table)))  # a first write that was killed leaves an empty log

    def version(self, table: Table) -> int | None:
        """Version number of the latest commit, or of the one it is pinned to; None before the first."""
        if self.versions is not None:
            return self.versions.get(table.name)
        return opened(self.path(table)).version() if self.exists(table) else None

    def files(self, table: Table, at: int | None = None, partition: str | None = None) -> list[str]:
        """Absolute paths of the Parquet files that make the current snapshot, or that of a version.

        partition: only those of this value of the table's partition column.
        """
        if not self.exists(table):
            return []
        only = None if partition is None else [(table.partition_by, "=", partition)]
        uris = self._delta(table, at).file_uris(partition_filters=only)
        return sorted(str(self._local(table, uri)) for uri in uris)

    def _delta(self, table: Table, at: int | None = None) -> DeltaTable:
        """To read: the table at a version, else at the one that the lake is pinned to, else as it is now."""
        pinned = self.versions[table.name] if self.versions is not None else None
        return opened(self.path(table), pinned if at is None else at)

    def _local(self, table: Table, uri: str) -> Path:
        # deltalake escapes the root's name (a space becomes %20) and no more: what stands below it is as on disk
        return self.path(table) / uri.rpartition(f"/{table.name}/")[2]

    def scan(self, table: Table, at: int | None = None) -> pl.LazyFrame:
        """The table as a lazy frame (an empty one before its first write), at a version if asked."""
        files = self.files(table, at)
        if not files:
            return table.empty().lazy()
        partition = {table.partition_by: pl.String} if table.partition_by else None
        return pl.scan_parquet(files, hive_partitioning=partition is not None, hive_schema=partition, glob=False)

    def read(self, table: Table, at: int | None = None) -> pl.DataFrame:
        """The whole table as a frame in contract order."""
        frame = self.scan(table, at).collect()
        return frame.select([*table.schema, *(c for c in frame.columns if c not in table.schema)])

    def stream(
        self, table: Table, partition: str, columns: Sequence[str] | None = None, rows: int = 2000
    ) -> Iterator[pl.DataFrame]:
        """One partition's rows, file by file, so many at a time: memory holds one group of rows, however many there be.

        columns: their names, all of the contract's where None; the partition's own column is always among them.
        """
        column = table.partition_by
        names = [name for name in (columns or table.schema) if name != column]
        if not self.exists(table):
            return
        for path in self.files(table, partition=partition):
            file = ParquetFile(path, pre_buffer=False)
            for batch in file.iter_batches(batch_size=rows, columns=names):
                yield pl.from_arrow(batch).with_columns(pl.lit(partition).alias(column))

    def append(self, table: Table, frame: pl.DataFrame) -> None:
        """Add rows in one commit. Keys are checked inside the frame; across commits they are the caller's promise."""
        self.writable(table)
        if len(frame):
            self._write(table, table.checked(frame), mode="append")

    def replace(
        self,
        table: Table,
        frame: pl.DataFrame | Sequence[pl.DataFrame],
        partition: str | Collection[str] | None = None,
        marks: Mapping[str, int] | None = None,
    ) -> None:
        """Replace the whole table, or only the partition of that value, or of each of these values, in one commit.

        frame: the rows, or several frames of the same columns that together are the rows, in their order.
        marks: names and numbers that the same commit sets, for `marks` to read.
        Raises ContractError where a row lies outside the partitions that are replaced.
        """
        self.writable(table)
        frames = table.checked_together([frame] if isinstance(frame, pl.DataFrame) else frame or [table.empty()])
        predicate, commit = None, {"commit_properties": _marked(marks)} if marks else {}
        if partition is not None:
            partition = [partition] if isinstance(partition, str) else list(partition)
            predicate = _equal(_partition_column(table, frames, partition), partition)
        empty, frames = frames[0].clear(), [frame for frame in frames if len(frame)]
        if partition is None and frames:
            self._replace_whole(table, self._put(table, frames), _schema(empty), **commit)
        elif partition is None:
            self._write(table, empty, mode="overwrite", schema_mode="overwrite", **commit)
        elif frames and not marks and self._exchange(table, frames, partition, predicate):
            return
        elif frames:
            self._write(table, pl.concat(frames), mode="overwrite", predicate=predicate, **commit)
        elif self.exists(table):
            _delete(self.path(table), predicate, **commit)
        else:
            self._write(table, empty, mode="append", **commit)

    def _exchange(self, table: Table, frames: list[pl.DataFrame], partitions: list[str], predicate: str) -> bool:
        """Exchange the files of partitions; False, and nothing is done, where Delta Lake's own writer has to do it.

        That is where `_exchangeable` says so, and where there are marks, which this commit would not write down.
        """
        schema = _schema(frames[0])
        if self._exchangeable(table, schema, partitions) is None:
            return False
        added = self._put(table, frames)
        if self._commit_exchange(table, added, schema, partitions, predicate):
            return True
        for action in added:
            (self.path(table) / action.path).unlink()
        return False

    @stamina.retry(on=CommitFailedError, attempts=20, wait_initial=0.05, wait_max=2.0)
    def _commit_exchange(
        self, table: Table, added: list[AddAction], schema: Schema, partitions: list[str], predicate: str
    ) -> bool:
        delta, only = self._exchangeable(table, schema, partitions), [(table.partition_by, "in", partitions)]
        if delta is None:
            return False
        said = CommitProperties(custom_metadata={REPLACED: predicate})  # which it would not say either
        delta.create_write_transaction(added, "overwrite", schema, [table.partition_by], only, commit_properties=said)
        return True

    def _exchangeable(self, table: Table, schema: Schema, partitions: list[str]) -> DeltaTable | None:
        """The table, where it has these columns, and files in each of these partitions.

        Two commits that exchange the same file never both succeed. Where there is none yet, they would.
        """
        if not self.exists(table):
            return None
        delta = DeltaTable(self.path(table))
        filters = [[(table.partition_by, "=", value)] for value in partitions]
        stand = delta.schema() == schema and all(delta.file_uris(partition_filters=only) for only in filters)
        return delta if stand else None

    def _put(self, table: Table, frames: list[pl.DataFrame]) -> list[AddAction]:
        """Files of these rows, one a partition, which no reader sees before a commit names them."""
        added = []
        for value, parts in _parted(table, frames).items():
            folder = f"{table.partition_by}={quote(value, safe='')}/" if table.partition_by else ""
            name = f"{folder}{uuid4()}.parquet"
            file = self.path(table) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            parquet.write(file, table, parts)
            told = json.dumps({"numRecords": sum(map(len, parts))})
            where = {table.partition_by: value} if table.partition_by else {}
            added.append(AddAction(name, file.stat().st_size, where, int(1000 * time.time()), True, told))
        return added

    @stamina.retry(on=CommitFailedError, attempts=20, wait_initial=0.05, wait_max=2.0)
    def _replace_whole(self, table: Table, added: list[AddAction], schema: Schema, **commit: CommitProperties) -> None:
        """Make these files the table, and the first version where there is none; the schema is said anew."""
        by = [table.partition_by] if table.partition_by else None
        how = {"mode": "overwrite", "partition_by": by, "configuration": LASTING, **commit}
        create_table_with_add_actions(str(self.path(table)), schema, added, **how)

    def mark(self, table: Table, marks: Mapping[str, int]) -> None:
        """Set marks in a commit that changes no row."""
        self.writable(table)
        self._write(table, table.empty(), mode="append", commit_properties=_marked(marks))

    def marks(self, table: Table, at: int | None = None) -> Callable[[str], int]:
        """The numbers that commits set last, by name, as the table is, or was at a version; 0 where none set any.

        A step that writes several tables marks each with the number of its run: whoever finds one ahead of another
        knows that a run was killed between them. A commit that has nothing to take away is not made, and marks nothing.
        """
        found = self.stands_on(table, at)
        return lambda name: found(name) or 0

    def stands_on(self, table: Table, at: int | None = None) -> Callable[[str], int | None]:
        """As `marks`, but None for a name that none set, since a version may be 0."""
        return self._delta(table, at).transaction_version if self.exists(table) else lambda name: None

    def read_from(self, *tables: Table) -> dict[str, int]:
        """The marks that say: made from these tables as they are now. Ask for them before reading."""
        versions = {table.name: self.version(table) for table in tables}
        return {f"{READ}{name}": version for name, version in versions.items() if version is not None}

    def keep_history(self, table: Table) -> None:
        """Make a table's versions readable for good, where it was first written before that was the rule."""
        delta = DeltaTable(self.path(table))
        if not LASTING.items() <= delta.metadata().configuration.items():
            delta.alter.set_table_properties(LASTING)

    def writable(self, table: Table) -> None:
        """Raise PinnedLake where nothing may be written."""
        if self.versions is not None:
            raise PinnedLake(
                f"a snapshot of {self.root} is only read, found a write to {table.name}: write to the lake of today"
            )

    def version_before(self, table: Table, partition: str) -> int | None:
        """The version as it was before that partition was last written, None where the log no longer knows one."""
        if not self.exists(table):
            return None
        for commit in DeltaTable(self.path(table)).history():  # latest first
            where = commit.get(REPLACED) or commit.get("operationParameters", {}).get("predicate")
            if commit["operation"] in WRITES and (where is None or _quoted(partition) in where):
                return commit["version"] - 1 if commit["version"] else None
        return None

    @stamina.retry(on=CommitFailedError, attempts=20, wait_initial=0.05, wait_max=2.0)
    def _write(self, table: Table, frame: pl.DataFrame, **how: object) -> None:
        path = self.path(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        partition_by = [table.partition_by] if table.partition_by else None
        write_deltalake(
            str(path),
            frame,
            partition_by=partition_by,
            writer_properties=parquet.of_delta(table, frame.schema),
            configuration=LASTING,
            **how,
        )

    def remove(
        self, table: Table, where: Mapping[str, str | Collection[str]], unless: Mapping[str, str] | None = None
    ) -> None:
        """Take away the rows whose text columns equal `where`, but not those that equal `unless` as well.

        A column may be asked to equal one of several values.
        """
        self.writable(table)
        if self.exists(table):
            kept = [f"{column} <> {_quoted(value)}" for column, value in (unless or {}).items()]
            _delete(self.path(table), " and ".join([*(_equal(c, v) for c, v in where.items()), *kept]))

    @stamina.retry(on=CommitFailedError, attempts=20, wait_initial=0.05, wait_max=2.0)
    def compact(self, table: Table, partition: str | None = None) -> None:
        """Join the small files of a partition, or of a table without any, once there are many.

        A crawl writes one every half minute.
        """
        self.writable(table)
        if not self.exists(table):
            return
        only = None if partition is None else [(table.partition_by, "=", partition)]
        delta = DeltaTable(self.path(table))
        if len(delta.file_uris(partition_filters=only)) > MANY_FILES:
            delta.optimize.compact(
                partition_filters=only,
                target_size=FILE_BYTES,
                max_concurrent_tasks=1,
                writer_properties=parquet.of_delta(table, table.schema),
            )

    def vacuum(self, table: Table, keep_hours: int = KEEP_HOURS, keep: Collection[int] = ()) -> Freed:
        """Delete files no version of the last `keep_hours` needs, and what killed writers left.

        keep: versions whose files stay, however old.
        """
        self.writable(table)
        if not self.exists(table):
            return Freed([], 0)
        folder, delta = self.path(table), DeltaTable(self.path(table))
        rule = {"retention_hours": keep_hours, "enforce_retention_duration": False}  # the rule is ours
        what = {**rule, "full": True, "keep_versions": sorted(keep) or None}
        halves = [file for file in folder.rglob("*") if HALF.search(file.name) and _hours_old(file) > keep_hours]
        unneeded = [folder / unquote(name) for name in delta.vacuum(**what)]  # told with one escape more than on disk
        size = sum(file.stat().st_size for file in (*unneeded, *halves) if file.exists())
        for file in halves:
            file.unlink(missing_ok=True)
        whole = delta.vacuum(**what, dry_run=False)
        return Freed([*whole, *(str(file.relative_to(folder)) for file in halves)], size)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _hours_old(file: Path) -> float:
    """Since it was written to; no time for a file that its writer has finished meanwhile."""
    try:
        return (time.time() - file.stat().st_mtime) / 3600
    except FileNotFoundError:
        return 0.0


def _equal(column: str, value: str | Collection[str]) -> str:
    if isinstance(value, str):
        return f"{column} = {_quoted(value)}"
    return f"{column} in ({', '.join(map(_quoted, value))})"


@stamina.retry(on=CommitFailedError, attempts=20, wait_initial=0.05, wait_max=2.0)
def _delete(path: Path, predicate: str, **commit: CommitProperties) -> None:
    DeltaTable(path).delete(predicate, **commit)


def _marked(marks: Mapping[str, int]) -> CommitProperties:
    return CommitProperties(app_transactions=[Transaction(name, number) for name, number in marks.items()])


def _schema(frame: pl.DataFrame) -> Schema:
    return Schema.from_arrow(frame.clear().to_arrow().schema)


def _parted(table: Table, frames: Iterable[pl.DataFrame]) -> dict[str, list[pl.DataFrame]]:
    """The rows of each partition, without the column that says so; of a table without any, under an empty name."""
    column = table.partition_by
    if column is None:
        return {"": list(frames)}
    parts: dict[str, list[pl.DataFrame]] = {}
    for frame in frames:
        if (frame[column] == frame[column][0]).all():
            cut = {(frame[column][0],): frame.drop(column)}  # as it is: to part it would copy it
        else:
            cut = frame.partition_by(column, as_dict=True, include_key=False)
        for (value,), part in cut.items():
            parts.setdefault(value, []).append(part)
    return parts


def _partition_column(table: Table, frames: Iterable[pl.DataFrame], partitions: Collection[str]) -> str:
    if table.partition_by is None:
        raise ContractError(f"table {table.name} has no partitions: replace it whole")
    if not partitions:
        raise ContractError(f"table {table.name}: name the partitions to replace, found an empty collection")
    for frame in frames:
        strangers = frame.filter(~pl.col(table.partition_by).is_in(list(partitions)))
        if len(strangers):
            raise ContractError(
                f"table {table.name}: rows of partition {', '.join(map(repr, partitions))} "
                f"must say so in {table.partition_by}, "
                f"found {strangers[table.partition_by][0]!r}"
            )
    return table.partition_by
