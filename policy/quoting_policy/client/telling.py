"""What an app tells its engine, the same words for both kinds of client."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from quoting_policy.domain import Fill, LiveOrder, MarketState, PublicTrade
from quoting_policy.protocol.messages import AppMessage, Filled, Market, Order, OrderClosed, Position, Trade


class Telling(ABC):
    """News for the engine; no answer is waited for."""

    @abstractmethod
    def _tell(self, message: AppMessage) -> bool:
        """Send, if there is a connection; says whether there was."""

    def market(self, symbol: str, state: MarketState) -> bool:
        """Tell that the market moved. Like all that follow: False when there is no connection."""
        return self._tell(Market(symbol, state, time.monotonic_ns()))

    def trade(self, symbol: str, trade: PublicTrade) -> bool:
        """Tell of a trade between others."""
        return self._tell(Trade(symbol, trade, time.monotonic_ns()))

    def order(self, symbol: str, order: LiveOrder) -> bool:
        """Tell of an own order: sent, acknowledged or changed."""
        return self._tell(Order(symbol, order))

    def order_closed(self, symbol: str, order_id: str) -> bool:
        """Tell that an own order is gone."""
        return self._tell(OrderClosed(symbol, order_id))

    def fill(self, symbol: str, fill: Fill) -> bool:
        """Tell of a fill of an own order, before the order update that shows it."""
        return self._tell(Filled(symbol, fill))

    def position(self, symbol: str, inventory: float) -> bool:
        """Tell the position as the venue has it, with no order open: at the start, and after doubts."""
        return self._tell(Position(symbol, inventory))
