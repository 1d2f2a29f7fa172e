"""Order refresh as a decision: for every live order keep, replace or cancel; the app only executes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import msgspec

from quoting_policy.domain import Action, LiveOrder, OrderAction, QuoteLevel, RefreshRules, Side


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Clock and budget of a refresh. now_ns, last_fill_ns: monotonic; None is no fill yet. budget: orders."""

    now_ns: int
    last_fill_ns: int | None = None
    budget: int = 2**31


def refresh(
    orders: Iterable[LiveOrder],
    bids: Sequence[QuoteLevel],
    asks: Sequence[QuoteLevel],
    rules: RefreshRules,
    timing: Timing,
) -> tuple[OrderAction, ...]:
    """Pair live orders with wanted levels, best with best, and decide on each.

    An order without a level is cancelled, always and first: cancels cost no budget and wait for nothing.
    An order larger than wanted, or more aggressive by more than the tolerance, is a risk and does not wait
    either; when there is no budget to replace it, it is cancelled. Only what would merely stand better
    elsewhere waits.
    """
    live = list(orders)
    actions: list[OrderAction] = []
    for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
        paired = _paired([order for order in live if order.side is side], levels)
        for order, level in paired:
            action = _decide(side, order, level, rules, timing)
            if action is None:
                continue
            if action.action in (Action.REPLACE, Action.PLACE):
                timing = msgspec.structs.replace(timing, budget=timing.budget - 1)
            actions.append(action)
    return tuple(sorted(actions, key=lambda action: action.action is not Action.CANCEL))


def _paired(
    orders: list[LiveOrder], levels: Sequence[QuoteLevel]
) -> list[tuple[LiveOrder | None, QuoteLevel | None]]:
    """Orders that stand at a wanted price take that level; the rest are matched in order of price."""
    free = {level.price_ticks: level for level in levels}
    pairs: list[tuple[LiveOrder | None, QuoteLevel | None]] = []
    rest: list[LiveOrder] = []
    for order in sorted(orders, key=lambda order: order.price_ticks, reverse=True):
        level = free.pop(order.price_ticks, None)
        if level is None:
            rest.append(order)
        else:
            pairs.append((order, level))
    open_levels = sorted(free.values(), key=lambda level: level.price_ticks, reverse=True)
    return [*pairs, *zip_longest(rest, open_levels)]


def _decide(
    side: Side, order: LiveOrder | None, level: QuoteLevel | None, rules: RefreshRules, timing: Timing
) -> OrderAction | None:
    affordable = timing.budget > 0
    if order is None:
        wait = level is None or not affordable or _after_fill(rules, timing)
        return None if wait else _action(Action.PLACE, side, None, level, "new")
    if level is None:
        return _action(Action.CANCEL, side, order, None, "unwanted")
    reason = _why_replace(order, level, rules, timing)
    if reason is None:
        return _action(Action.KEEP, side, order, None, _why_keep(order, level))
    risk = _is_risk(side, order, level)
    if risk and not affordable:
        return _action(Action.CANCEL, side, order, None, reason)
    waiting = None if risk else _why_wait(order, rules, timing)
    if waiting is not None:
        return _action(Action.KEEP, side, order, None, waiting)
    return _action(Action.REPLACE, side, order, level, reason)


def _why_replace(order: LiveOrder, level: QuoteLevel, rules: RefreshRules, timing: Timing) -> str | None:
    if abs(order.price_ticks - level.price_ticks) > rules.tolerance_ticks:
        return "moved"
    missing = level.qty_lots - order.qty_lots
    if missing < 0 or missing > rules.size_tolerance * level.qty_lots:
        return "resized"
    return "aged" if timing.now_ns - order.placed_ns > rules.max_age_s * 1e9 else None


def _is_risk(side: Side, order: LiveOrder, level: QuoteLevel) -> bool:
    """More aggressive or larger than the clamped quote allows."""
    aggressive = side.sign * (order.price_ticks - level.price_ticks) > 0
    return aggressive or order.qty_lots > level.qty_lots


def _why_wait(order: LiveOrder, rules: RefreshRules, timing: Timing) -> str | None:
    if timing.now_ns - order.placed_ns < rules.hold_s * 1e9:
        return "held"
    if _after_fill(rules, timing):
        return "after_fill"
    return None if timing.budget > 0 else "rate"


def _after_fill(rules: RefreshRules, timing: Timing) -> bool:
    last = timing.last_fill_ns
    return last is not None and timing.now_ns - last < rules.fill_delay_s * 1e9


def _why_keep(order: LiveOrder, level: QuoteLevel) -> str:
    same = order.price_ticks == level.price_ticks and order.qty_lots == level.qty_lots
    return "wanted" if same else "tolerated"


def _action(
    action: Action, side: Side, order: LiveOrder | None, level: QuoteLevel | None, reason: str
) -> OrderAction:
    shown = level if level is not None else order
    assert shown is not None  # noqa: S101  every action has an order, a level, or both
    return OrderAction(
        action=action,
        order_id="" if order is None else order.order_id,
        side=side,
        price_ticks=shown.price_ticks,
        qty_lots=shown.qty_lots,
        reason=reason,
    )
