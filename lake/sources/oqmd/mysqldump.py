r"""A dump that mysqldump wrote, read as it comes: tables, rows and values, without a database server.

What belongs here: the format. CREATE TABLE gives the order of columns; INSERT gives rows, a megabyte or a gigabyte of
them in one statement; strings are quoted and escaped (`\'`, `''`, `\n`, `\0`, `\Z` ...), so a newline never stands
inside one, and `;` with a newline ends a statement. What the tables mean belongs to whoever asks for them.
Memory holds one chunk and one row, not a statement.
Strings: https://dev.mysql.com/doc/refman/8.0/en/string-literals.html
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 20
LARGEST_ROW = 64 << 20  # bytes; MySQL's own limit for a packet of a dump is a few times less
LARGEST_TABLE = 1 << 20  # bytes of a CREATE TABLE
BATCH = 20_000  # rows given at once
GZIP = b"\x1f\x8b"

_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?`((?:[^`]|``)+)` \(")
_COLUMN = re.compile(rb"^\s*`((?:[^`]|``)+)` ", re.MULTILINE)
_INSERT = re.compile(rb"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO `((?:[^`]|``)+)`\s*(?:\(([^()]*)\)\s*)?VALUES\s*")
_NAME = re.compile(rb"`((?:[^`]|``)+)`")
_STRING = rb"'(?:[^'\\]++|\\.|'')*+'"
_VALUE = rb"(?:\w++\s*+)?" + _STRING + rb"|[^\s,()']++"
_VALUES = re.compile(_VALUE, re.DOTALL)
_ROW = re.compile(rb"\s*+\(((?:[^'()]++|" + _STRING + rb")*+)\)\s*+[,;]", re.DOTALL)
_SEMICOLON = ord(";")
_END = re.compile(rb";\r?\n")
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}
_WRITER = re.compile(rb"^-- (?:MySQL|MariaDB) dump", re.MULTILINE)
_COMPLETED = b"-- Dump completed"

Value = bytes | None


class BadDump(ValueError):
    """What is no complete dump; the message says where it stops being one, and what to do."""


class Rows(NamedTuple):
    """Some rows of a table: table, and one tuple of values per row, in the order of the columns asked for.

    A value is the bytes of a number as written, the bytes of a string without quotes and escapes, or None for NULL.
    """

    table: str
    values: list[tuple[Value, ...]]


def rows(path: Path, wanted: Mapping[str, Sequence[str]]) -> Iterator[Rows]:
    """The wanted columns of the wanted tables of a dump, `.sql` or gzipped, in batches, in the order they stand there.

    Raises BadDump for a dump that is cut off or malformed, or whose tables lack a column; by then all before it came.
    """
    with path.open("rb") as file:
        try:
            yield from Reading(_chunks(file), wanted, str(path)).rows()
        except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
            raise BadDump(f"{path} must be a whole gzip file, found {fault}: download it again") from fault


def value_of(token: bytes) -> Value:
    """A literal's value: a string's bytes, a number's digits, None for NULL."""
    if not token.endswith(b"'"):
        return None if token == b"NULL" else token
    inner = token[token.index(b"'") + 1 : -1]
    return _ESCAPE.sub(_unescaped, inner) if b"\\" in inner or b"'" in inner else inner


def _row_with(columns: Sequence[str], wanted: Sequence[str]) -> tuple[re.Pattern[bytes], Callable[..., tuple]]:
    """What matches one row and groups the wanted columns, and what puts the groups in the order they are wanted in."""
    values = (b"(" + _VALUE + b")" if name in wanted else b"(?:" + _VALUE + b")" for name in columns)
    row = re.compile(rb"\s*+\(\s*+" + rb"\s*+,\s*+".join(values) + rb"\s*+\)\s*+[,;]", re.DOTALL)
    there = [name for name in columns if name in wanted]
    places = [there.index(name) for name in wanted]
    return row, itemgetter(*places) if len(places) > 1 else tuple


