"""Messages between a trading app and the engine.

Each is a msgpack array: its name, then its fields in order. Fields are only ever added at the end: a reader
ignores what it does not know and takes the default for what is not sent.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from quoting_policy.domain import (
    Arm,
    Fill,
    LiveOrder,
    MarketState,
    Mode,
    OrderAction,
    PublicTrade,
    QuoteLevel,
)

VERSION = 1
"""Version of the protocol. It rises when a peer of the last version would misunderstand."""


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What all messages share."""


# From the app.


class Hello(_Message, tag="hello", frozen=True):
    """First message of a connection. app: a name for logs."""

    version: int
    app: str = ""


class Market(_Message, tag="market", frozen=True):
    """The market of an instrument moved; no answer. ts_ns: CLOCK_MONOTONIC when the app saw it."""

    symbol: str
    state: MarketState
    ts_ns: int


class Trade(_Message, tag="trade", frozen=True):
    """Somebody traded; no answer. ts_ns: CLOCK_MONOTONIC when the app saw it."""

    symbol: str
    trade: PublicTrade
    ts_ns: int


class Order(_Message, tag="order", frozen=True):
    """An own order was sent, acknowledged or changed, with its open quantity after all fills; no answer."""

    symbol: str
    order: LiveOrder


class OrderClosed(_Message, tag="closed", frozen=True):
    """An own order is gone: cancelled, rejected or expired; no answer."""

    symbol: str
    order_id: str


class Filled(_Message, tag="fill", frozen=True):
    """An own order was filled; no answer. Comes before the order update that shows it."""

    symbol: str
    fill: Fill


class Position(_Message, tag="position", frozen=True):
    """The venue says that the position is this, and no order is open; no answer."""

    symbol: str
    inventory: float


class Ask(_Message, tag="quote", frozen=True):
    """Ask for a quote; the answer is a :class:`Quote` with the same id."""

    id: int
    symbol: str
    state: MarketState
    ts_ns: int


AppMessage = Hello | Market | Trade | Order | OrderClosed | Filled | Position | Ask


# From the engine.


class ErrorCode(StrEnum):
    """Why a frame was not accepted."""

    BAD_FRAME = "bad_frame"
    BAD_MESSAGE = "bad_message"
    BAD_VALUE = "bad_value"
    BAD_VERSION = "bad_version"
    INTERNAL = "internal"


class Welcome(_Message, tag="welcome", frozen=True):
    """Answer to hello. instruments: what may be asked for; digest: of the revision, empty for none."""

    version: int
    mode: Mode
    digest: str
    instruments: tuple[str, ...]


class Quote(_Message, tag="quoted", frozen=True):
    """The answer to a question. arm: empty where nobody may quote. Empty sides mean: have no order there."""

    id: int
    symbol: str
    arm: Arm | None
    mode: Mode
    bids: tuple[QuoteLevel, ...]
    asks: tuple[QuoteLevel, ...]
    clamps_bound: tuple[str, ...]
    breaches: tuple[str, ...]
    reasons: tuple[str, ...]
    orders: tuple[OrderAction, ...]
    elapsed_ns: int


class ModeChanged(_Message, tag="mode", frozen=True):
    """Pushed. Unless the mode is Active or Reducing: cancel all orders now.

    symbol: empty where the mode is the engine's, and told to every connection; else that of one instrument,
    told to the connections that have asked for it.
    """

    mode: Mode
    arm: Arm | None
    digest: str
    reason: str
    symbol: str = ""


class Error(_Message, tag="error", frozen=True):
    """A message was not accepted; id is that of the question, 0 where it is not known."""

    code: ErrorCode
    message: str
    id: int = 0


EngineMessage = Welcome | Quote | ModeChanged | Error
