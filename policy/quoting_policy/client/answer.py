"""What a client gives back, and what it keeps in mind about its engine."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from quoting_policy.domain import Mode
from quoting_policy.protocol import frame
from quoting_policy.protocol.messages import (
    VERSION,
    AppMessage,
    EngineMessage,
    Error,
    Hello,
    ModeChanged,
    Quote,
    Welcome,
)


class Why(StrEnum):
    """Why there is no quote."""

    TIMEOUT = "timeout"
    NOT_CONNECTED = "not_connected"
    REFUSED = "refused"


class NoQuote(msgspec.Struct, frozen=True):
    """There is no answer: have no orders. It is false, so that ``if not quote`` reads as it should."""

    why: Why
    reason: str

    def __bool__(self) -> bool:
        return False


Answer = Quote | NoQuote


def is_quoting(mode: Mode) -> bool:
    """Whether an app may have orders in this mode."""
    return mode in (Mode.ACTIVE, Mode.REDUCING)


_decoder: msgspec.msgpack.Decoder[EngineMessage] = msgspec.msgpack.Decoder(EngineMessage)
_encode = msgspec.msgpack.Encoder().encode


def decode(payload: bytes) -> EngineMessage:
    """A message of the engine. Raises msgspec.DecodeError."""
    return _decoder.decode(payload)


def encode(message: AppMessage) -> bytes:
    """A frame with this message."""
    return frame(_encode(message))


def hello(app: str) -> bytes:
    """The frame that opens a connection."""
    return encode(Hello(VERSION, app))


class EngineView:
    """What an app knows of its engine: mode, digest, what may be asked for, and what may only be reduced."""

    def __init__(self) -> None:
        self.mode = Mode.NOT_CONFIGURED
        self.digest = ""
        self.instruments: tuple[str, ...] = ()
        self.reducing: set[str] = set()

    def take(self, message: EngineMessage) -> ModeChanged | None:
        """Learn from a message; the change of mode that the app has to be told, if it is one."""
        if isinstance(message, Welcome):
            self.reducing.clear()
            self.digest, self.instruments = message.digest, message.instruments
            return self._turn(ModeChanged(message.mode, None, message.digest, "connected"))
        if isinstance(message, ModeChanged) and message.symbol:
            self.reducing.discard(message.symbol)
            if message.mode is Mode.REDUCING:
                self.reducing.add(message.symbol)
            return message
        if isinstance(message, ModeChanged):
            self.digest = message.digest
            return self._turn(message, always=True)
        return None

    def lost(self, reason: str) -> ModeChanged | None:
        """The connection is gone: nobody says that quoting is allowed."""
        return self._turn(ModeChanged(Mode.NOT_CONFIGURED, None, self.digest, reason))

    def _turn(self, change: ModeChanged, *, always: bool = False) -> ModeChanged | None:
        turned = change.mode is not self.mode
        self.mode = change.mode
        return change if turned or always else None


def answer_to(message: EngineMessage, question: int) -> Answer | None:
    """The answer to a question, where this message is one."""
    if isinstance(message, Quote) and message.id == question:
        return message
    if isinstance(message, Error) and message.id == question:
        return NoQuote(Why.REFUSED, f"{message.code}: {message.message}")
    return None
