"""The common case in one pass: a two-sided quote that no clamp touches.

The table of clamps says what happens; this says, some ten times faster, that nothing would. What it is not
sure of it leaves to the table. A property test holds the two together.
"""

from __future__ import annotations

import math

import msgspec

from quoting_policy.clamps.situation import LARGEST, Situation
from quoting_policy.domain import Limits, PortfolioLimits, QuoteLevel, RawQuote

_SNAP = 1e-6

Sides = tuple[tuple[QuoteLevel, ...], tuple[QuoteLevel, ...]]


class Envelope(msgspec.Struct, frozen=True):
    """Limits as plain floats, infinite where not set: spreads and ticks in ticks, the rest as in Limits."""

    position: float
    notional: float
    order_qty: float
    drawdown: float
    daily_loss: float
    portfolio_drawdown: float
    portfolio_daily_loss: float
    gross_notional: float
    narrowest: float
    widest: float
    band: float
    reduce_at: float
    data_age: float

    @classmethod
    def of(cls, limits: Limits, portfolio: PortfolioLimits, tick: float) -> Envelope:
        """The envelope inside of which none of these limits binds."""
        position = _or_inf(limits.max_position)
        share = limits.reduce_only_at
        return cls(
            position=position,
            notional=_or_inf(limits.max_notional),
            order_qty=_or_inf(limits.max_order_qty),
            drawdown=_or_inf(limits.max_drawdown),
            daily_loss=_or_inf(limits.max_daily_loss),
            portfolio_drawdown=_or_inf(portfolio.max_drawdown),
            portfolio_daily_loss=_or_inf(portfolio.max_daily_loss),
            gross_notional=_or_inf(portfolio.max_gross_notional),
            narrowest=max(1.0, (limits.min_spread or 0.0) / tick),
            widest=math.inf if limits.max_spread is None else limits.max_spread / tick,
            band=_or_inf(limits.price_band),
            reduce_at=math.inf if share is None or limits.max_position is None else share * position - 1e-9,
            data_age=_or_inf(limits.max_data_age),
        )

    def untouched(self, raw: RawQuote, now: Situation) -> Sides | None:
        """Bids and asks where no clamp binds and nothing is a breach; None where one might."""
        if not (len(raw.bids) == 1 == len(raw.asks) and self._calm(now)):
            return None
        bid, ask, tick = raw.bids[0], raw.asks[0], now.tick
        bid_price, ask_price = bid.price, ask.price
        # A chain of comparisons is false on any NaN; what passes it is finite and safe to round.
        if not 0 < bid_price < ask_price <= LARGEST * tick:
            return None
        if not (0 < bid.qty <= self.order_qty and 0 < ask.qty <= self.order_qty):
            return None
        bids, asks = math.floor(bid_price / tick + _SNAP), math.ceil(ask_price / tick - _SNAP)
        if not (
            bids > 0 and self.narrowest <= asks - bids <= self.widest and self._in_market(now, bids, asks)
        ):
            return None
        buys, sells = math.floor(bid.qty + _SNAP), math.floor(ask.qty + _SNAP)
        least = now.min_qty_lots
        if buys < least or sells < least or not self._has_room(now, bids, asks, buys, sells):
            return None
        return (QuoteLevel(bids, buys),), (QuoteLevel(asks, sells),)

    def _calm(self, now: Situation) -> bool:
        """Nothing about the position, the losses, the rates or the data is special."""
        held, age = now.portfolio, now.data_age_s
        return (
            now.drawdown < self.drawdown
            and now.daily_loss < self.daily_loss
            and held.drawdown < self.portfolio_drawdown
            and held.daily_loss < self.portfolio_daily_loss
            and now.may_send_orders
            and now.may_send_quotes
            and not now.correlated_long
            and not now.correlated_short
            and (age is not None and 0 <= age <= self.data_age)
            and -self.reduce_at < now.inventory_low <= now.inventory_high < self.reduce_at
        )

    def _in_market(self, now: Situation, bids: int, asks: int) -> bool:
        mid, best_bid, best_ask, tick = now.mid, now.best_bid, now.best_ask, now.tick
        if best_bid is None or best_ask is None:
            return False
        away = self.band * mid
        return (
            best_bid <= best_ask <= LARGEST * tick
            and best_bid > 0
            and 0 < mid <= LARGEST * tick
            and asks > best_bid / tick + _SNAP
            and bids < best_ask / tick - _SNAP
            and mid - away <= bids * tick
            and asks * tick <= mid + away
        )

    def _has_room(self, now: Situation, bids: int, asks: int, buys: int, sells: int) -> bool:
        live, high, low = now.live, now.inventory_high, now.inventory_low
        money = now.lot * now.mid
        gross = max(high, -low) + (self.gross_notional - now.portfolio.gross_notional) / money
        most = min(self.position, self.notional / money, gross)
        long = most if now.arm_long is None else min(most, now.arm_long)
        short = most if now.arm_short is None else min(most, now.arm_short)
        if live.bid_lots or live.ask_lots:
            buys += live.bid_lots - min(buys, live.bids.get(bids, 0))
            sells += live.ask_lots - min(sells, live.asks.get(asks, 0))
        return high + buys <= long and sells - low <= short


def _or_inf(limit: float | None) -> float:
    return math.inf if limit is None else limit
