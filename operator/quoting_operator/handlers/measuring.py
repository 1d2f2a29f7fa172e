"""Measurements beside the reconcile passes: a pass says which blocks it wants, and is woken by their coming.

No pass ever waits for Prometheus, so that no authority lapses because of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from typing import Generic, TypeVar

from quoting_operator.gates.block_reading import Answer, BlockReading, BlockRequest
from quoting_policy.errors import InputError

log = logging.getLogger(__name__)

RETRY_S = 5.0
"""Seconds after which a source that did not answer, or had no block yet, is asked again."""

K = TypeVar("K", bound=Hashable)


class Measuring(Generic[K]):
    """Keeps one request a policy, reads its blocks once they can be there, and wakes the policy.

    read: reads blocks. lag_s: how long after its end a block can be read, by its length. wake: a policy whose
    answer is there. clock: s since the epoch.
    """

    def __init__(
        self,
        read: Callable[[BlockRequest], Awaitable[BlockReading]],
        lag_s: Callable[[float], float],
        wake: Callable[[K], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read, self._lag_s, self._wake, self._clock = read, lag_s, wake, clock
        self._tasks: dict[K, tuple[BlockRequest, asyncio.Task[None]]] = {}
        self._answers: dict[K, Answer] = {}

    def answer(self, key: K) -> Answer | None:
        """The last answer for a policy; whether it still is the one wanted is the pass's to see."""
        return self._answers.get(key)

    def ask(self, key: K, request: BlockRequest | None) -> None:
        """From now on this is wanted; None: nothing."""
        present = self._tasks.get(key)
        if present is not None and present[0] == request:
            return
        self.forget(key)
        if request is not None:
            self._tasks[key] = (request, asyncio.create_task(self._follow(key, request)))

    def forget(self, key: K) -> None:
        """Nothing is wanted of this policy any more."""
        self._answers.pop(key, None)
        _, task = self._tasks.pop(key, (None, None))
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Forget everything."""
        for key in list(self._tasks):
            self.forget(key)

    async def _follow(self, key: K, request: BlockRequest) -> None:
        """Ask until blocks were read. A source that fails is told of once, and asked again."""
        told = ""
        while True:
            ready_s = request.end_s(request.first) + self._lag_s(request.block_length_s)
            await asyncio.sleep(max(0.0, ready_s - self._clock()))
            try:
                reading = await self._read(replace(request, now_s=self._clock()))
            except InputError as error:
                reading = BlockReading(blocks={}, last=request.first - 1, reachable=False, problem=str(error))
            got_blocks = reading.last >= request.first
            problem = "" if reading.reachable else reading.problem or "unreachable"
            if got_blocks or problem != told:
                told = problem
                self._answers[key] = Answer(request, reading)
                self._wake(key)
            if got_blocks:
                return
            if problem:
                log.warning("%s: %s", key, problem)
            await asyncio.sleep(RETRY_S)
