"""A small state that processes share: a JSON file that is read, changed and put back under a lock.

What belongs here: how such a state is kept. What it says belongs to pace.py, circuit.py and budget.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from lake.wire.down import SourceDown

POLL = 0.01  # s between looks at a lock that somebody holds, for less than a millisecond as a rule


class State(BaseModel):
    """What a state looks like: fields with defaults, which together are the state of a fresh start."""

    model_config = ConfigDict(allow_inf_nan=False)


S = TypeVar("S", bound=State)


class Shared(Generic[S]):
    """One state of all who name the same file; of this object alone where `path` is None.

    The lock goes with the process that holds it, however that ends, and a file is replaced, never rewritten: a kill
    leaves the state before or the state after. A file that cannot be read as the state counts as none.
    Raises SourceDown where the folder cannot be written: without it nobody could keep a rate.
    """

    def __init__(self, path: Path | None, fresh: type[S]) -> None:
        self.path = path
        self._fresh = fresh
        self._own = fresh()
        self._threads = threading.RLock()

    def read(self) -> S:
        """The state as it is now; another may change it in the next moment."""
        if self.path is None:
            return self._own
        try:
            return self._fresh.model_validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return self._fresh()
        except OSError as fault:
            raise self._unkept(fault) from fault

    @contextmanager
    def changed(self) -> Iterator[S]:
        """The state, to be changed while nobody else looks; kept when the block ends well."""
        with self._threads, self._locked():
            before = self.read()
            state = before.model_copy(deep=True)
            yield state
            if state != before:
                self._keep(state)

    def forget(self) -> None:
        """Start afresh."""
        with self._threads, self._locked():
            self._keep(self._fresh())

    def _keep(self, state: S) -> None:
        if self.path is None:
            self._own = state
            return
        try:
            new = self.path.with_suffix(".new")
            new.write_text(state.model_dump_json())
            new.replace(self.path)
        except OSError as fault:
            raise self._unkept(fault) from fault

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.path is None:
            yield
            return
        lock = FileLock(self.path.with_suffix(".lock"), poll_interval=POLL)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as fault:
            raise self._unkept(fault) from fault
        try:
            yield
        finally:
            lock.release()

    def _unkept(self, fault: OSError) -> SourceDown:
        return SourceDown(
            f"rates are kept between processes in a folder that can be written, found {type(fault).__name__} at "
            f"{self.path}; set CRYSTAL_LAKE_POLITENESS to another folder"
        )
