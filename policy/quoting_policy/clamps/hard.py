"""Hard limits: what may be held and how much may be sent. Each takes away what does not fit.

Every limit on inventory is a pair of caps, how long and how short the worst case may get; reducing only
is the pair (0, 0).
"""

from __future__ import annotations

from quoting_policy.clamps.breaches import realised_breaches
from quoting_policy.clamps.situation import LARGEST, Draft, Situation, fit, room_in_lots

_EPS = 1e-9


def _cap(draft: Draft, now: Situation, long: float, short: float) -> bool:
    """Hold the worst-case inventory within [-short, long] lots; says whether that took anything away."""
    bound = False
    if draft.bids:
        fitted = fit(draft.bids, now.live.bids, room_in_lots(long, now.inventory_high, now.live.bid_lots))
        if fitted != draft.bids:
            draft.bids, bound = fitted, True
    if draft.asks:
        fitted = fit(draft.asks, now.live.asks, room_in_lots(short, -now.inventory_low, now.live.ask_lots))
        if fitted != draft.asks:
            draft.asks, bound = fitted, True
    return bound


def _reduce_only(draft: Draft, now: Situation) -> bool:
    return _cap(draft, now, 0.0, 0.0)


def position(draft: Draft, now: Situation) -> bool:
    """|inventory| if every live and new order of a side is filled stays within max_position."""
    limit = now.limits.max_position
    return limit is not None and _cap(draft, now, limit, limit)


def notional(draft: Draft, now: Situation) -> bool:
    """The same, with max_notional at the mid."""
    limit = now.limits.max_notional
    if limit is None:
        return False
    lots = _exact(limit / (now.lot * now.mid))
    return _cap(draft, now, lots, lots)


def arm_budget(draft: Draft, now: Situation) -> bool:
    """The position that the quoting arm may build, smaller while its exposure is small."""
    if now.arm_long is None or now.arm_short is None:
        return False
    return _cap(draft, now, now.arm_long, now.arm_short)


def drawdown(draft: Draft, now: Situation) -> bool:
    """At max_drawdown from the peak only reducing orders are quoted."""
    return _at(now.drawdown, now.limits.max_drawdown) and _reduce_only(draft, now)


def daily_loss(draft: Draft, now: Situation) -> bool:
    """At max_daily_loss only reducing orders are quoted."""
    return _at(now.daily_loss, now.limits.max_daily_loss) and _reduce_only(draft, now)


def portfolio_drawdown(draft: Draft, now: Situation) -> bool:
    """The same over all instruments of the policy."""
    held = now.portfolio
    return _at(held.drawdown, held.limits.max_drawdown) and _reduce_only(draft, now)


def portfolio_daily_loss(draft: Draft, now: Situation) -> bool:
    """The same over all instruments of the policy."""
    held = now.portfolio
    return _at(held.daily_loss, held.limits.max_daily_loss) and _reduce_only(draft, now)


def gross_notional(draft: Draft, now: Situation) -> bool:
    """Worst case of this instrument fits into what the others leave of the portfolio's gross notional."""
    held = now.portfolio
    limit = held.limits.max_gross_notional
    if limit is None:
        return False
    inventory = max(abs(now.inventory_high), abs(now.inventory_low))
    lots = _exact(inventory + (limit - held.gross_notional) / (now.lot * now.mid))
    return _cap(draft, now, lots, lots)


def correlation(draft: Draft, now: Situation) -> bool:
    """No position is built whose risk a correlated one already carries."""
    if not (now.correlated_long or now.correlated_short):
        return False
    return _cap(
        draft,
        now,
        0.0 if now.correlated_long else LARGEST,
        0.0 if now.correlated_short else LARGEST,
    )


def order_rate(draft: Draft, now: Situation) -> bool:
    """With the order rate spent, nothing may be quoted that is not already live."""
    return not now.may_send_orders and _only_live(draft, now)


def quote_rate(draft: Draft, now: Situation) -> bool:
    """With the quote rate spent, nothing may be quoted that is not already live."""
    return not now.may_send_quotes and _only_live(draft, now)


def zone(draft: Draft, now: Situation) -> bool:
    """In the red zone, from reduce_only_at x max_position on, only reducing orders are quoted."""
    return in_red_zone(now) and _reduce_only(draft, now)


def in_red_zone(now: Situation) -> bool:
    """Whether the inventory is at reduce_only_at x max_position or beyond."""
    share, limit = now.limits.reduce_only_at, now.limits.max_position
    if share is None or limit is None:
        return False
    held = max(now.inventory_high, -now.inventory_low)
    return held >= share * limit - _EPS and held > 0


def _only_live(draft: Draft, now: Situation) -> bool:
    bids, asks = fit(draft.bids, now.live.bids, 0), fit(draft.asks, now.live.asks, 0)
    bound = bids != draft.bids or asks != draft.asks
    draft.bids, draft.asks = bids, asks
    return bound


def _exact(lots: float) -> float:
    """A cap as a number of lots that floats hold exactly; none where it is not a number."""
    return min(lots, LARGEST) if lots > 0 else 0.0


def reducing(now: Situation) -> tuple[str, ...]:
    """Names of the limits that are reached and leave reducing orders only; empty where none is."""
    limits, held = now.limits, now.portfolio
    reached = {
        "drawdown": _at(now.drawdown, limits.max_drawdown),
        "daily_loss": _at(now.daily_loss, limits.max_daily_loss),
        "portfolio_drawdown": _at(held.drawdown, held.limits.max_drawdown),
        "portfolio_daily_loss": _at(held.daily_loss, held.limits.max_daily_loss),
        "zone": in_red_zone(now),
    }
    names = [name for name, at in reached.items() if at]
    return tuple(dict.fromkeys((*names, *realised_breaches(now))))


def _at(value: float, limit: float | None) -> bool:
    """True where the limit is reached, or where the value is not a number."""
    return limit is not None and not value < limit
