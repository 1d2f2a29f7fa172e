"""Events, posted beside the passes: what is told to people must not hold up what is done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from quoting_operator.adapters.kube import KubeError
from quoting_operator.rollout.decision import PostEvent

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Events that may wait; one more is dropped, and logged."""

Post = Callable[[Mapping[str, Any], str, str, str], Awaitable[None]]


class Teller:
    """Posts Events in the order in which they were told. One that is refused is logged and stops nothing.

    post: takes the object, the reason, the message, and Normal or Warning.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._waiting: asyncio.Queue[tuple[Mapping[str, Any], PostEvent]] = asyncio.Queue(MOST_WAITING)

    def tell(self, regarding: Mapping[str, Any], event: PostEvent) -> None:
        """Have an Event about an object posted soon."""
        try:
            self._waiting.put_nowait((regarding, event))
        except asyncio.QueueFull:
            log.warning("Event %s of %s dropped: too many wait", event.reason, regarding["metadata"]["name"])

    async def run(self) -> None:
        """Post one after the other until cancelled: a burst of them shall not crowd out what is done."""
        while True:
            regarding, event = await self._waiting.get()
            kind = "Warning" if event.warning else "Normal"
            try:
                await self._post(regarding, event.reason, event.message, kind)
            except KubeError as error:
                name = regarding["metadata"]["name"]
                log.warning("Event %s of %s not posted: %s", event.reason, name, error)
            finally:
                self._waiting.task_done()

    async def finish(self, most_s: float) -> None:
        """Wait until everything is posted, for at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waiting.join(), most_s)
