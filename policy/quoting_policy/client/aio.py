"""The client for asyncio apps."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

from quoting_policy.client.answer import Answer, EngineView, NoQuote, Why, answer_to, decode, encode, hello
from quoting_policy.client.telling import Telling
from quoting_policy.domain import MarketState, Mode
from quoting_policy.protocol import MAX_CONTROL_FRAME, FrameBuffer, FrameError
from quoting_policy.protocol.messages import (
    AppMessage,
    Ask,
    EngineMessage,
    Error,
    ModeChanged,
    Quote,
)

READ = 1 << 16


class AsyncQuotingClient(Telling):
    """Asks an engine for quotes over its Unix socket; many questions may be open at once.

    As a context manager it keeps a connection up, trying again every ``reconnect_s``. timeout_s: how long to
    wait for an answer; then there is no quote. on_mode: called at once with every change of mode.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        app: str = "",
        timeout_s: float = 0.05,
        reconnect_s: float = 0.2,
        on_mode: Callable[[ModeChanged], None] | None = None,
    ) -> None:
        self._path = os.fspath(path)
        self._app = app
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self._on_mode = on_mode
        self._view = EngineView()
        self._writer: asyncio.StreamWriter | None = None
        self._open: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._connection: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._connection = asyncio.create_task(self._keep_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.cancel()
            with suppress(asyncio.CancelledError):
                await self._connection

    @property
    def mode(self) -> Mode:
        """The mode last told; NotConfigured without a connection."""
        return self._view.mode

    @property
    def reducing(self) -> frozenset[str]:
        """Instruments of which the engine has said that they may only be reduced."""
        return frozenset(self._view.reducing)

    @property
    def instruments(self) -> tuple[str, ...]:
        """What the engine said may be asked for."""
        return self._view.instruments

    async def connected(self) -> None:
        """Wait until there is a connection and the engine has greeted us."""
        await self._up.wait()

    async def quote(self, symbol: str, state: MarketState, *, ts_ns: int | None = None) -> Answer:
        """Ask for a quote. ts_ns: CLOCK_MONOTONIC of the market data; None is now."""
        self._last_id += 1
        question = self._last_id
        ask = Ask(question, symbol, state, time.monotonic_ns() if ts_ns is None else ts_ns)
        if not self._tell(ask):
            return NoQuote(Why.NOT_CONNECTED, f"no engine at {self._path}")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[question] = answer
        try:
            return await asyncio.wait_for(answer, self._timeout_s)
        except TimeoutError:
            return NoQuote(Why.TIMEOUT, f"no answer within {self._timeout_s:g} s")
        finally:
            self._open.pop(question, None)

    def _tell(self, message: AppMessage) -> bool:
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.write(encode(message))
        return True

    async def _keep_connected(self) -> None:
        while True:
            reason = "no engine"
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._path)
                self._writer.write(hello(self._app))
                await self._read(reader)
                reason = "the engine hung up"
            except (OSError, FrameError, msgspec.DecodeError) as error:
                reason = str(error)
            finally:
                self._lose(reason)
            await asyncio.sleep(self._reconnect_s)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = FrameBuffer(MAX_CONTROL_FRAME)
        while chunk := await reader.read(READ):
            for payload in buffer.feed(chunk):
                self._take(decode(payload))

    def _take(self, message: EngineMessage) -> None:
        self._tell_mode(self._view.take(message))
        self._up.set()
        if isinstance(message, Quote | Error):
            future = self._open.get(message.id)
            answer = answer_to(message, message.id)
            if future is not None and answer is not None and not future.done():
                future.set_result(answer)

    def _lose(self, reason: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._up.clear()
        for future in self._open.values():
            if not future.done():
                future.set_result(NoQuote(Why.NOT_CONNECTED, reason))
        self._tell_mode(self._view.lost(reason))

    def _tell_mode(self, change: ModeChanged | None) -> None:
        if change is not None and self._on_mode is not None:
            self._on_mode(change)
