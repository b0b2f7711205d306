"""A dump is read value for value, whatever stands in its strings and wherever its chunks are cut."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.sample.mirror.oqmd_dump import FOOT, HEAD, literal
from lake.sources.oqmd import mysqldump
from lake.sources.oqmd.mysqldump import BadDump, Reading, rows, value_of

COLUMNS = ("id", "name", "x")
TABLE = (
    "DROP TABLE IF EXISTS `t`;\n/*!40101 SET @saved_cs_client = @@character_set_client */;\nCREATE TABLE `t` (\n"
    "  `id` int NOT NULL,\n  `name` varchar(9) DEFAULT 'a (b);',\n  `x` double DEFAULT NULL COMMENT 'it''s `x`',\n"
    "  PRIMARY KEY (`id`),\n  CONSTRAINT `k` FOREIGN KEY (`id`) REFERENCES `u` (`id`)\n"
    ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=latin1;\n"
)
VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), st.text(),
    st.text(alphabet="'\"\\(),;\n\r\0\x1a%_ `-/*NUL0x"),
)  # fmt: skip


def told(value: object) -> bytes | None:
    return None if value is None else (value if isinstance(value, str) else repr(value)).encode()


def dump(table_rows: list[tuple], a_statement: int = 3, table: str = "t", newlines: str = "") -> bytes:
    statements = []
    for start in range(0, len(table_rows), a_statement):
        written = (f"({','.join(map(literal, row))})" for row in table_rows[start : start + a_statement])
        statements.append(f"INSERT INTO `{table}` VALUES {newlines}{f',{newlines}'.join(written)};\n")
    return (HEAD + TABLE.replace("`t`", f"`{table}`") + "".join(statements) + "UNLOCK TABLES;\n" + FOOT).encode()


def read(text: bytes, chunk: int = 1 << 20, wanted=COLUMNS, table: str = "t") -> list[tuple]:
    return read_chunks((text[k : k + chunk] for k in range(0, len(text), chunk)), wanted, table)


def read_chunks(chunks: Iterable[bytes], wanted=COLUMNS, table: str = "t") -> list[tuple]:
    return [row for batch in Reading(chunks, {table: wanted}).rows() for row in batch.values]


@given(st.data())
def test_a_dump_may_be_cut_into_chunks_anywhere(data):
    table_rows = [(k, "a (b), 'c';\n" * (k % 3), -k / 7) for k in range(60)]
    text = dump(table_rows, a_statement=50)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=9)))
    chunks = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    assert read_chunks(chunks) == [tuple(map(told, row)) for row in table_rows]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=9), st.integers(1, 400), st.sampled_from(["", "\n", "\r\n "])
)
def test_rows_come_back_as_they_were_written(table_rows, chunk, newlines):
    text = dump(table_rows, newlines=newlines)
    assert read(text, chunk) == [tuple(map(told, row)) for row in table_rows]


@given(st.lists(st.tuples(st.integers(), TEXT, st.none()), min_size=1, max_size=6), st.integers(1, 300))
def test_tables_that_nobody_asked_for_are_passed_over_whatever_they_hold(table_rows, chunk):
    before, after = dump(table_rows, table="u"), dump([(1, "x", 2.5)])
    end = FOOT.encode()
    assert read(before.removesuffix(end) + after, chunk) == [(b"1", b"x", b"2.5")]


def test_columns_are_found_by_name_not_by_place():
    text = dump([(1, "a", 2.5)]).replace(b"INSERT INTO `t` VALUES", b"INSERT INTO `t` (`x`, `id`, `name`) VALUES")
    assert read(text) == [(b"a", b"2.5", b"1")]
    assert read(dump([(1, "a", 2.5)]), wanted=("x", "id")) == [(b"2.5", b"1")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"NULL", None), (b"'NULL'", b"NULL"), (b"''", b""), (b"'it''s'", b"it's"), (rb"'it\'s'", b"it's"),
        (rb"'\\'", b"\\"), (rb"'\\n'", b"\\n"), (rb"'\n\0\Z\%\q'", b"\n\0\x1a%q"), (b"-1.5e-07", b"-1.5e-07"),
        (b"0xDEADBEEF", b"0xDEADBEEF"), (b"_binary 'a\\0b'", b"a\0b"), (b"b'01'", b"01"),
        (b"'na\xc3\xafve'", b"na\xc3\xafve"),
        (b"'\xff\xfe'", b"\xff\xfe"),
    ],
)  # fmt: skip
def test_a_literal_is_what_mysql_means_by_it(written, value):
    assert value_of(written) == value
    text = dump([(1, "@", None)]).replace(b"'@'", written)
    for chunk in (1, 2, 3, 7, 1000):
        assert read(text, chunk) == [(b"1", value, None)]


WHOLE = dump([(k, "a;\n'b", None) for k in range(7)])


def test_a_dump_that_is_cut_off_is_refused_wherever_it_is_cut():
    first, last = WHOLE.index(b"dump") + 4, WHOLE.index(b"-- Dump completed")
    for end in range(first, last):
        with pytest.raises(BadDump, match="cut off"):
            read(WHOLE[:end], 64)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"(1,'a',2.5)", b"(1,'a')", "must have 3 values, found 2"),
        (b"(1,'a',2.5)", b"(1,'a',2.5),7", "must begin with a bracket"),
        (b"(1,'a',2.5)", b"(1,'a',2.5", "cut off"),
        (b"CREATE TABLE `t`", b"CREATE TABLE `other`", "must come after its CREATE TABLE"),
        (b"  `x` double", b"  `y` double", "must have the columns"),
        (b"INSERT INTO `t`", b"INSERT INTO t", "must name its table"),
    ],
)
def test_what_is_malformed_is_named_with_its_place(old, new, words):
    text = dump([(1, "a", 2.5)])
    assert old in text
    with pytest.raises(BadDump, match=words):
        read(text.replace(old, new))


def test_a_row_that_never_ends_is_refused_before_memory_is_full(monkeypatch):
    monkeypatch.setattr(mysqldump, "LARGEST_ROW", 10_000)
    text = dump([(1, "x" * 50_000, None)])
    with pytest.raises(BadDump, match="must end within 10,000 bytes"):
        read(text, 1000)


def test_gzip_and_plain_files_are_read_alike_and_half_a_gzip_is_refused(tmp_path):
    text, wanted = dump([(k, "x" * k, None) for k in range(200)]), {"t": COLUMNS}
    (tmp_path / "a.sql").write_bytes(text)
    (tmp_path / "a.sql.gz").write_bytes(gzip.compress(text))
    plain, packed = (list(rows(tmp_path / name, wanted)) for name in ("a.sql", "a.sql.gz"))
    assert plain == packed and sum(len(batch.values) for batch in plain) == 200
    (tmp_path / "half.sql.gz").write_bytes(gzip.compress(text)[:-20])
    with pytest.raises(BadDump, match="whole gzip file"):
        list(rows(tmp_path / "half.sql.gz", wanted))


def test_a_dump_without_comments_need_not_say_that_it_is_complete():
    text = dump([(1, "a", None)]).removeprefix(HEAD.encode()).removesuffix(FOOT.encode())
    assert read(text) == [(b"1", b"a", None)]


def test_memory_does_not_grow_with_the_length_of_a_statement(monkeypatch):
    monkeypatch.setattr(mysqldump, "BATCH", 100)

    def statement(rows_: int) -> Iterator[bytes]:
        yield (HEAD + TABLE).encode() + b"INSERT INTO `t` VALUES (0,'',0)"
        for number in range(rows_ // 100):
            yield b"".join(b",(%d,'abcdefghij',0.125)" % (number * 100 + k) for k in range(100))
        yield b";\n" + FOOT.encode()

    peaks = []
    for rows_ in (1_000, 20_000):  # one statement of 24 or 480 kB
        tracemalloc.start()
        n = sum(len(batch.values) for batch in Reading(statement(rows_), {"t": COLUMNS}).rows())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert n == rows_ + 1
    assert peaks[1] < 1.5 * peaks[0]
