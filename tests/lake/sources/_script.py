"""A server on loopback that answers by script, and a client in a hurry: what tests of the polite client stand on."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from lake.settings import Settings
from lake.wire.clock import Clock, LeapingClock
from lake.wire.http import Polite

Words = bytes | float | Callable[[bytes], bytes | Iterable[bytes]]


def reply(status: int = 200, body: bytes = b'{"ok": 1}', promised: int | None = None, **headers: str) -> bytes:
    """One whole answer; `promised` is the length that its header tells."""
    told = {"Content-Length": str(len(body) if promised is None else promised), "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} Word\r\n{lines}\r\n".encode() + body


def endless(piece: bytes, **headers: str) -> Callable[[bytes], Iterable[bytes]]:
    """An answer without an end."""

    def answer(_: bytes) -> Iterator[bytes]:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        yield f"HTTP/1.1 200 Word\r\nConnection: close\r\n{lines}\r\n".encode()
        while True:
            yield piece

    return answer


def part_of(body: bytes, request: bytes, upto: int | None = None, **headers: str) -> bytes:
    """What a server with ranges answers; its answer breaks off after `upto` bytes of body."""
    asked = re.search(rb"Range: bytes=(\d+)-", request)
    start = int(asked[1]) if asked else 0
    if asked and start >= len(body):
        return reply(416, b"", Content_Range=f"bytes */{len(body)}")
    rest = body[start:]
    told = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if asked else {}
    return reply(206 if asked else 200, rest[:upto], promised=len(rest), **told, **headers)


@contextmanager
def server(*words: Words) -> Iterator[tuple[str, list[bytes]]]:
    """Give the answers in turn, the last one for ever; a number stalls for so many seconds. Yields URL and requests."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                heard.append(connection.recv(65536))
                said = words[min(len(heard), len(words)) - 1]
                if isinstance(said, float):
                    time.sleep(said)
                    continue
                said = said(heard[-1]) if callable(said) else said
                for piece in [said] if isinstance(said, bytes) else said:
                    connection.sendall(piece)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        listening.close()


def client(base: str, clock: Clock | None = None, **more: object) -> Polite:
    """COD's client for this server: patient for three attempts, by a clock that leaps."""
    settings = Settings.for_mirror(base, **{"attempts": 3, "cod_url": base, **more})
    return Polite("cod", settings, clock or LeapingClock())
