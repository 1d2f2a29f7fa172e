"""Counterfactual fills: what quotes that were never sent would have got."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from quoting_policy.accounting.track import Track
from quoting_policy.domain import PublicTrade, QuoteLevel, Side


class ShadowFill(msgspec.Struct, frozen=True):
    """A fill that would have been. qty_lots may be fractional: it is an expectation."""

    side: Side
    price_ticks: int
    qty_lots: float


class ShadowOrders:
    """The orders of a quote that is not sent, one arm, one instrument.

    Two rules, both without our own impact and without latency. *Trade-through*: a trade beyond our price, or
    a market that crosses it, fills us whole, up to the trade's size. *At touch*: a trade at our price fills
    our share of the queue, own / (own + displayed there); where we alone improve, nothing else is displayed.
    """

    __slots__ = ("_displayed", "_levels", "track")

    def __init__(self, track: Track) -> None:
        self.track = track
        self._levels: dict[Side, dict[int, float]] = {Side.BID: {}, Side.ASK: {}}
        self._displayed: dict[Side, tuple[int, float]] = {}

    def quote(self, bids: Sequence[QuoteLevel], asks: Sequence[QuoteLevel]) -> None:
        """The quote is now this. An order that stays at its price keeps what is left of it."""
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            before = self._levels[side]
            self._levels[side] = {
                level.price_ticks: min(float(level.qty_lots), before.get(level.price_ticks, level.qty_lots))
                for level in levels
            }

    def market(
        self, best_bid: int | None, best_ask: int | None, bid_qty: float | None, ask_qty: float | None
    ) -> list[ShadowFill]:
        """The best prices (ticks) and sizes (lots) are now these; fills of orders that the market crossed."""
        if best_bid is not None and bid_qty is not None and 0 <= bid_qty < math.inf:
            self._displayed[Side.BID] = (best_bid, bid_qty)
        if best_ask is not None and ask_qty is not None and 0 <= ask_qty < math.inf:
            self._displayed[Side.ASK] = (best_ask, ask_qty)
        fills = []
        if best_ask is not None:
            fills += self._take(Side.BID, [p for p in self._levels[Side.BID] if p >= best_ask])
        if best_bid is not None:
            fills += self._take(Side.ASK, [p for p in self._levels[Side.ASK] if p <= best_bid])
        return fills

    def trade(self, trade: PublicTrade) -> list[ShadowFill]:
        """Somebody traded: sellers' trades hit bids, buyers' trades lift asks; best price first."""
        side = Side.ASK if trade.buyer_initiated else Side.BID
        left = trade.qty_lots
        fills: list[ShadowFill] = []
        for price in sorted(self._levels[side], reverse=side is Side.BID):
            beyond = side.sign * (price - trade.price_ticks)
            if beyond < 0 or left <= 0:
                break
            own = self._levels[side][price]
            share = 1.0 if beyond > 0 else own / (own + self._ahead(side, price))
            filled = min(own, left * share)
            left -= filled
            fills.append(ShadowFill(side, price, filled))
            self._shrink(side, price, filled)
        return fills

    def _ahead(self, side: Side, price: int) -> float:
        best, displayed = self._displayed.get(side, (price, 0.0))
        return displayed if best == price else 0.0

    def _take(self, side: Side, prices: list[int]) -> list[ShadowFill]:
        return [ShadowFill(side, price, self._levels[side].pop(price)) for price in prices]

    def _shrink(self, side: Side, price: int, filled: float) -> None:
        left = self._levels[side][price] - filled
        if left > 1e-9:
            self._levels[side][price] = left
        else:
            del self._levels[side][price]
