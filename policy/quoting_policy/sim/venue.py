"""The market's rows at the venue: its book, and what each row does to own orders in its queues.

Own orders leave no trace in the recorded market: what they take or stand for is not taken from anyone else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quoting_policy.data.compiled import flat, inner
from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, DEPTH, FILL, REDUCE, SIDE_SHIFT, TRADE
from quoting_policy.sim import memory
from quoting_policy.sim.grid import apply_row
from quoting_policy.sim.layout import BUY, FAR, MAKER, NOBODY
from quoting_policy.sim.memory import Core
from quoting_policy.sim.own_orders import beyond, fill
from quoting_policy.sim.queue import advance


@flat
def _own_keys(s: Any) -> tuple[int, int, int, int, int, int]:
    """Lowest and highest key of own bids, of own asks, and the keys at which bids, asks reach own orders."""
    return s.low_own_bid, s.high_own_bid, -s.high_own_ask, -s.low_own_ask, s.low_own_ask, -s.high_own_bid


@flat
def _concerns(own: tuple[int, int, int, int, int, int], code: int, place: int) -> bool:
    """Whether a row stands among own orders of its side, prints through them, or reaches the other side's."""
    action, asks = code & ACTION, code & ASK_SIDE != 0
    key = -place if asks else place
    low, high, reach = (own[2], own[3], own[5]) if asks else (own[0], own[1], own[4])
    prints = action in (TRADE, FILL)
    return ((key <= high) & (prints | (key >= low))) | (key >= reach)


@inner
def play_venue(core: Core, until: int) -> None:
    """Play rows with exchange time up to ``until``, or up to the moment a fill wakes the trader.

    Prices of asks are counted downwards here, so that on both sides a higher ``key`` is nearer to the other
    side: one test tells whether a row concerns own orders, whatever its side.
    """
    s, rules = memory.state(core), memory.rules(core)
    row, bid, ask, width, base = s.exch_row, s.exch_bid, s.exch_ask, rules.width, rules.base
    times, codes, prices = memory.exch_ns(core), memory.code(core), memory.price(core)
    sizes, book, rows = memory.qty(core), memory.exch_book(core), len(memory.code(core))
    own = _own_keys(s)
    while row < rows and times[row] <= until:
        code, place = np.int64(codes[row]), prices[row] - base
        if _concerns(own, code, place):
            s.exch_bid, s.exch_ask = bid, ask
            bid, ask = _row_among_own(core, row, code, place)
            own = _own_keys(s)
            if s.wake < 0 and -s.wake < until:
                until = -s.wake
        else:
            bid, ask = apply_row(book, width, code, place, sizes[row], bid, ask)
        row += 1
    s.exch_row, s.exch_bid, s.exch_ask = row, bid, ask


@inner
def _row_among_own(core: Core, row: int, code: int, place: int) -> tuple[int, int]:
    """Play one row that may concern own orders; returns the best bid and ask after it."""
    s = memory.state(core)
    action, side, qty = code & ACTION, code >> SIDE_SHIFT, memory.qty(core)[row]
    _near_own(core, row, action, side, place)
    bid, ask = apply_row(
        memory.exch_book(core), memory.rules(core).width, code, place, qty, s.exch_bid, s.exch_ask
    )
    if action in (ADD, DEPTH):
        _reach_own(core, row, action, side, place, bid, ask)
    return bid, ask


@inner
def _near_own(core: Core, row: int, action: int, side: int, place: int) -> None:
    """A row at or through the prices of own orders of its side, before it changes the book."""
    qty, level = memory.qty(core)[row], memory.rules(core).level
    if action == DEPTH:
        if 0 <= place < memory.rules(core).width:
            _level_moved(
                core, side, place, memory.exch_book(core)[place + side * memory.rules(core).width], qty
            )
    elif action == FILL:
        _hit(core, side, place, qty, memory.exch_ns(core)[row], row, np.int64(memory.order(core)[row]))
    elif action == TRADE and level == 2:
        _hit(core, side, place, qty, memory.exch_ns(core)[row], row, NOBODY)
    elif action == REDUCE:
        _order_left(core, side, place, qty, np.int64(memory.order(core)[row]))


