"""What the engine answers to a trading app."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from quoting_policy.engine import Engine
from quoting_policy.errors import InputError
from quoting_policy.protocol.messages import (
    VERSION,
    AppMessage,
    Ask,
    EngineMessage,
    Error,
    ErrorCode,
    Filled,
    Hello,
    Market,
    ModeChanged,
    Order,
    OrderClosed,
    Position,
    Quote,
    Trade,
    Welcome,
)
from quoting_policy.sidecar.connection import Connection

log = logging.getLogger(__name__)

Reply = EngineMessage | None


class AppDesk:
    """Turns messages of apps into calls of the engine, and its decisions into replies."""

    def __init__(
        self,
        engine: Engine,
        monotonic: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._wall = wall
        self._decode = msgspec.msgpack.Decoder(AppMessage).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._handlers: dict[type[Any], Callable[[Any], Reply]] = {
            Ask: self._ask,
            Market: self._market,
            Trade: self._trade,
            Order: self._order,
            OrderClosed: self._closed,
            Filled: self._filled,
            Position: self._position,
        }

    def answer(self, connection: Connection, payload: bytes) -> bytes | None:
        """The payload of the reply, if there is one. Whatever was sent, this does not raise."""
        try:
            message = self._decode(payload)
        except (msgspec.DecodeError, RecursionError) as error:
            return self._encode(Error(ErrorCode.BAD_MESSAGE, str(error)))
        if type(message) is Hello or not connection.greeted:
            return self._encode(self._hello(connection, message))
        try:
            if type(message) is Ask and message.symbol in self._engine.books:
                connection.asked.add(message.symbol)
            reply = self._handlers[type(message)](message)
        except InputError as error:
            reply = Error(ErrorCode.BAD_VALUE, str(error), getattr(message, "id", 0))
        except Exception:
            log.exception("a message of %s could not be handled", connection.name)
            reply = Error(ErrorCode.INTERNAL, "not handled; see the engine's log", getattr(message, "id", 0))
        return None if reply is None else self._encode(reply)

    def mode(self) -> bytes:
        """The payload that tells apps who may quote now."""
        control = self._engine.control
        choice = control.in_candidate_slot
        return self._encode(ModeChanged(choice.mode, choice.arm, control.digest, choice.rule))

    def mode_of(self, symbol: str) -> bytes:
        """The payload that tells apps what may be quoted in one instrument."""
        control, book = self._engine.control, self._engine.books[symbol]
        arm = control.in_candidate_slot.arm
        return self._encode(ModeChanged(book.mode, arm, control.digest, book.mode_reason, symbol))

    def bad_frame(self, error: Exception) -> bytes:
        """The payload that says why the connection will be closed."""
        return self._encode(Error(ErrorCode.BAD_FRAME, str(error)))

    def _hello(self, connection: Connection, message: AppMessage) -> EngineMessage:
        if not isinstance(message, Hello):
            return Error(ErrorCode.BAD_VERSION, "the first message must be hello", getattr(message, "id", 0))
        if message.version != VERSION:
            return Error(
                ErrorCode.BAD_VERSION, f"version {message.version} must be {VERSION}; update the client"
            )
        connection.greeted, connection.name = True, message.app
        control = self._engine.control
        mode = control.in_candidate_slot.mode
        return Welcome(VERSION, mode, control.digest, tuple(self._engine.books))

    def _ask(self, ask: Ask) -> Reply:
        decision = self._engine.decide(
            ask.symbol, ask.state, now_ns=self._monotonic(), wall_ns=self._wall(), data_ns=ask.ts_ns
        )
        return Quote(
            ask.id,
            ask.symbol,
            decision.arm,
            decision.mode,
            decision.bids,
            decision.asks,
            decision.clamps_bound,
            decision.breaches,
            decision.reasons,
            decision.orders,
            decision.elapsed_ns,
        )

    def _market(self, market: Market) -> None:
        self._engine.market(market.symbol, market.state, now_ns=self._monotonic(), wall_ns=self._wall())

    def _trade(self, trade: Trade) -> None:
        self._engine.trade(trade.symbol, trade.trade, now_ns=self._monotonic(), wall_ns=self._wall())

    def _order(self, order: Order) -> None:
        self._engine.order(order.symbol, order.order, now_ns=self._monotonic())

    def _closed(self, closed: OrderClosed) -> None:
        self._engine.order_closed(closed.symbol, closed.order_id)

    def _filled(self, filled: Filled) -> None:
        self._engine.fill(filled.symbol, filled.fill, now_ns=self._monotonic(), wall_ns=self._wall())

    def _position(self, position: Position) -> None:
        self._engine.position(position.symbol, position.inventory)
