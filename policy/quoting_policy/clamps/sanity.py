"""Quote sanity: usable input, whole ticks and lots, post-only, spread, band and size of each order."""

from __future__ import annotations

import math

from quoting_policy.clamps.situation import (
    LARGEST,
    Draft,
    Levels,
    Situation,
    best_ask_ticks,
    best_bid_ticks,
)
from quoting_policy.domain import Level, RawQuote, lots_down, ticks_down, ticks_up


def rounded(raw: RawQuote, now: Situation) -> tuple[Draft, bool]:
    """Bids down to a tick, asks up, quantities down to a lot; a level that is no number is left out.

    Says whether a level was left out. Levels at one tick are merged, and sorted best first.
    """
    bids = _side(raw.bids, now, bid=True)
    asks = _side(raw.asks, now, bid=False)
    lost = len(bids) < len(raw.bids) or len(asks) < len(raw.asks)
    if len(bids) > 1:
        bids = _merged(bids, descending=True)
    if len(asks) > 1:
        asks = _merged(asks, descending=False)
    return Draft(bids, asks), lost


def _side(levels: tuple[Level, ...], now: Situation, *, bid: bool) -> Levels:
    tick, largest = now.tick, LARGEST
    side: Levels = []
    for level in levels:
        price, qty = level.price, level.qty
        # One comparison a number refuses NaN, infinities and what is too large to be exact.
        if not (0 < price / tick <= largest and 0 < qty <= largest):
            continue
        lots = lots_down(qty, 1.0)
        ticks = ticks_down(price, tick) if bid else ticks_up(price, tick)
        if lots > 0 and ticks > 0:
            side.append((ticks, lots))
    return side


def _merged(levels: Levels, *, descending: bool) -> Levels:
    sizes: dict[int, int] = {}
    for price, qty in levels:
        sizes[price] = sizes.get(price, 0) + qty
    return sorted(sizes.items(), reverse=descending)


def is_usable(now: Situation) -> bool:
    """Whether mid, book and inventory are numbers that a market can have."""
    mid, bid, ask = now.mid, now.best_bid, now.best_ask
    usable = 0 < mid / now.tick <= LARGEST and 0 < mid * now.lot < math.inf
    usable = usable and (bid is None or 0 < bid / now.tick <= LARGEST)
    usable = usable and (ask is None or 0 < ask / now.tick <= LARGEST)
    usable = usable and (bid is None or ask is None or bid <= ask)
    return usable and abs(now.inventory_high) <= LARGEST and abs(now.inventory_low) <= LARGEST


def usable_input(draft: Draft, now: Situation) -> bool:
    """No quote from a mid that is no price, from a crossed book, from an inventory that is no number."""
    return not is_usable(now) and draft.clear()


def data_age(draft: Draft, now: Situation) -> bool:
    """No quote on data that is older than max_data_age, of unknown age, or from the future."""
    limit, age = now.limits.max_data_age, now.data_age_s
    if limit is None or (age is not None and 0 <= age <= limit):
        return False
    return draft.clear()


def post_only(draft: Draft, now: Situation) -> bool:
    """Bids at most one tick below the best ask, asks at least one above the best bid: never take.

    A side is moved as a whole, so that a ladder keeps its spacing.
    """
    bound = False
    if draft.bids and (best := best_ask_ticks(now)) is not None and draft.bids[0][0] >= best:
        draft.bids = _moved(draft.bids, best - 1 - draft.bids[0][0])
        bound = True
    if draft.asks and (best := best_bid_ticks(now)) is not None and draft.asks[0][0] <= best:
        draft.asks = _moved(draft.asks, best + 1 - draft.asks[0][0])
        bound = True
    return bound


def uncrossed(draft: Draft, _now: Situation) -> bool:
    """The best bid stays at least a tick below the best ask of the same quote."""
    return _widen(draft, 1)


def min_spread(draft: Draft, now: Situation) -> bool:
    """At least min_spread between the best bid and ask: both sides step back alike."""
    limit = now.limits.min_spread
    return limit is not None and _widen(draft, -ticks_down(-limit, now.tick))


def _widen(draft: Draft, width: int) -> bool:
    if not (draft.bids and draft.asks):
        return False
    missing = width - (draft.asks[0][0] - draft.bids[0][0])
    if missing <= 0:
        return False
    draft.bids = _moved(draft.bids, -((missing + 1) // 2))
    draft.asks = _moved(draft.asks, missing // 2)
    return True


def max_spread(draft: Draft, now: Situation) -> bool:
    """At most max_spread: both sides step in alike, as far as post-only lets them.

    Where it does not let them far enough, the side that is farther from the mid is withdrawn.
    """
    limit = now.limits.max_spread
    if limit is None or not (draft.bids and draft.asks):
        return False
    floor = 1 if now.limits.min_spread is None else -ticks_down(-now.limits.min_spread, now.tick)
    width = max(ticks_down(limit, now.tick), floor, 1)
    surplus = draft.asks[0][0] - draft.bids[0][0] - width
    if surplus <= 0:
        return False
    draft.bids = _moved(draft.bids, surplus // 2)
    draft.asks = _moved(draft.asks, -(surplus - surplus // 2))
    post_only(draft, now)
    if draft.bids and draft.asks and draft.asks[0][0] - draft.bids[0][0] > width:
        _withdraw_farther(draft, now)
    return True


def _withdraw_farther(draft: Draft, now: Situation) -> None:
    mid = now.mid / now.tick
    if mid - draft.bids[0][0] > draft.asks[0][0] - mid:
        draft.bids = []
    else:
        draft.asks = []


def price_band(draft: Draft, now: Situation) -> bool:
    """No order farther from the mid than price_band x mid."""
    limit = now.limits.price_band
    if limit is None:
        return False
    low, high = now.mid * (1 - limit) / now.tick - 1e-6, now.mid * (1 + limit) / now.tick + 1e-6
    inside = draft.bids[-1:] + draft.bids[:1] + draft.asks[:1] + draft.asks[-1:]
    if all(low <= price <= high for price, _ in inside):
        return False
    draft.bids = [level for level in draft.bids if low <= level[0] <= high]
    draft.asks = [level for level in draft.asks if low <= level[0] <= high]
    return True


def max_order_qty(draft: Draft, now: Situation) -> bool:
    """No order larger than max_order_qty."""
    limit = now.limits.max_order_qty
    if limit is None:
        return False
    most, bound = lots_down(limit, 1.0), False
    if any(qty > most for _, qty in draft.bids):
        draft.bids, bound = _capped(draft.bids, most), True
    if any(qty > most for _, qty in draft.asks):
        draft.asks, bound = _capped(draft.asks, most), True
    return bound


def min_qty(draft: Draft, now: Situation) -> bool:
    """No order smaller than the venue takes."""
    least = now.min_qty_lots
    if least <= 1:
        return False
    bids = [level for level in draft.bids if level[1] >= least]
    asks = [level for level in draft.asks if level[1] >= least]
    bound = len(bids) < len(draft.bids) or len(asks) < len(draft.asks)
    draft.bids, draft.asks = bids, asks
    return bound


def _moved(levels: Levels, ticks: int) -> Levels:
    return [(price + ticks, qty) for price, qty in levels if price + ticks > 0]


def _capped(levels: Levels, most: int) -> Levels:
    return [(price, min(qty, most)) for price, qty in levels] if most > 0 else []
