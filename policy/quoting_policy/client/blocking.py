"""The client for apps that wait."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
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
    ModeChanged,
)

READ = 1 << 16

OnMode = Callable[[ModeChanged], None]


class QuotingClient(Telling):
    """Asks an engine for quotes over its Unix socket. Not for use by several threads at once.

    It connects when it is first used, and again whenever the connection was lost, at most every
    ``reconnect_s``. timeout_s: how long to wait for an answer; then there is no quote. on_mode: called with
    every change of mode, also when the connection is lost, from within :meth:`quote` and :meth:`poll`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        app: str = "",
        timeout_s: float = 0.05,
        reconnect_s: float = 0.2,
        on_mode: OnMode | None = None,
    ) -> None:
        self._path = os.fspath(path)
        self._app = app
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self._on_mode = on_mode
        self._view = EngineView()
        self._sock: socket.socket | None = None
        self._buffer = FrameBuffer(MAX_CONTROL_FRAME)
        self._next_try = 0.0
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

    def quote(self, symbol: str, state: MarketState, *, ts_ns: int | None = None) -> Answer:
        """Ask for a quote. ts_ns: CLOCK_MONOTONIC of the market data; None is now."""
        deadline = time.monotonic() + self._timeout_s
        self._last_id += 1
        question = self._last_id
        ask = Ask(question, symbol, state, time.monotonic_ns() if ts_ns is None else ts_ns)
        if not self._tell(ask):
            return NoQuote(Why.NOT_CONNECTED, f"no engine at {self._path}")
        while self._sock is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._sock], [], [], left)[0]:
                return NoQuote(Why.TIMEOUT, f"no answer within {self._timeout_s:g} s")
            for message in self._receive():
                if (answer := answer_to(message, question)) is not None:
                    return answer
        return NoQuote(Why.NOT_CONNECTED, "the engine hung up")

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take what the engine has pushed; connect where there is no connection. Call it when idle."""
        sock = self._connected()
        if sock is not None and select.select([sock], [], [], timeout_s)[0]:
            self._receive()

    def close(self) -> None:
        """Hang up."""
        self._lose("closed")
        self._next_try = 0.0

    def _tell(self, message: AppMessage) -> bool:
        sock = self._connected()
        if sock is None:
            return False
        try:
            sock.sendall(encode(message))
        except OSError as error:
            self._lose(str(error))
            return False
        return True

    def _connected(self) -> socket.socket | None:
        if self._sock is not None:
            return self._sock
        if time.monotonic() < self._next_try:
            return None
        self._next_try = time.monotonic() + self._reconnect_s
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self._timeout_s)
        try:
            sock.connect(self._path)
            sock.sendall(hello(self._app))
        except OSError:
            sock.close()
            return None
        self._sock, self._buffer = sock, FrameBuffer(MAX_CONTROL_FRAME)
        return sock

    def _receive(self) -> list[EngineMessage]:
        assert self._sock is not None  # noqa: S101  callers have just used it
        try:
            chunk = self._sock.recv(READ)
            messages = [decode(payload) for payload in self._buffer.feed(chunk)]
        except (OSError, FrameError, msgspec.DecodeError) as error:
            self._lose(str(error))
            return []
        for message in messages:
            self._tell_mode(self._view.take(message))
        if not chunk:
            self._lose("the engine hung up")
        return messages

    def _lose(self, reason: str) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
            self._next_try = time.monotonic() + self._reconnect_s
        self._tell_mode(self._view.lost(reason))

    def _tell_mode(self, change: ModeChanged | None) -> None:
        if change is not None and self._on_mode is not None:
            self._on_mode(change)
