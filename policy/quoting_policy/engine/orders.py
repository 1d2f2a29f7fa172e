"""Own orders of one instrument, as the app reports them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from quoting_policy.clamps.situation import NO_ORDERS, LiveOrders
from quoting_policy.domain import Arm, Fill, LiveOrder, Side

REMEMBERED = 4096
"""Closed orders whose arm is remembered, for fills that come late."""


class OwnOrders:
    """Orders that may still be filled, and what they add up to.

    The quantity of an order is what is still open after all fills reported so far. sum: of both sides.
    """

    __slots__ = ("_closed", "_live", "sum")

    def __init__(self) -> None:
        self._live: dict[str, LiveOrder] = {}
        self._closed: dict[str, Arm] = {}
        self.sum: LiveOrders = NO_ORDERS

    def __iter__(self) -> Iterator[LiveOrder]:
        return iter(self._live.values())

    def __len__(self) -> int:
        return len(self._live)

    def put(self, order: LiveOrder) -> bool:
        """An order is in flight or live, with this open quantity; says whether it is new."""
        new = order.order_id not in self._live
        self._live[order.order_id] = order
        self.sum = self._add_up()
        return new

    def close(self, order_id: str) -> None:
        """An order is gone: cancelled, rejected, filled. One that is not known is no error."""
        order = self._live.pop(order_id, None)
        if order is not None:
            self._remember(order)
            self.sum = self._add_up()

    def fill(self, fill: Fill) -> Arm | None:
        """Take a fill off its order; the arm it belongs to, None for an order never heard of."""
        order = self._live.get(fill.order_id)
        if order is None:
            return self._closed.get(fill.order_id)
        left = order.qty_lots - fill.qty_lots
        if left > 0:
            self._live[fill.order_id] = msgspec.structs.replace(order, qty_lots=left)
        else:
            del self._live[fill.order_id]
            self._remember(order)
        self.sum = self._add_up()
        return order.arm

    def clear(self) -> None:
        """All orders are gone, as after a reconnection to the venue."""
        for order_id in list(self._live):
            self.close(order_id)

    def _add_up(self) -> LiveOrders:
        if not self._live:
            return NO_ORDERS
        sides: dict[Side, dict[int, int]] = {Side.BID: {}, Side.ASK: {}}
        for order in self._live.values():
            at = sides[order.side]
            at[order.price_ticks] = at.get(order.price_ticks, 0) + order.qty_lots
        bids, asks = sides[Side.BID], sides[Side.ASK]
        return LiveOrders(bids, asks, sum(bids.values()), sum(asks.values()))

    def _remember(self, order: LiveOrder) -> None:
        self._closed[order.order_id] = order.arm
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]
