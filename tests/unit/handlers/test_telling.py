"""Events beside the passes: in order, bounded, and never a reason to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quoting_operator.adapters.kube import KubeError
from quoting_operator.handlers import telling
from quoting_operator.handlers.telling import Teller
from quoting_operator.rollout.decision import PostEvent, Reason

pytestmark = pytest.mark.looptime

BTC = {"metadata": {"name": "btc"}}


class Posted(list[tuple[str, str, str]]):
    """Posting takes a second; some messages are refused."""

    async def __call__(self, regarding: Mapping[str, Any], reason: str, message: str, kind: str) -> None:
        await asyncio.sleep(1)
        if message == "refused":
            raise KubeError(403, "forbidden")
        self.append((reason, message, kind))


@asynccontextmanager
async def telling_to(posted: Posted) -> AsyncIterator[Teller]:
    teller = Teller(posted)
    task = asyncio.create_task(teller.run())
    try:
        yield teller
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def event(message: str, *, warning: bool = False) -> PostEvent:
    return PostEvent(Reason.PHASE_CHANGED, message, warning=warning)


async def test_telling_waits_for_nothing_and_all_is_posted() -> None:
    posted = Posted()
    async with telling_to(posted) as teller:
        teller.tell(BTC, event("one"))
        teller.tell(BTC, event("two", warning=True))
        assert posted == []
        await teller.finish(10)
    assert posted == [("PhaseChanged", "one", "Normal"), ("PhaseChanged", "two", "Warning")]


async def test_one_that_is_refused_does_not_hold_up_the_next() -> None:
    posted = Posted()
    async with telling_to(posted) as teller:
        for message in ("refused", "refused", "refused", "refused", "refused", "good"):
            teller.tell(BTC, event(message))
        await teller.finish(10)
    assert [message for _, message, _ in posted] == ["good"]


async def test_the_end_is_not_waited_for_longer_than_asked() -> None:
    async with telling_to(Posted()) as teller:
        for _ in range(100):
            teller.tell(BTC, event("slow"))
        before = asyncio.get_running_loop().time()
        await teller.finish(2)
        assert asyncio.get_running_loop().time() - before == 2


async def test_what_is_too_much_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_WAITING", 2)
    posted = Posted()
    teller = Teller(posted)
    for number in range(5):
        teller.tell(BTC, event(str(number)))
    task = asyncio.create_task(teller.run())
    await teller.finish(10)
    task.cancel()
    assert [message for _, message, _ in posted] == ["0", "1"]
