"""An independent reading of the limits: what is wrong with a quote, from facts the engine did not compute."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quoting_policy.domain import Instrument, Limits, MarketState, QuoteLevel

_SLACK = 1e-6
_MOST = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A request as the driver knows it.

    accounted: inventory by the driver's own count of fills, lots. bids, asks: own live orders, lots by price
    in ticks. age_s: of the market data, None where it was not told.
    """

    instrument: Instrument
    limits: Limits
    state: MarketState
    accounted: float = 0.0
    bids: Mapping[int, int] = field(default_factory=dict)
    asks: Mapping[int, int] = field(default_factory=dict)
    age_s: float | None = 0.0


def violated(bids: Sequence[QuoteLevel], asks: Sequence[QuoteLevel], facts: Facts) -> tuple[str, ...]:
    """Names of the clamps whose limits this quote would break if every order were filled."""
    if not (bids or asks):
        return ()
    if not _usable(facts.state):
        return ("input",)
    found = [*_sizes(bids, asks, facts), *_prices(bids, asks, facts)]
    most, age = facts.limits.max_data_age, facts.age_s
    if most is not None and (age is None or not -_SLACK <= age <= most + _SLACK):
        found.append("data_age")
    return tuple(dict.fromkeys(found))


def _usable(state: MarketState) -> bool:
    bid, ask = state.best_bid, state.best_ask
    prices = [price for price in (state.mid, bid, ask) if price is not None]
    sound = all(math.isfinite(price) and price > 0 for price in prices) and abs(state.inventory) <= _MOST
    return sound and (bid is None or ask is None or bid <= ask)


def _sizes(bids: Sequence[QuoteLevel], asks: Sequence[QuoteLevel], facts: Facts) -> list[str]:
    limits, told = facts.limits, facts.state.inventory
    value = facts.instrument.lot * facts.state.mid
    found = []
    for levels, live, held in (
        (bids, facts.bids, max(told, facts.accounted)),
        (asks, facts.asks, -min(told, facts.accounted)),
    ):
        # As much as is live at a price already is that order, not a new one.
        added = sum(max(0, level.qty_lots - live.get(level.price_ticks, 0)) for level in levels)
        worst = held + sum(live.values()) + added
        if added and limits.max_position is not None and worst > limits.max_position + _SLACK:
            found.append("position")
        if added and limits.max_notional is not None and worst * value > limits.max_notional * (1 + _SLACK):
            found.append("notional")
        share, most = limits.reduce_only_at, limits.max_position
        if added and share is not None and most is not None:
            inside = max(told, facts.accounted, -told, -facts.accounted) < share * most
            if not inside and worst > _SLACK and abs(held) > 0:
                found.append("zone")
        if limits.max_order_qty is not None and any(
            level.qty_lots > limits.max_order_qty for level in levels
        ):
            found.append("max_order_qty")
        if any(level.qty_lots < max(1, facts.instrument.min_qty_lots) for level in levels):
            found.append("min_qty")
    return found


def _prices(bids: Sequence[QuoteLevel], asks: Sequence[QuoteLevel], facts: Facts) -> list[str]:
    limits, state, tick = facts.limits, facts.state, facts.instrument.tick
    found = []
    if any(level.price_ticks < 1 for level in (*bids, *asks)):
        found.append("rounding")
    if limits.price_band is not None:
        allowed = limits.price_band * state.mid + _SLACK * (state.mid + tick)
        if any(abs(level.price_ticks * tick - state.mid) > allowed for level in (*bids, *asks)):
            found.append("price_band")
    slack = 1e-5 * tick + 1e-12 * state.mid
    best_bid, best_ask = state.best_bid, state.best_ask
    if bids and best_ask is not None and bids[0].price_ticks * tick > best_ask - tick + slack:
        found.append("post_only")
    if asks and best_bid is not None and asks[0].price_ticks * tick < best_bid + tick - slack:
        found.append("post_only")
    if bids and asks:
        spread = (asks[0].price_ticks - bids[0].price_ticks) * tick
        narrowest = limits.min_spread or 0.0
        if spread < tick - slack:
            found.append("uncrossed")
        if spread < narrowest - slack:
            found.append("min_spread")
        if limits.max_spread is not None and spread > max(limits.max_spread, narrowest + tick, tick) + slack:
            found.append("max_spread")
    return found
