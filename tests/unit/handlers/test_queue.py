"""The work queue: one worker a key, coalesced wakes, due times, backoff. Time is faked by looptime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from quoting_operator.handlers.queue import ForgetKeyError, Urgency, WorkQueue

pytestmark = pytest.mark.looptime

Work = Callable[[str], Awaitable[float | None]]


@asynccontextmanager
async def running(work: Work, **options: float) -> AsyncIterator[WorkQueue[str]]:
    queue = WorkQueue[str](work, **options)  # type: ignore[arg-type]  # numbers only
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Recorded:
    """Work that takes a second and records when it began."""

    def __init__(self, *results: float | Exception | None) -> None:
        self.results = list(results)
        self.began: list[tuple[str, float]] = []
        self.busy: set[str] = set()
        self.most_busy = 0

    async def __call__(self, key: str) -> float | None:
        assert key not in self.busy, "two workers on one key"
        self.busy.add(key)
        self.most_busy = max(self.most_busy, len(self.busy))
        self.began.append((key, asyncio.get_running_loop().time()))
        await asyncio.sleep(1)
        self.busy.discard(key)
        result = self.results.pop(0) if self.results else None
        if isinstance(result, Exception):
            raise result
        return result


async def test_wakes_while_waiting_are_one_call() -> None:
    work = Recorded()
    async with running(work) as queue:
        for _ in range(5):
            queue.wake("a")
        await asyncio.sleep(10)
    assert work.began == [("a", 0)]


async def test_wakes_while_working_are_exactly_one_more_call() -> None:
    work = Recorded()
    async with running(work) as queue:
        queue.wake("a")
        await asyncio.sleep(0.5)
        for _ in range(5):
            queue.wake("a")
        await asyncio.sleep(10)
    assert work.began == [("a", 0), ("a", 1)]


async def test_keys_are_worked_on_side_by_side_up_to_the_number_of_workers() -> None:
    work = Recorded()
    async with running(work, workers=3) as queue:
        for key in "abcdef":
            queue.wake(key)
        await asyncio.sleep(10)
    assert work.most_busy == 3
    assert len(work.began) == 6


async def test_a_due_time_is_kept_and_a_wake_comes_before_it() -> None:
    work = Recorded(5, 5)
    async with running(work) as queue:
        queue.wake("a")
        await asyncio.sleep(7.5)
        queue.wake("a")
        await asyncio.sleep(10)
    assert work.began == [("a", 0), ("a", 6), ("a", 7.5)]


async def test_failures_back_off_and_a_success_forgets_them() -> None:
    work = Recorded(RuntimeError(), RuntimeError(), RuntimeError(), None, RuntimeError())
    async with running(work) as queue:
        queue.wake("a")
        await asyncio.sleep(10)
        gaps = [b - a - 1 for (_, a), (_, b) in zip(work.began, work.began[1:], strict=False)]
        assert gaps == [0.25, 0.5, 1.0]
        queue.wake("a")
        await asyncio.sleep(3)
    assert work.began[-1][1] - work.began[-2][1] == 1.25


async def test_a_failing_key_does_not_hold_up_another() -> None:
    work = Recorded(RuntimeError())
    async with running(work, workers=1) as queue:
        queue.wake("a")
        queue.wake("b")
        await asyncio.sleep(1.1)
    assert [key for key, _ in work.began] == ["a", "b"]


async def test_without_a_due_time_a_key_comes_back_at_the_resync() -> None:
    work = Recorded()
    async with running(work, resync_s=100) as queue:
        queue.wake("a")
        await asyncio.sleep(125)
    assert len(work.began) == 2
    assert 80 <= work.began[1][1] - 1 <= 120


async def test_a_forgotten_key_comes_back_only_when_it_is_woken() -> None:
    work = Recorded(ForgetKeyError())
    async with running(work, resync_s=1) as queue:
        queue.wake("a")
        await asyncio.sleep(60)
        assert len(work.began) == 1
        queue.wake("a")
        await asyncio.sleep(1)
    assert len(work.began) == 2


async def test_a_key_woken_while_it_is_being_forgotten_is_looked_at_again() -> None:
    work = Recorded(ForgetKeyError())
    async with running(work) as queue:
        queue.wake("a")
        await asyncio.sleep(0.5)
        queue.wake("a")
        await asyncio.sleep(5)
    assert len(work.began) == 2


async def test_what_is_urgent_comes_before_what_waited_longer() -> None:
    work = Recorded()
    async with running(work, workers=1, reserved=0) as queue:
        for key in "abc":
            queue.wake(key)
        await asyncio.sleep(0.5)
        queue.wake("k", Urgency.KILL)
        queue.wake("b", Urgency.BREACH)
        await asyncio.sleep(10)
    assert [key for key, _ in work.began] == ["a", "b", "k", "c"]


async def test_a_wake_that_is_less_urgent_changes_nothing() -> None:
    work = Recorded()
    async with running(work, workers=1, reserved=0) as queue:
        queue.wake("a")
        await asyncio.sleep(0.5)
        queue.wake("b", Urgency.BREACH)
        queue.wake("c", Urgency.KILL)
        queue.wake("b")
        await asyncio.sleep(10)
    assert [key for key, _ in work.began] == ["a", "b", "c"]


async def test_what_is_urgent_does_not_wait_for_routine_to_end() -> None:
    work = Recorded()
    async with running(work, workers=2, reserved=1) as queue:
        for key in "abcd":
            queue.wake(key)
        await asyncio.sleep(0.25)
        queue.wake("d", Urgency.BREACH)
        await asyncio.sleep(10)
    assert work.began == [("a", 0), ("b", 0), ("d", 0.25), ("c", 1)]


async def test_a_key_woken_urgently_while_it_is_worked_on_is_next() -> None:
    work = Recorded()
    async with running(work, workers=1, reserved=0) as queue:
        for key in "abc":
            queue.wake(key)
        await asyncio.sleep(0.5)
        queue.wake("a", Urgency.BREACH)
        queue.wake("a")
        await asyncio.sleep(10)
    assert [key for key, _ in work.began] == ["a", "a", "b", "c"]


async def test_nothing_begins_while_the_queue_is_held_and_no_wake_is_lost() -> None:
    work = Recorded(2, 2)
    async with running(work) as queue:
        queue.hold(True)
        queue.wake("a")
        queue.wake("b", Urgency.BREACH)
        await asyncio.sleep(5)
        assert work.began == []
        assert queue.waiting == 2
        queue.hold(False)
        await asyncio.sleep(0.5)
        queue.hold(True)
        await asyncio.sleep(5)
    assert [(key, at) for key, at in work.began] == [("b", 5), ("a", 5)]
