"""An independent reading of the limits: what is wrong with a quote, the long way and in Decimal."""

from __future__ import annotations

from decimal import Decimal

from quoting_policy.clamps import ClampedQuote, Situation
from quoting_policy.domain import QuoteLevel


def violations(quote: ClampedQuote, now: Situation) -> list[str]:
    """Every hard limit that this quote would break if all orders were filled, live ones included."""
    found = []
    limits, live = now.limits, now.live
    tick, lot = Decimal(repr(now.tick)), Decimal(repr(now.lot))
    mid = Decimal(now.mid)
    for side, levels, at, total in (
        (1, quote.bids, live.bids, live.bid_lots),
        (-1, quote.asks, live.asks, live.ask_lots),
    ):
        # Orders at a price where as much is live already are those orders, not new ones.
        added = sum(max(0, level.qty_lots - at.get(level.price_ticks, 0)) for level in levels)
        held = Decimal(now.inventory_high if side > 0 else -now.inventory_low)
        worst = held + total + added
        slack = Decimal("0.000002")
        if levels and added:
            if limits.max_position is not None and worst > Decimal(limits.max_position) + slack:
                found.append("position")
            if limits.max_notional is not None and (worst - slack) * lot * mid > Decimal(limits.max_notional):
                found.append("notional")
        orders_spent = limits.max_order_rate is not None and not now.may_send_orders
        quotes_spent = limits.max_quote_rate is not None and not now.may_send_quotes
        if added and (orders_spent or quotes_spent):
            found.append("rate")
        losing = (limits.max_drawdown is not None and not now.drawdown < limits.max_drawdown) or (
            limits.max_daily_loss is not None and not now.daily_loss < limits.max_daily_loss
        )
        if added and losing and worst > slack:
            found.append("not reducing")
        for level in levels:
            found += _order(level, now, tick, mid)
    found += _prices(quote, now, tick)
    return found


def _order(level: QuoteLevel, now: Situation, tick: Decimal, mid: Decimal) -> list[str]:
    found, limits = [], now.limits
    if limits.max_order_qty is not None and level.qty_lots > limits.max_order_qty:
        found.append("size")
    if level.qty_lots < max(1, now.min_qty_lots):
        found.append("below minimum")
    if level.price_ticks < 1:
        found.append("price")
    if limits.price_band is not None:
        away = abs(level.price_ticks * tick - mid) / mid
        if away > Decimal(limits.price_band) + Decimal("0.000001") * (1 + tick / mid):
            found.append("band")
    return found


def _prices(quote: ClampedQuote, now: Situation, tick: Decimal) -> list[str]:
    found = []
    for levels, sign in ((quote.bids, -1), (quote.asks, 1)):
        prices = [level.price_ticks * sign for level in levels]
        if prices != sorted(set(prices)):
            found.append("order of levels")
    slack = tick / 100000
    if (
        quote.bids
        and now.best_ask is not None
        and (quote.bids[0].price_ticks * tick > Decimal(now.best_ask) - tick + slack)
    ):
        found.append("takes the ask")
    if (
        quote.asks
        and now.best_bid is not None
        and (quote.asks[0].price_ticks * tick < Decimal(now.best_bid) + tick - slack)
    ):
        found.append("takes the bid")
    if quote.bids and quote.asks:
        spread = (quote.asks[0].price_ticks - quote.bids[0].price_ticks) * tick
        narrowest = Decimal(now.limits.min_spread or 0)
        if spread < max(narrowest - slack, tick):
            found.append("too narrow")
        if now.limits.max_spread is not None:
            floor = max(Decimal(now.limits.max_spread), narrowest + tick, tick)
            if spread > floor + slack:
                found.append("too wide")
    return found
