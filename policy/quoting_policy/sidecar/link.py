"""The agent's end of the control socket."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from quoting_policy.protocol import MAX_CONTROL_FRAME, FrameBuffer, FrameError, frame
from quoting_policy.protocol.control import AgentMessage, BreachLatched, EngineReply

log = logging.getLogger(__name__)

READ = 1 << 18


class LinkDownError(ConnectionError):
    """There is no connection to the engine, or it was lost before the answer came."""


class EngineLink:
    """Keeps a connection to the engine and asks over it; answers come in the order of the questions.

    on_connect: what to say to an engine first, whenever a connection was made. on_breach: called for every
    breach that the engine reports. retry_s: how soon to try again.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_connect: Callable[[], Awaitable[None]],
        on_breach: Callable[[BreachLatched], Awaitable[None]],
        retry_s: float = 0.05,
    ) -> None:
        self._path = path
        self._on_connect = on_connect
        self._on_breach = on_breach
        self._retry_s = retry_s
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: deque[asyncio.Future[EngineReply]] = deque()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder: msgspec.msgpack.Decoder[EngineReply] = msgspec.msgpack.Decoder(EngineReply)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._writer is not None

    async def ask(self, message: AgentMessage, timeout_s: float = 2.0) -> EngineReply:
        """Send a message and wait for its answer. Raises LinkDownError, TimeoutError."""
        if self._writer is None:
            raise LinkDownError(f"no engine at {self._path}")
        answer: asyncio.Future[EngineReply] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(frame(self._encode(message)))
        return await asyncio.wait_for(asyncio.shield(answer), timeout_s)

    async def run(self) -> None:
        """Keep the connection, for ever."""
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self._path))
                log.info("connected to the engine")
                self._spawn(self._on_connect())
                await self._read(reader)
            except (OSError, FrameError, msgspec.DecodeError) as error:
                log.debug("engine link: %s", error)
            finally:
                self._lose()
            await asyncio.sleep(self._retry_s)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = FrameBuffer(MAX_CONTROL_FRAME)
        while chunk := await reader.read(READ):
            for payload in buffer.feed(chunk):
                reply = self._decoder.decode(payload)
                if isinstance(reply, BreachLatched):
                    self._spawn(self._on_breach(reply))
                elif self._waiting:
                    answer = self._waiting.popleft()
                    if not answer.done():
                        answer.set_result(reply)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("engine link: %r", error)

    def _lose(self) -> None:
        if self._writer is not None:
            log.warning("the connection to the engine is gone")
            self._writer.close()
            self._writer = None
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(LinkDownError("the engine hung up"))
                answer.exception()
