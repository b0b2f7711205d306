"""A server in a process of its own: started on a free loopback port, waited for, always stopped.

What belongs here: both ends of that process, whatever it serves. The port is bound before the process starts and handed
over open, so nobody can take it; the other end of the server's stdin is its leash: it ends when the tests do, however
they end.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
PATIENCE = 180  # s until a server has imported and loaded all it needs, on a busy machine


class ServerDied(RuntimeError):
    """A server that ended, or did not answer, before it served anything; the message holds the end of its log."""


@contextmanager
def running(module: str, folder: Path, ready: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `python -m module SOCKET FOLDER` while the block lasts; gives the base URL, once `ready` answers 200.

    module: calls `serve_on_leash`. folder: holds what the server needs; its log becomes `server.log` there.
    """
    with socket.create_server(("127.0.0.1", 0)) as door, (folder / "server.log").open("wb") as log:
        base = f"http://127.0.0.1:{door.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(door.fileno()), str(folder)],
            cwd=ROOT, env={**os.environ, **(environment or {})}, pass_fds=[door.fileno()],
            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait(base + ready, folder)
        yield base
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve_on_leash(build: Callable[[Path], object]) -> None:
    """The server's own end: build(folder) gives the ASGI application, which is served until stdin closes."""
    import uvicorn

    door, folder = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    gc.disable()  # the data stays: nothing in it is worth a search for garbage, now or with every page
    server = uvicorn.Server(uvicorn.Config(build(folder), log_level="warning"))
    gc.freeze()
    gc.enable()

    def leash() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=leash, daemon=True).start()
    server.run(sockets=[door])


def _wait(url: str, folder: Path) -> None:
    """The first question waits in the open port until the server takes it; a server that died refuses it."""
    try:
        answer = requests.get(url, timeout=PATIENCE)
        fault = None if answer.ok else f"{answer.status_code} {answer.text[:200]}"
    except requests.RequestException as error:
        fault = type(error).__name__
    if fault:
        raise ServerDied(
            f"{url} must answer, found {fault}; its log ends:\n{(folder / 'server.log').read_text()[-2000:]}"
        )
