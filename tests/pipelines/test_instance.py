"""Dagster's memory of a lake: written without waiting for the disk, and there however the process dies."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import dagster as dg
from sqlalchemy import create_engine

from pipelines.instance import home, instance_of

REPOSITORY = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
import dagster as dg
from pipelines.instance import instance_of
with instance_of(Path(sys.argv[1])) as instance:
    for at in range(20):
        instance.report_runless_asset_event(dg.AssetMaterialization("salts", metadata={"at": at}))
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def told(root: Path) -> list[int]:
    with dg.DagsterInstance.from_config(str(home(root)), "dagster.yaml") as instance:
        found = instance.fetch_materializations(dg.AssetKey("salts"), limit=100).records
        return [one.asset_materialization.metadata["at"].value for one in found]


def waits(path: Path) -> bool:
    """Whether commits to this file, as SQLAlchemy opens it now, wait for the disk."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    engine.dispose()
    return found == 2


def test_what_is_written_is_seen_by_others_at_once_and_after_a_kill(tmp_path):
    with instance_of(tmp_path) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("salts", metadata={"at": 7}))
        assert told(tmp_path) == [7]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == -signal.SIGKILL and done.stdout == "written\n", done.stderr
    assert told(tmp_path) == [*reversed(range(20)), 7]


def test_only_files_of_the_instance_do_not_wait_and_only_while_it_is_open(tmp_path):
    mine, other = home(tmp_path) / "mine.db", tmp_path / "mlflow.db"
    with instance_of(tmp_path):
        assert not waits(mine) and waits(other)
    assert waits(mine)


def test_nothing_stays_open_or_beside_the_files(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for at in range(3):
        with instance_of(tmp_path) as instance:
            instance.report_runless_asset_event(dg.AssetMaterialization("salts", metadata={"at": at}))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    assert not list(home(tmp_path).rglob("*-wal"))
    for path in home(tmp_path).rglob("*.db"):
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def test_runs_that_the_web_ui_begins_do_not_wait_either(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "CRYSTAL_LAKE_ROOT": str(tmp_path),
                                "DAGSTER_HOME": str(home(tmp_path))}  # fmt: skip
    said = (
        "from pathlib import Path; from pipelines.definitions import defs; from tests.pipelines.test_instance import "
        f"waits; defs(); print(waits(Path({str(home(tmp_path) / 'mine.db')!r})))"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, env=environment)
    assert done.stdout == "False\n", done.stderr