class Reading:
    """One pass over the chunks of a dump. name: what messages call it."""

    def __init__(self, chunks: Iterable[bytes], wanted: Mapping[str, Sequence[str]], name: str = "the dump") -> None:
        self._chunks, self._wanted, self._name = iter(chunks), wanted, name
        self._buffer, self._at, self._before = b"", 0, 0
        self._columns: dict[str, list[str]] = {}
        self._signed = self._completed = False

    def rows(self) -> Iterator[Rows]:
        """As `rows` of this module."""
        while self._line():
            line = self._peek(400)
            if line.startswith((b"INSERT", b"REPLACE")):
                table, named = self._target()
                if table in self._wanted:
                    yield from self._inserted(table, named)
                else:
                    self._skip_statement()
            elif line.startswith(b"CREATE TABLE "):
                self._created()
            else:
                self._skip_line(line)
        if self._signed and not self._completed:
            raise BadDump(f"{self._name} must end in {_COMPLETED.decode()!r}, it is cut off: download it again")

    def _line(self) -> bool:
        """Go to the next statement or comment; whether there is one."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in b" \t\r\n;":
                self._at += 1
            if self._at < len(self._buffer):
                return True
            if not self._more():
                return False

    def _more(self) -> bool:
        """Read one chunk more, dropping what is done; whether there was any."""
        chunk = next(self._chunks, b"")
        self._before += self._at
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        return bool(chunk)

    def _peek(self, size: int) -> bytes:
        while len(self._buffer) - self._at < size and self._more():
            pass
        return self._buffer[self._at : self._at + size]

    def _target(self) -> tuple[str, list[str]]:
        """Table and columns of an INSERT; moves behind VALUES."""
        head = self._until(b"VALUES", LARGEST_TABLE)
        found = _INSERT.match(self._buffer, self._at)
        if not found:
            raise BadDump(f"{self._here()} an INSERT must name its table, found {head[:80]!r}")
        self._at = found.end()
        return _text(found[1]), [_text(name) for name in _NAME.findall(found[2] or b"")]

    def _created(self) -> None:
        """Remember the order of a table's columns."""
        statement = self._until(b"\n)", LARGEST_TABLE)
        found = _CREATE.match(statement)
        if found:
            self._columns[_text(found[1])] = [_text(name) for name in _COLUMN.findall(statement, found.end())]
        self._at += len(statement)
        self._skip_statement()

    def _inserted(self, table: str, named: list[str]) -> Iterator[Rows]:
        columns = named or self._columns.get(table)
        if not columns:
            raise BadDump(f"{self._here()} rows of {table} must come after its CREATE TABLE, which is not there")
        absent = [name for name in self._wanted[table] if name not in columns]
        if absent:
            raise BadDump(f"{self._name}: the table {table} must have the columns {absent}, it has {columns}")
        row, order = _row_with(columns, self._wanted[table])
        batch: list[tuple[Value, ...]] = []
        while True:
            found = row.match(self._buffer, self._at)
            if found is None:
                self._row_must_follow(table, len(columns))
                continue
            batch.append(tuple(map(value_of, order(found.groups()))))
            self._at = found.end()
            ended = self._buffer[self._at - 1] == _SEMICOLON
            if ended or len(batch) >= BATCH:
                yield Rows(table, batch)
                batch = []
            if ended:
                return

    def _row_must_follow(self, table: str, n: int) -> None:
        """Read on where a row is not complete yet; BadDump where it never will be."""
        if other := _ROW.match(self._buffer, self._at):
            came = len(_VALUES.findall(other[1]))
            raise BadDump(f"{self._here()} a row of {table} must have {n} values, found {came}")
        if len(self._buffer) - self._at > LARGEST_ROW:
            raise BadDump(f"{self._here()} a row of {table} must end within {LARGEST_ROW:,} bytes, it does not")
        came = self._more()
        start = self._buffer[self._at : self._at + 200].lstrip()
        if start and not start.startswith(b"("):
            raise BadDump(f"{self._here()} a row of {table} must begin with a bracket, found {start[:40]!r}")
        if not came:
            raise BadDump(f"{self._here()} the dump ends inside rows of {table}: it is cut off, download it again")

    def _until(self, end: bytes, most: int) -> bytes:
        """From here to `end`, which belongs to it."""
        start = 0
        while True:
            found = self._buffer.find(end, self._at + start)
            if found >= 0:
                return self._buffer[self._at : found + len(end)]
            start = max(0, len(self._buffer) - self._at - len(end))
            if start > most or not self._more():
                raise BadDump(f"{self._here()} {end!r} must follow {self._peek(60)!r}, it does not: it is cut off")

    def _skip_statement(self) -> None:
        """Go behind the next `;` at the end of a line: no string holds a newline."""
        while (end := _END.search(self._buffer, self._at)) is None:
            ended = self._buffer.endswith(b";")
            self._at = max(self._at, len(self._buffer) - 2)
            if not self._more():
                if not ended:
                    raise BadDump(f"{self._here()} a statement must end in `;`, the dump ends before: it is cut off")
                self._at = len(self._buffer)
                return
        self._at = end.end()

    def _skip_line(self, line: bytes) -> None:
        """Comments and statements of one line or more."""
        self._signed = self._signed or bool(_WRITER.match(line))
        self._completed = self._completed or line.startswith(_COMPLETED)
        if line.startswith((b"--", b"#")):
            while (end := self._buffer.find(b"\n", self._at)) < 0:
                self._at = len(self._buffer)
                if not self._more():
                    return
            self._at = end + 1
        else:
            self._skip_statement()

    def _here(self) -> str:
        return f"{self._name}, byte {self._before + self._at:,}:"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    packed = file.read(2) == GZIP
    file.seek(0)
    source = gzip.GzipFile(fileobj=file) if packed else file
    while chunk := source.read(CHUNK):
        yield chunk


def _unescaped(found: re.Match[bytes]) -> bytes:
    letter = found[1]
    return b"'" if letter is None else _ESCAPED.get(letter, letter)


def _text(name: bytes) -> str:
    return name.replace(b"``", b"`").decode("utf-8", "replace")
