"""A keyed work queue: one worker a key at a time, wakes that come meanwhile coalesce, failures back off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 60.0
RESYNC_S = 300.0
"""After so long a key is worked on though nothing has woken it; jittered, so that not all come at once."""

K = TypeVar("K", bound=Hashable)


class ForgetKeyError(Exception):
    """Raised by the work when its key is no more: the queue drops it."""


@dataclass(slots=True)
class _Entry:
    """State of one key. timer: the next time it becomes due by itself."""

    queued: bool = False
    working: bool = False
    again: bool = False
    failures: int = 0
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class WorkQueue(Generic[K]):
    """Calls ``work(key)`` for every key that was woken or is due.

    work returns the seconds after which the key is due again, or None for the resync. While a key is worked
    on, wakes are remembered and lead to exactly one more call. An exception is logged and tried again with
    an exponential backoff, which a wake does not wait for. workers: keys worked on at once.
    """

    work: Callable[[K], Awaitable[float | None]]
    workers: int = 10
    resync_s: float = RESYNC_S
    _entries: dict[K, _Entry] = field(default_factory=dict)
    _ready: asyncio.Queue[K] = field(default_factory=asyncio.Queue)

    def wake(self, key: K) -> None:
        """Have this key worked on as soon as a worker is free."""
        entry = self._entries.setdefault(key, _Entry())
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if entry.working:
            entry.again = True
        elif not entry.queued:
            entry.queued = True
            self._ready.put_nowait(key)

    def wake_all(self, concerned: Callable[[K], bool]) -> None:
        """Wake every known key that is concerned."""
        for key in list(self._entries):
            if concerned(key):
                self.wake(key)

    @property
    def waiting(self) -> int:
        """Keys that are due and not worked on yet."""
        return self._ready.qsize()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.workers):
                tasks.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            entry = self._entries[key]
            entry.queued, entry.working = False, True
            gone, due_s = False, None
            try:
                due_s = await self.work(key)
                entry.failures = 0
            except ForgetKeyError:
                gone = True
            except Exception:  # noqa: BLE001  one key's failure must not stop the others
                due_s = self._failed(key, entry)
            entry.working = False
            if gone and not entry.again:
                del self._entries[key]
            else:
                self._schedule(key, entry, due_s)

    def _failed(self, key: K, entry: _Entry) -> float:
        entry.failures += 1
        backoff = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(entry.failures - 1, 16))
        log.exception("%s failed, attempt %d; again in %.2f s", key, entry.failures, backoff)
        return backoff

    def _schedule(self, key: K, entry: _Entry, due_s: float | None) -> None:
        if entry.again:
            entry.again = False
            self.wake(key)
            return
        delay = self.resync_s * random.uniform(0.8, 1.2) if due_s is None else due_s
        entry.timer = asyncio.get_running_loop().call_later(delay, self.wake, key)
