"""A keyed work queue: what is urgent first, one worker a key, wakes meanwhile coalesce, failures back off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 60.0
RESYNC_S = 300.0
"""After so long a key is worked on though nothing has woken it; jittered, so that not all come at once."""

K = TypeVar("K", bound=Hashable)


class ForgetKeyError(Exception):
    """Raised by the work when its key is no more: the queue drops it."""


class Urgency(IntEnum):
    """What a wake is about, the most urgent first."""

    BREACH = 0
    KILL = 1
    ROUTINE = 2


@dataclass(slots=True)
class _Entry:
    """State of one key. timer: the next time it becomes due by itself."""

    queued: Urgency | None = None
    working: bool = False
    again: Urgency | None = None
    failures: int = 0
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class WorkQueue(Generic[K]):
    """Calls ``work(key)`` for every key that was woken or is due.

    work returns the seconds after which the key is due again, or None for the resync. While a key is worked
    on, wakes are remembered and lead to exactly one more call. An exception is logged and tried again with
    an exponential backoff, which a wake does not wait for. workers: keys worked on at once; reserved: as many
    more for what is urgent, which so never waits for routine to end.
    """

    work: Callable[[K], Awaitable[float | None]]
    workers: int = 10
    reserved: int = 10
    resync_s: float = RESYNC_S
    _entries: dict[K, _Entry] = field(default_factory=dict)
    _lanes: dict[Urgency, deque[K]] = field(default_factory=lambda: {lane: deque() for lane in Urgency})
    _arrived: dict[Urgency, asyncio.Event] = field(
        default_factory=lambda: {least: asyncio.Event() for least in (Urgency.KILL, Urgency.ROUTINE)}
    )
    _held: bool = False

    def wake(self, key: K, urgency: Urgency = Urgency.ROUTINE) -> None:
        """Have this key worked on as soon as a worker is free."""
        entry = self._entries.setdefault(key, _Entry())
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if entry.working:
            entry.again = urgency if entry.again is None else min(entry.again, urgency)
        elif entry.queued is None or urgency < entry.queued:
            entry.queued = urgency  # where it stands in a slower lane, it is passed over there
            self._lanes[urgency].append(key)
            self._announce()

    def hold(self, held: bool) -> None:
        """Begin nothing while held. Wakes are remembered, and what has begun goes on."""
        self._held = held
        self._announce()

    @property
    def waiting(self) -> int:
        """Keys that are due and not worked on yet."""
        return sum(entry.queued is not None for entry in self._entries.values())

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.workers):
                tasks.create_task(self._worker(Urgency.ROUTINE))
            for _ in range(self.reserved):
                tasks.create_task(self._worker(Urgency.KILL))

    def _announce(self) -> None:
        for arrived in self._arrived.values():
            arrived.set()

    async def _next(self, least: Urgency) -> K:
        """The most urgent key, of those that are at least so urgent."""
        while (key := self._first(least)) is None:
            self._arrived[least].clear()
            await self._arrived[least].wait()
        return key

    def _first(self, least: Urgency) -> K | None:
        for urgency, lane in self._lanes.items():
            if self._held or urgency > least:
                return None
            while lane:
                key = lane.popleft()
                entry = self._entries.get(key)
                if entry is not None and entry.queued is urgency:
                    return key
        return None

    async def _worker(self, least: Urgency) -> None:
        while True:
            key = await self._next(least)
            entry = self._entries[key]
            entry.queued, entry.working = None, True
            gone, due_s = False, None
            try:
                due_s = await self.work(key)
                entry.failures = 0
            except ForgetKeyError:
                gone = True
            except Exception:  # noqa: BLE001  one key's failure must not stop the others
                due_s = self._failed(key, entry)
            entry.working = False
            if gone and entry.again is None:
                del self._entries[key]
            else:
                self._schedule(key, entry, due_s)

    def _failed(self, key: K, entry: _Entry) -> float:
        entry.failures += 1
        backoff = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(entry.failures - 1, 16))
        log.exception("%s failed, attempt %d; again in %.2f s", key, entry.failures, backoff)
        return backoff

    def _schedule(self, key: K, entry: _Entry, due_s: float | None) -> None:
        if entry.again is not None:
            urgency, entry.again = entry.again, None
            self.wake(key, urgency)
            return
        delay = self.resync_s * random.uniform(0.8, 1.2) if due_s is None else due_s
        entry.timer = asyncio.get_running_loop().call_later(delay, self.wake, key)
