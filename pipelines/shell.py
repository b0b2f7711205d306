"""The shell: one question after another, from a terminal or from a pipe."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.manners import HOUSE, complain
from pipelines.printing import Format, show

if TYPE_CHECKING:
    from lake.notebook import OpenLake

HISTORY = Path("~/.crystal_lake_history").expanduser()
LINES = 1000  # of history that are kept
HELP = """\
SELECT ...;    ask, in DuckDB's SQL; over as many lines as it takes, until the semicolon
.tables        the tables and views that can be asked
.describe X    the columns of one of them, with their words
.help          this
.quit          leave, as Ctrl-D does"""


def converse(lake: "OpenLake", format: Format) -> list[str]:
    """Answer until the input ends; what goes wrong is said at once and ends nothing.

    Returns a word for programs where questions of a pipe went wrong, and nothing to a person, who has seen it.
    """
    person = sys.stdin.isatty()
    wrong = 0
    with _history(person):
        for question in _questions(person):
            if question in (".quit", ".exit"):
                break
            if question.startswith("."):
                wrong += not _tried(lambda question=question: _command(lake, question.split(), format))
            else:
                wrong += _answered(lake, question, format)
    return [f"{wrong} of these went wrong"] if wrong and not person else []


def _questions(person: bool) -> Iterator[str]:
    """Commands, which take a line and begin with a point, and SQL to its semicolon; of a pipe also without the last."""
    asked = ""
    while True:
        try:
            line = input(("  ...> " if asked else "lake> ") if person else "")
        except KeyboardInterrupt:  # begin anew
            print()
            asked = ""
            continue
        except EOFError:
            break
        if not asked and line.startswith("."):
            yield line.strip()
        elif asked or line.strip():
            asked += line + "\n"
            if sqlite3.complete_statement(asked):
                yield asked
                asked = ""
    if person:
        print()
    elif asked:
        yield asked


def _answered(lake: "OpenLake", text: str, format: Format) -> int:
    """Answer each statement of the text; how many went wrong."""
    return sum(
        not _tried(lambda statement=statement: show(lake.query(statement).frame, format)) for statement in _parts(text)
    )


def _parts(text: str) -> list[str]:
    """The statements; a text that does not parse is one, for DuckDB to say what is wrong with it."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            return [statement.query for statement in connection.extract_statements(text)]
        except duckdb.Error:
            return [text]


def _command(lake: "OpenLake", words: list[str], format: Format) -> None:
    match words:
        case [".tables"]:
            show(lake.tables(), format)
        case [".describe", name]:
            show(lake.columns(name.rstrip(";")), format)
        case [".help"]:
            print(HELP)
        case _:
            complain(f"no such command: {' '.join(words)}; .help lists them")


def _tried(step: Callable[[], None]) -> bool:
    """Whether it went well; an error of our own is said in a line, any other is a bug and keeps its trace."""
    try:
        step()
    except KeyboardInterrupt:
        complain("interrupted")
        return False
    except Exception as error:
        if type(error).__module__.split(".")[0] not in HOUSE:
            raise
        complain(str(error))
        return False
    return True


@contextmanager
def _history(person: bool) -> Iterator[None]:
    """A person's earlier questions, by the arrow keys, where this Python has readline."""
    try:
        import readline
    except ImportError:
        readline = None
    if not person or readline is None:
        yield
        return
    with suppress(OSError):
        readline.read_history_file(HISTORY)
    readline.set_history_length(LINES)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(HISTORY)
