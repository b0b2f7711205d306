"""The lanes to a host: how many requests of all processes may be on their way at once.

What belongs here: waiting for a free lane. When a request may leave belongs to pace.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lake.wire.clock import Clock
from lake.wire.down import SourceDown

LOOK = 0.1  # s between looks for a free lane


class Lanes:
    """So many locked files, one per lane; a lane is free again when its process ends, however that is.

    Without a folder there are as many as anybody wants.
    """

    def __init__(self, folder: Path | None, host: str, count: int, clock: Clock) -> None:
        self._paths = [folder / f"{host}.{number}.lock" for number in range(count)] if folder else []
        self._clock = clock

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a lane while the block lasts. Raises SourceDown where the folder cannot be written."""
        if not self._paths:
            yield
            return
        lane = self._free()
        try:
            yield
        finally:
            lane.release()

    def _free(self) -> FileLock:
        try:
            self._paths[0].parent.mkdir(parents=True, exist_ok=True)
            while True:
                for path in self._paths:
                    lane = FileLock(path, blocking=False)
                    with suppress(Timeout):
                        lane.acquire()
                        return lane
                self._clock.sleep(LOOK)
        except OSError as fault:
            raise SourceDown(
                f"lanes to a host are kept in a folder that can be written, found {type(fault).__name__} at "
                f"{self._paths[0]}; set CRYSTAL_LAKE_POLITENESS to another folder"
            ) from fault
