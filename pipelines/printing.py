"""Printing: rows and findings on the terminal, for people as tables, for programs as CSV or JSON."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from os.path import relpath
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from pipelines.doctor import Finding

ROWS = 50  # more are for a file: --format csv


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    csv = "csv"
    json = "json"


def show(frame: "pl.DataFrame", format: Format) -> None:
    """Rows on standard output; lists are joined where a format has none."""
    if format is Format.json:
        sys.stdout.write(frame.write_json() + "\n")
    elif format is Format.csv:
        sys.stdout.write(_flat(frame).write_csv())
    else:
        _table(_flat(frame))


class Stream:
    """Rows on standard output as they come, all of them: one table, one CSV or one JSON array of many frames."""

    def __init__(self, format: Format) -> None:
        self.format, self._widths, self._rows = format, None, 0

    def add(self, frame: "pl.DataFrame") -> None:
        """Print these rows behind the others; all frames have the same columns."""
        if not len(frame):
            return
        if self.format is Format.csv:
            sys.stdout.write(_flat(frame).write_csv(include_header=not self._rows))
        elif self.format is Format.json:
            sys.stdout.write(",\n" if self._rows else "[")
            sys.stdout.write(frame.write_json()[1:-1])
        else:
            self._lines(_flat(frame))
        self._rows += len(frame)
        sys.stdout.flush()

    def end(self) -> None:
        """No more rows will come."""
        if self.format is Format.json:
            sys.stdout.write("]\n" if self._rows else "[]\n")

    def _lines(self, frame: "pl.DataFrame") -> None:
        """Columns as wide as the first rows need; a longer word later on moves only its own line."""
        words = [[_word(value) for value in row] for row in frame.iter_rows()]
        if self._widths is None:
            words.insert(0, frame.columns)
            self._widths = [max(map(len, column)) for column in zip(*words, strict=True)]
        right = [dtype.is_numeric() for dtype in frame.dtypes]
        for row in words:
            cells = zip(row, self._widths, right, strict=True)
            line = "  ".join(word.rjust(width) if number else word.ljust(width) for word, width, number in cells)
            sys.stdout.write(line.rstrip() + "\n")


def _flat(frame: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl
    import polars.selectors as cs

    return frame.with_columns(cs.list().cast(pl.List(pl.String)).list.join(" "))


def _table(frame: "pl.DataFrame") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.head(ROWS).iter_rows():
        table.add_row(*(_word(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table, markup=False)
    if len(frame) > ROWS:
        print(f"... {len(frame) - ROWS:,} more rows; --format csv prints all")


def _word(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def show_findings(findings: Iterable["Finding"]) -> int:
    """A line each; the exit status: 1 where something fatal was found."""
    seen = list(findings)
    for finding in seen:
        print(f"{'ok     ' if finding.fine else 'MISSING' if finding.fatal else 'note   '} {finding.what}")
    return int(any(finding.fatal and not finding.fine for finding in seen))


@contextmanager
def welcome(root: Path) -> Iterator[None]:
    """Around the demo: what is there when it has run, how long it took, and what to ask first."""
    since = monotonic()
    yield
    from lake.sql import query
    from lake.store import Lake

    count = query(Lake(root), "select count(*) from materials").item()
    print(f"{count} materials in {monotonic() - since:.0f} s, sample values all of them: {root}")
    print(f"report   {root / 'reports' / 'report.html'}")
    ask = "select source, count(*) from entries group by 1 order by 2 desc"
    print(f'ask      crystal-lake --root {relpath(root)} sql "{ask}"')
    print(f"look     crystal-lake --root {relpath(root)} ui")
