"""Running the small internet on 127.0.0.1, in a thread of its own, for as long as a `with` block lasts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import uvicorn

from lake.sample.mirror.app import build_app
from lake.sample.telling import Telling

START_WITHIN = 30.0  # seconds


@contextmanager
def serving(tellings: Iterable[Telling], port: int = 0, **faults: object) -> Iterator[str]:
    """Serve the tellings on loopback; yields the base URL `http://127.0.0.1:PORT` (port 0: any free one).

    Raises OSError where the port is taken, RuntimeError where the server does not come up.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        server = uvicorn.Server(
            uvicorn.Config(build_app(tellings, **faults), log_level="error", access_log=False, lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="mirror", daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=START_WITHIN)
    finally:
        listening.close()


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the mirror must come up within {START_WITHIN:.0f} s, and did not")
        time.sleep(0.01)
