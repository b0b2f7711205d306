"""Whether all processes of a machine together keep to one rate: real processes, and a server on loopback that counts.

    python benchmarks/rate.py --rate 2 --seconds 20 --processes 1,2,4

Each line is a crowd of processes that ask as fast as they may. The rate is requests after the first over the seconds
between the first and the last; "most in a second" is the fullest second that begins with a request. The peer is
pyrate-limiter's bucket in a file with a lock; "private" is that limiter in memory, one per process.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def ask(limiter: str, base: str, folder: Path, rate: float) -> None:
    """Ask until nobody listens any more."""
    from lake.settings import Settings
    from lake.wire.answers import json_of
    from lake.wire.http import Polite

    ours = limiter == "crystal-lake"
    polite = Polite("cod", Settings.for_mirror(base, cod_url=base, cod_rate=rate if ours else 0.0, politeness=folder))
    wait = (lambda: None) if ours else bucket(limiter, folder, rate)
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        wait()
        polite.ask(base, json_of)


def bucket(limiter: str, folder: Path, rate: float):
    """A wait for the next turn by pyrate-limiter, in a file or in memory."""
    from pyrate_limiter import Limiter, Rate, SQLiteBucket

    rates = [Rate(1, round(1000 / rate))]
    path = str(folder / "bucket.sqlite")
    kept = Limiter(
        SQLiteBucket.init_from_file(rates, db_path=path, use_file_lock=True) if limiter == "pyrate" else rates
    )
    return lambda: kept.try_acquire("cod")


def crowd(limiter: str, processes: int, rate: float, seconds: float) -> list[float]:
    """When each request came, in seconds, from so many processes in so many seconds."""
    came: list[float] = []
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=count, args=(listening, came), daemon=True).start()
        command = [sys.executable, __file__, "--ask", limiter, base, folder, "--rate", str(rate)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        asking = [subprocess.Popen(command, **pipes) for _ in range(processes)]
        for process in asking:  # imports are over before the first may ask
            process.stdout.readline()
        for process in asking:
            process.stdin.write("go\n")
            process.stdin.flush()
        time.sleep(seconds)
        for process in asking:
            process.kill()
            process.wait()
    return came


def count(listening: socket.socket, came: list[float]) -> None:
    """Answer each request and write down when it came."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            if connection.recv(65536):
                came.append(time.monotonic())
                connection.sendall(ANSWER)


def main() -> None:
    """Run each crowd, and print one line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=2.0, help="requests per second that are configured")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each crowd asks")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--ask", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.ask:
        limiter, base, folder = asked.ask
        return ask(limiter, base, Path(folder), asked.rate)
    print(f"configured: {asked.rate:g} requests/s")
    print("limiter       processes  requests  seconds  rate/s  of configured  smallest gap  most in a second")
    for limiter in ("crystal-lake", "pyrate", "private"):
        for processes in map(int, asked.processes.split(",")):
            came = crowd(limiter, processes, asked.rate, asked.seconds)
            took = came[-1] - came[0]
            rate = (len(came) - 1) / took
            gap = min(b - a for a, b in pairwise(came))
            most = max(sum(first <= then < first + 1 for then in came) for first in came)
            print(
                f"{limiter:12}  {processes:9}  {len(came):8}  {took:7.2f}  {rate:6.2f}  {rate / asked.rate:13.2f}  "
                f"{gap:10.3f} s  {most:16}",
                flush=True,
            )
    return None


if __name__ == "__main__":
    main()
