"""Instance: Dagster's own memory of a lake, in `dagster/` below its root. Telemetry is off.

Dagster opens and closes its SQLite files for every event it writes down, and each time SQLite waits for the disk twice:
once for the commit, once because the last one to close a file folds its log in. A fifth of a build was that waiting.
While an instance is open here, or a run goes on that the web UI began, a spare connection to each file keeps the log
from being folded, and commits do not wait: what is written outlives the process however it dies; a power cut may take
the last events, but no file.
"""

import atexit
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

import dagster as dg
import yaml
from sqlalchemy import Engine, event

FILE = "dagster.yaml"
# One run per source at a time: two crawls of one source would fetch everything twice.
CONFIG = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {
        "runs": {
            "max_concurrent_runs": 6,
            "tag_concurrency_limits": [
                {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
            ],
        }
    },
}


def home(root: Path) -> Path:
    """The folder that is DAGSTER_HOME, with its configuration written; one that stands there is kept."""
    folder = Path(root) / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        (folder / FILE).write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return folder


@contextmanager
def instance_of(root: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that the UI of this root shows too."""
    folder = home(root)
    with unhurried(folder), dg.DagsterInstance.from_config(str(folder), FILE) as instance:
        yield instance


@cache
def unhurry(folder: Path) -> None:
    """As `unhurried`, for as long as this process lives: one that Dagster starts for a run."""
    stack = ExitStack()
    stack.enter_context(unhurried(folder))
    atexit.register(stack.close)


@contextmanager
def unhurried(folder: Path) -> Iterator[None]:
    """Inside, no SQLite file below the folder makes this process wait for the disk."""
    spares: dict[str, sqlite3.Connection] = {}
    lock, below = Lock(), folder.resolve()

    def heard(connection: object, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if not Path(path).is_relative_to(below):
            return
        connection.execute("PRAGMA synchronous = NORMAL")  # with a log beside the file, its file stays whole so
        with lock:
            if path not in spares:
                spares[path] = sqlite3.connect(path, check_same_thread=False)
            spares[path].execute("SELECT count(*) FROM sqlite_master").fetchall()  # who has not read holds no log

    event.listen(Engine, "connect", heard)
    try:
        yield
    finally:
        event.remove(Engine, "connect", heard)
        for spare in spares.values():
            spare.close()
