"""Breaches: signs that a policy is not to be trusted, each with its own threshold.

A clamp that binds is normal. A breach is a realised limit crossed, or a raw output so far outside that no
clamp should have to tame it; it latches the baseline.
"""

from __future__ import annotations

import math

from quoting_policy.clamps.situation import Situation
from quoting_policy.domain import BreachThresholds, Limits, RawQuote

DEFAULT_THRESHOLDS = BreachThresholds()

_EPS = 1e-6


def raw_breaches(raw: RawQuote, mid: float, limits: Limits, thresholds: BreachThresholds) -> tuple[str, ...]:
    """What is wrong with a model's raw output: not a number, crossed, too far, too large.

    A limit that is not set has no threshold. mid: price, > 0.
    """
    band, most = limits.price_band, limits.max_order_qty
    farthest = math.inf if band is None else thresholds.raw_price * band * mid
    largest = math.inf if most is None else thresholds.raw_size * most
    found: list[str] = []
    for level in (*raw.bids, *raw.asks):
        price, qty = level.price, level.qty
        if not (price - price == 0 and qty - qty == 0 and qty >= 0):
            found.append("raw_number")
            continue
        if abs(price - mid) > farthest:
            found.append("raw_price")
        if qty > largest:
            found.append("raw_size")
    if raw.bids and raw.asks and raw.bids[0].price >= raw.asks[0].price:
        found.append("raw_crossed")
    return tuple(dict.fromkeys(found)) if found else ()


def realised_breaches(now: Situation) -> tuple[str, ...]:
    """Realised limits that are crossed: inventory, notional, drawdown, the day's loss."""
    limits, held = now.limits, now.portfolio
    inventory = max(now.inventory_high, -now.inventory_low)
    found: list[str] = []
    if limits.max_position is not None and inventory > limits.max_position + _EPS:
        found.append("position")
    if limits.max_notional is not None and inventory * now.lot * now.mid > limits.max_notional * (1 + _EPS):
        found.append("notional")
    if limits.max_drawdown is not None and now.drawdown > limits.max_drawdown:
        found.append("drawdown")
    if limits.max_daily_loss is not None and now.daily_loss > limits.max_daily_loss:
        found.append("daily_loss")
    if held.limits.max_drawdown is not None and held.drawdown > held.limits.max_drawdown:
        found.append("portfolio_drawdown")
    if held.limits.max_daily_loss is not None and held.daily_loss > held.limits.max_daily_loss:
        found.append("portfolio_daily_loss")
    return tuple(found) if found else ()