@inner
def _reach_own(core: Core, row: int, action: int, side: int, place: int, bid: int, ask: int) -> None:
    """A level or an order of one side appeared at a price where own orders of the other side rest.

    The state still holds the best prices before the row.
    """
    s = memory.state(core)
    improved = bid > s.exch_bid if side == BUY else ask < s.exch_ask
    if action == ADD:
        _crossed(core, 1 - side, place, memory.qty(core)[row], memory.exch_ns(core)[row], row)
    elif improved and memory.qty(core)[row] > 0:
        _crossed(core, 1 - side, place, FAR, memory.exch_ns(core)[row], row)


@inner
def _print_reach(core: Core, order: Any, place: int, qty: int, available: int, resting: int) -> int:
    """Units of an own order that a print of ``qty`` at ``place`` takes; moves the order up its queue.

    resting: L3, the number of the market order that was hit, -1 in L2.
    """
    rules = memory.rules(core)
    if beyond(order, place):
        return order.left if resting < 0 or not rules.partial_fills else min(order.left, available)
    if order.place != place:
        return 0
    if resting >= 0:
        if resting < order.entry:
            order.front -= qty
            return 0
        return min(order.left, available) if rules.partial_fills else order.left
    order.front -= qty
    order.traded += qty
    past = np.int64(np.rint(-order.front / rules.lot)) * rules.lot
    if past <= 0:
        return 0
    return min(past, order.left, available) if rules.partial_fills else order.left


@inner
def _hit(core: Core, side: int, place: int, qty: int, time: int, row: int, resting: int) -> None:
    """A print against ``side`` may reach own orders there, best price first."""
    s = memory.state(core)
    available, i = qty, 0
    while i < s.live:
        slot = memory.live(core)[i]
        order = memory.orders(core)[slot]
        taken = 0
        if order.side == side:
            taken = _print_reach(core, order, place, qty, available, resting)
        if taken > 0:
            available = max(0, available - taken)
            order.front = max(order.front, 0.0)
            fill(core, slot, taken, order.place, time, row, MAKER)
            if order.left == 0:
                continue
        i += 1


@inner
def _crossed(core: Core, side: int, place: int, available: int, time: int, row: int) -> None:
    """The other side's best price reached own orders of ``side``: they would have been hit on its way.

    available: units that came (L3), or FAR where the feed doesn't tell (L2).
    """
    s, i = memory.state(core), 0
    while i < s.live and available > 0:
        slot = memory.live(core)[i]
        order = memory.orders(core)[slot]
        if order.side == side and (order.place == place or beyond(order, place)):
            taken = min(order.left, available) if memory.rules(core).partial_fills else order.left
            available -= taken
            fill(core, slot, taken, order.place, time, row, MAKER)
            if order.left == 0:
                continue
        i += 1


@inner
def _level_moved(core: Core, side: int, place: int, before: int, now: int) -> None:
    """A level's size changed (L2): move own orders there up the queue."""
    s, rules = memory.state(core), memory.rules(core)
    for i in range(s.live):
        order = memory.orders(core)[memory.live(core)[i]]
        if order.side == side and order.place == place:
            order.front = advance(
                rules.queue_model,
                rules.queue_power,
                rules.queue_scale,
                order.front,
                order.traded,
                before,
                now,
            )
            order.traded = 0.0


@inner
def _order_left(core: Core, side: int, place: int, qty: int, resting: int) -> None:
    """A market order left the queue at a place (L3): own orders behind it move up."""
    for i in range(memory.state(core).live):
        order = memory.orders(core)[memory.live(core)[i]]
        if order.side == side and order.place == place and resting < order.entry:
            order.front -= qty
