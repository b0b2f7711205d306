"""Patience with one question: which faults may pass, how often it is asked again, and after which wait.

What belongs here: repeating one question. Whether a database is asked at all belongs to circuit.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from lake.settings import Settings
from lake.wire.answers import NotData, TryAgain
from lake.wire.clock import Clock

PASSING = (
    TryAgain,
    NotData,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def retrying(settings: Settings, clock: Clock, say: Callable[[str], None]) -> Retrying:
    """Calls a function until it returns, with pauses that double; raises its last fault where patience ends.

    say: told once per pause, by then already decided.
    """

    def may_pass(fault: BaseException) -> bool:
        return isinstance(fault, PASSING) and not too_long(fault, settings)

    def pause(call: RetryCallState) -> float:
        fault = call.outcome.exception()
        asked = fault.after if isinstance(fault, TryAgain) else None
        return asked or backoff(call.attempt_number, settings)

    def tell(call: RetryCallState) -> None:
        found = " ".join(words_of(call.outcome.exception()).split())[:160]
        say(f"asking again in {call.next_action.sleep:.1f} s, attempt {call.attempt_number + 1}: {found}")

    return Retrying(
        sleep=clock.sleep, stop=stop_after_attempt(settings.attempts), retry=retry_if_exception(may_pass), wait=pause,
        before_sleep=tell, reraise=True,
    )  # fmt: skip


def backoff(attempt: int, settings: Settings) -> float:
    """Seconds after so many attempts: doubling, and drawn from the upper half, so that processes fall out of step."""
    whole = min(settings.wait_max, settings.wait_initial * 2.0 ** min(attempt - 1, 60))
    return whole * random.uniform(0.5, 1.0)


def too_long(fault: BaseException, settings: Settings) -> bool:
    """Whether a database asked for more patience than anybody has."""
    return isinstance(fault, TryAgain) and fault.after is not None and fault.after > settings.wait_asked


def words_of(fault: BaseException) -> str:
    """A fault's own words; its name where it has none."""
    return str(fault) or type(fault).__name__
