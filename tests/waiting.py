"""Waiting for something to become true, with a deadline and a useful message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(question: Callable[[], T | None], what: str, timeout_s: float = 60.0) -> T:
    """The first truthy answer of ``question``. Fails the test with ``what`` when there is none in time.

    An exception of the question counts as *not yet*; the last one is shown.
    """
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = question()
        except Exception as error:  # noqa: BLE001 - anything may go wrong before it goes right
            last = error
        else:
            if last:
                return last  # type: ignore[return-value]  # truthy, hence not None
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {timeout_s:.0f} s; last answer: {last!r}")
