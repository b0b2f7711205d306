"""The UI: Dagster's web pages and its daemon for one root, on loopback only."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from lake.settings import Settings
from pipelines.instance import home
from pipelines.sample import sources_of

HOST = "127.0.0.1"  # there is no login: who can open the page can run code


def command(port: int) -> list[str]:
    """The command that serves the pages and runs schedules and sensors."""
    return [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "-h", HOST, "-p", str(port)]


def environment(root: Path, settings: Settings) -> dict[str, str]:
    """This process's environment, the root, and the settings as the variables that `Settings` reads."""
    told = {
        f"CRYSTAL_LAKE_{name.upper()}": str(value) for name, value in settings if isinstance(value, (str, float, int))
    }
    key = {"MP_API_KEY": settings.mp_key.get_secret_value()} if isinstance(settings.mp_key, SecretStr) else {}
    return {**os.environ, **told, **key, "CRYSTAL_LAKE_ROOT": str(root), "DAGSTER_HOME": str(home(root))}


def serve(root: Path, port: int) -> int:
    """Serve until interrupted. Over a sample lake the mirror answers as long, so that its crawl button works."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped politely or by Ctrl-C, its children go with it
    with sources_of(root) as settings:
        # In a session of its own, so that Ctrl-C reaches it once, by us: it takes its children down in order.
        dagster = subprocess.Popen(command(port), env=environment(root, settings), start_new_session=True)
        try:
            return dagster.wait()
        except KeyboardInterrupt:
            dagster.terminate()
            dagster.wait()
            return 0
