"""Rows of Materials Project's Delta tables, in order and a few at a time, however large files and row groups are.

What belongs here: reading one table. What its rows mean belongs to collection.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from lake.wire.down import SourceDown

ON_S3 = {
    "AWS_SKIP_SIGNATURE": "true", "AWS_REGION": "us-east-1", "timeout": "60s", "connect_timeout": "60s",
}  # fmt: skip
RELEASE = "version"  # the column that tables are partitioned by, `version=2026-04-13`
BATCH = 256  # rows of Arrow in memory at once
AHEAD = {"use_threads": False, "batch_readahead": 1, "fragment_readahead": 1}  # memory before speed


class Table:
    """The newest release of one table. release: its name; the table's own version where it has no releases.

    Raises SourceDown where there is no such table, or it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._delta = DeltaTable(path, storage_options=ON_S3 if path.startswith("s3") else None)
            releases = {row[RELEASE] for row in self._delta.partitions() if RELEASE in row}
            self.release = max(releases, default=str(self._delta.version()))
            only = [(RELEASE, "=", self.release)] if releases else None
            self._data = self._delta.to_pyarrow_dataset(partitions=only)
        except Exception as fault:  # deltalake has no one error of its own
            raise SourceDown(
                f"mp: {path} must be a Delta table, found {type(fault).__name__}: {str(fault)[:200]}; set "
                "CRYSTAL_LAKE_MP_COLLECTION to the folder of such tables, or leave it empty to ask by REST"
            ) from fault
        self._next: tuple[tuple[object, ...], Iterator[dict[str, Any]]] | None = None

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return self._data.schema.names

    @cached_property
    def files(self) -> dict[str, int]:
        """The release's files by name, sorted, and the rows of each; their footers are read."""
        return {name: part.count_rows() for name, part in sorted(self._parts.items())}

    def count(self, meant: Mapping[str, Sequence[str]]) -> int:
        """Rows whose columns hold one of these values."""
        wanted = [ds.field(name).isin(list(values)) for name, values in meant.items()]
        return self._data.count_rows(filter=wanted[0] if wanted else None)

    def rows(self, file: str, columns: Sequence[str], start: int, count: int) -> list[dict[str, Any]]:
        """At most `count` rows after the first `start` of a file, with those of the columns that there are.

        Rows that follow the ones read before are read on from there; others cost reading their row group's beginning.
        """
        if file not in self._parts:
            raise SourceDown(f"mp: {self.path} no longer holds {file}: a new release came; run the crawl anew")
        names = tuple(sorted(set(columns) & set(self.columns)))
        here = (file, names, start)
        stream = self._next[1] if self._next and self._next[0] == here else self._stream(file, names, start)
        found = list(islice(stream, count))
        self._next = ((file, names, start + len(found)), stream)
        return found

    def column_pair(self, key: str, value: str) -> tuple[list[str], pa.ChunkedArray]:
        """Two columns of the whole release: one as a list, the other as it lies in memory."""
        told = self._data.to_table(columns=[key, value])
        return told[key].to_pylist(), told[value]

    @cached_property
    def _parts(self) -> dict[str, ds.ParquetFileFragment]:
        return {part.path.rpartition("/")[2]: part for part in self._data.get_fragments()}

    def _stream(self, file: str, columns: Sequence[str], start: int) -> Iterator[dict[str, Any]]:
        for group in self._parts[file].row_groups:
            if start >= group.num_rows:
                start -= group.num_rows
                continue
            rows = self._parts[file].subset(row_group_ids=[group.id])
            for batch in rows.to_batches(schema=self._data.schema, columns=list(columns), batch_size=BATCH, **AHEAD):
                if start < len(batch):
                    yield from batch.slice(start).to_pylist(maps_as_pydicts="strict")
                start = max(0, start - len(batch))
