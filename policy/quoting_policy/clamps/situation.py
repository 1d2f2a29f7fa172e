"""What a clamp looks at, and the draft it works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from quoting_policy.domain import Instrument, Limits, MarketState, PortfolioLimits, lots_down, ticks_down

Levels = list[tuple[int, int]]
"""Price (ticks) and quantity (lots) of orders on one side, best price first."""

LARGEST = 2**53
"""Ticks and lots beyond this are not exact as floats: no market has them."""


class LiveOrders(msgspec.Struct, frozen=True):
    """Own orders that may still be filled, resting and in flight: lots by price (ticks), and their sum."""

    bids: Mapping[int, int] = {}
    asks: Mapping[int, int] = {}
    bid_lots: int = 0
    ask_lots: int = 0


NO_ORDERS = LiveOrders()


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """All instruments of the policy together, money: gross |inventory| x mid, drawdown, the day's loss."""

    limits: PortfolioLimits = PortfolioLimits()
    gross_notional: float = 0.0
    drawdown: float = 0.0
    daily_loss: float = 0.0


NO_PORTFOLIO = Portfolio()


@dataclass(slots=True, kw_only=True)
class Situation:
    """One request for a quote, as the clamps see it.

    mid, best_bid, best_ask: price, or None where not known; tick, lot, min_qty_lots: of the instrument.
    inventory_high, inventory_low: the largest and smallest inventory that any account of it says, lots.
    arm_long, arm_short: largest position the quoting arm may build, lots; None is no limit of its own.
    drawdown, daily_loss: of this instrument, money. correlated_long, correlated_short: another position
    already carries the risk of buying, of selling. may_send: the order and quote rates have room.
    data_age_s: age of the market data; None is unknown.
    """

    mid: float
    best_bid: float | None
    best_ask: float | None
    inventory_high: float
    inventory_low: float
    tick: float
    lot: float
    min_qty_lots: int
    limits: Limits
    live: LiveOrders = NO_ORDERS
    arm_long: float | None = None
    arm_short: float | None = None
    drawdown: float = 0.0
    daily_loss: float = 0.0
    portfolio: Portfolio = NO_PORTFOLIO
    correlated_long: bool = False
    correlated_short: bool = False
    may_send_orders: bool = True
    may_send_quotes: bool = True
    data_age_s: float | None = None

    @classmethod
    def of(cls, state: MarketState, instrument: Instrument, limits: Limits) -> Situation:
        """The situation of a lone request: no live orders, no history."""
        return cls(
            mid=state.mid,
            best_bid=state.best_bid,
            best_ask=state.best_ask,
            inventory_high=state.inventory,
            inventory_low=state.inventory,
            tick=instrument.tick,
            lot=instrument.lot,
            min_qty_lots=instrument.min_qty_lots,
            limits=limits,
            data_age_s=0.0,
        )


class Draft:
    """A quote on its way through the clamps: they only take from it, or move it away from the market."""

    __slots__ = ("asks", "bids")

    def __init__(self, bids: Levels, asks: Levels) -> None:
        self.bids = bids
        self.asks = asks

    def clear(self) -> bool:
        """Take everything away; says whether there was anything."""
        had = bool(self.bids or self.asks)
        self.bids, self.asks = [], []
        return had


def room_in_lots(limit: float, inventory: float, live_lots: int) -> int:
    """Lots that may be added to a side before its worst case (all orders filled) passes ``limit``."""
    return lots_down(limit - inventory, 1.0) - live_lots


def fit(levels: Levels, live: Mapping[int, int], room: int) -> Levels:
    """The part of ``levels`` that needs at most ``room`` lots more than is live already.

    A lot that is live at the same price is no new risk; room < 0 takes live lots away, worst price first.
    """
    kept = [(price, min(qty, live.get(price, 0))) for price, qty in levels]
    if room < 0:
        return _without(kept, -room)
    fitted: Levels = []
    for (price, qty), (_, live_qty) in zip(levels, kept, strict=True):
        added = min(qty - live_qty, room)
        room -= added
        if live_qty + added > 0:
            fitted.append((price, live_qty + added))
    return fitted


def _without(levels: Levels, surplus: int) -> Levels:
    left: Levels = []
    for price, qty in reversed(levels):
        taken = min(qty, surplus)
        surplus -= taken
        if qty > taken:
            left.append((price, qty - taken))
    left.reverse()
    return left


def best_bid_ticks(situation: Situation) -> int | None:
    """The market's best bid in ticks, rounded up: post-only asks stay clear of it."""
    price = situation.best_bid
    return None if price is None else -ticks_down(-price, situation.tick)


def best_ask_ticks(situation: Situation) -> int | None:
    """The market's best ask in ticks, rounded down: post-only bids stay clear of it."""
    price = situation.best_ask
    return None if price is None else ticks_down(price, situation.tick)
