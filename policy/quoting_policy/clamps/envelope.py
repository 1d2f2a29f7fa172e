"""The common case in one pass: a two-sided quote that no clamp touches.

The table of clamps says what happens; this says, some ten times faster, that nothing would. What it is not
sure of it leaves to the table. A property test holds the two together.
"""

from __future__ import annotations

import math
from math import floor

from quoting_policy.clamps.situation import LARGEST, NO_ORDERS, NO_PORTFOLIO, Situation
from quoting_policy.domain import Limits, PortfolioLimits, QuoteLevel, RawQuote

_SNAP = 1e-6
_LARGEST = float(LARGEST)
_CLEAR = 1.0 - _SNAP
"""Post-only quotes are a whole tick away from the other side, also where that is not on the grid."""

Sides = tuple[tuple[QuoteLevel, ...], tuple[QuoteLevel, ...]]


class Envelope:
    """Limits as plain floats, infinite where not set: spreads in ticks, the rest as in Limits."""

    __slots__ = ("_portfolio", "_risk", "_shape")

    def __init__(self, limits: Limits, portfolio: PortfolioLimits, tick: float, min_qty_lots: int) -> None:
        position, share = _or_inf(limits.max_position), limits.reduce_only_at
        unzoned = share is None or limits.max_position is None
        # Tuples, because taking them apart is several times faster than as many attributes.
        self._risk = (
            position,
            _or_inf(limits.max_notional),
            _or_inf(limits.max_drawdown),
            _or_inf(limits.max_daily_loss),
            _LARGEST if unzoned or share is None else min(share * position - 1e-9, _LARGEST),
        )
        self._shape = (
            min(_or_inf(limits.max_order_qty), _LARGEST),
            float(min_qty_lots),
            max(1.0, (limits.min_spread or 0.0) / tick),
            math.inf if limits.max_spread is None else limits.max_spread / tick,
            _or_inf(limits.price_band),
            _or_inf(limits.max_data_age),
            _LARGEST * tick,
        )
        self._portfolio = portfolio

    def untouched(self, raw: RawQuote, now: Situation) -> Sides | None:
        """Bids and asks where no clamp binds and nothing is a breach; None where one might.

        Chains of comparisons are false on any NaN: what passes them is finite, and safe to round. Numbers
        are compared with floats, and rounded to floats first, since that takes a third of the time.
        """
        try:
            (bid,), (ask,) = raw.bids, raw.asks
        except ValueError:
            return None
        bid_price, ask_price, bid_qty, ask_qty = bid.price, ask.price, bid.qty, ask.qty
        tick, mid, best_bid, best_ask, age = now.tick, now.mid, now.best_bid, now.best_ask, now.data_age_s
        high, low, held, live = now.inventory_high, now.inventory_low, now.portfolio, now.live
        position, notional, drawdown, loss, red = self._risk
        most_qty, least, narrowest, widest, band, oldest, largest = self._shape
        away = band * mid
        if (
            best_bid is None
            or best_ask is None
            or age is None
            or not 0.0 < best_bid <= best_ask <= largest
            or not 0.0 < mid <= largest
            or not 0.0 < bid_price < ask_price <= largest
            or not 0.0 < bid_qty <= most_qty
            or not 0.0 < ask_qty <= most_qty
            or not 0.0 <= age <= oldest
            or not -red < low <= high < red
            or not now.drawdown < drawdown
            or not now.daily_loss < loss
        ):
            return None
        bids, asks = (bid_price / tick + _SNAP) // 1.0, -((_SNAP - ask_price / tick) // 1.0)
        buys, sells = (bid_qty + _SNAP) // 1.0, (ask_qty + _SNAP) // 1.0
        if (
            not (bids > 0.0 and narrowest <= asks - bids <= widest)
            or not asks >= best_bid / tick + _CLEAR
            or not bids <= best_ask / tick - _CLEAR
            or not mid - away <= bids * tick
            or not asks * tick <= mid + away
            or buys < least
            or sells < least
            or not (now.may_send_orders and now.may_send_quotes)
            or now.correlated_long
            or now.correlated_short
            or (held is not NO_PORTFOLIO and not self._has_means(now, most_qty))
        ):
            return None
        long, short, money = high + buys, sells - low, now.lot * mid
        if live is not NO_ORDERS:
            long += live.bid_lots - min(buys, live.bids.get(int(bids), 0))
            short += live.ask_lots - min(sells, live.asks.get(int(asks), 0))
        if (
            not (long <= position and short <= position)
            or not (long * money <= notional and short * money <= notional)
            or (now.arm_long is not None and not long <= now.arm_long)
            or (now.arm_short is not None and not short <= now.arm_short)
        ):
            return None
        return (QuoteLevel(floor(bids), floor(buys)),), (QuoteLevel(floor(asks), floor(sells)),)

    def _has_means(self, now: Situation, order_qty: float) -> bool:
        """The portfolio is not losing, and far enough from its gross notional for any order of this size."""
        held, limits = now.portfolio, self._portfolio
        lots = order_qty + now.live.bid_lots + now.live.ask_lots
        return (
            held.drawdown < _or_inf(limits.max_drawdown)
            and held.daily_loss < _or_inf(limits.max_daily_loss)
            and held.gross_notional + lots * now.lot * now.mid <= _or_inf(limits.max_gross_notional)
        )


def _or_inf(limit: float | None) -> float:
    return math.inf if limit is None else float(limit)
