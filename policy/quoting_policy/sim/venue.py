"""The venue's side of a replay: its book, own orders in its queues, requests in, responses out.

Own orders leave no trace in the recorded market: what they take or stand for is not taken from anyone else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quoting_policy.data.compiled import inner
from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, DEPTH, FILL, REDUCE, TRADE
from quoting_policy.sim import memory
from quoting_policy.sim.grid import apply_row
from quoting_policy.sim.latency import draw, uniform
from quoting_policy.sim.layout import (
    ACCEPTED,
    AMEND,
    AMENDED,
    BUY,
    BY_AMEND,
    BY_CANCEL,
    BY_CLOSE,
    BY_FILL,
    BY_GRID,
    BY_POST_ONLY,
    BY_SESSION_END,
    BY_VENUE,
    CANCEL,
    CANCELLED,
    DONE,
    FAR,
    FILLED,
    LIVE,
    MAKER,
    NEW,
    NO_OUTCOME,
    NOBODY,
    REFUSED,
    REJECTED,
    REJECTING,
    REJECTION,
    RESPONSE_WAY,
    SLOWER,
    TAKER,
)  # fmt: skip
from quoting_policy.sim.memory import Core
from quoting_policy.sim.queue import advance


@inner
def incident(core: Core, kind: int, time: int) -> int:
    """The sum of the amounts of the incidents of a kind that are on at a time."""
    amount = 0
    for i in range(len(memory.incidents(core))):
        if (
            memory.incidents(core)[i, 2] == kind
            and memory.incidents(core)[i, 0] <= time < memory.incidents(core)[i, 1]
        ):
            amount += memory.incidents(core)[i, 3]
    return amount


@inner
def is_open(core: Core, time: int) -> bool:
    """Whether continuous trading is on."""
    if len(memory.sessions(core)) == 0:
        return True
    for i in range(len(memory.sessions(core))):
        if memory.sessions(core)[i, 0] <= time < memory.sessions(core)[i, 1]:
            return True
    return False


@inner
def _respond(
    core: Core, time: int, kind: int, slot: int, place: int, qty: int, fee: float, outcome: int
) -> int:
    """Send a response; returns when it arrives."""
    s = memory.state(core)
    arrival = (
        time
        + draw(memory.rules(core), memory.recorded(core), time, RESPONSE_WAY)
        + incident(core, SLOWER, time)
    )
    s.last_response = max(s.last_response, arrival)
    if s.response_tail - s.response_head >= len(memory.responses(core)):
        s.overflow = 1
        return s.last_response
    response = memory.responses(core)[s.response_tail % len(memory.responses(core))]
    response.time, response.kind, response.slot, response.id = (
        s.last_response,
        kind,
        slot,
        memory.orders(core)[slot].id,
    )
    response.place, response.qty, response.fee, response.outcome = place, qty, fee, outcome
    s.response_tail += 1
    return s.last_response


@inner
def _bounds(core: Core) -> None:
    """Note between which places own orders rest, so that most rows need not look at them."""
    s = memory.state(core)
    s.low_own_bid, s.high_own_bid, s.low_own_ask, s.high_own_ask = FAR, -1, FAR, -1
    for i in range(s.live):
        order = memory.orders(core)[memory.live(core)[i]]
        if order.side == BUY:
            s.low_own_bid = min(s.low_own_bid, order.place)
            s.high_own_bid = max(s.high_own_bid, order.place)
        else:
            s.low_own_ask = min(s.low_own_ask, order.place)
            s.high_own_ask = max(s.high_own_ask, order.place)


@inner
def _priority(order: Any) -> int:
    """Smaller comes first within a side: the higher bid, the lower ask."""
    return -order.place if order.side == BUY else order.place


@inner
def _rest(core: Core, slot: int) -> None:
    """Put an order at the back of its queue; ``live`` stays sorted by price, then time."""
    s, width = memory.state(core), memory.rules(core).width
    order = memory.orders(core)[slot]
    order.front = memory.exch_book(core)[order.place + order.side * width]
    order.traded, order.entry, order.status = 0.0, s.arrivals, LIVE
    k = s.live
    while k > 0 and _priority(memory.orders(core)[memory.live(core)[k - 1]]) > _priority(order):
        memory.live(core)[k] = memory.live(core)[k - 1]
        k -= 1
    memory.live(core)[k] = slot
    s.live += 1
    _bounds(core)


@inner
def _leave(core: Core, slot: int, outcome: int) -> None:
    """Take an order out of the book."""
    s = memory.state(core)
    order = memory.orders(core)[slot]
    order.status, order.outcome = DONE, outcome
    k = 0
    for i in range(s.live):
        if memory.live(core)[i] != slot:
            memory.live(core)[k] = memory.live(core)[i]
            k += 1
    s.live = k
    _bounds(core)


@inner
def _fill(core: Core, slot: int, qty: int, place: int, time: int, row: int, role: int) -> None:
    """Execute part of an own order at a place, book it, tell the trader."""
    s, rules, order = memory.state(core), memory.rules(core), memory.orders(core)[slot]
    price = rules.base + place
    rate = rules.maker_rate if role == MAKER else rules.taker_rate
    per_unit = rules.maker_per_unit if role == MAKER else rules.taker_per_unit
    fee = rate * price * qty + per_unit * qty
    signed = qty if order.side == BUY else -qty
    s.exch_position += signed
    s.exch_cash -= signed * price
    s.exch_fees += fee
    order.left -= qty
    if order.left == 0 and order.status == LIVE:
        _leave(core, slot, BY_FILL)
    elif order.left == 0:
        order.status, order.outcome = DONE, BY_FILL
    arrival = _respond(core, time, FILLED, slot, place, qty, fee, order.outcome)
    if s.wake < 0:  # the trader asked to be woken by a fill
        s.wake = max(s.wake, -arrival)
    if s.fills >= len(memory.fills(core)):
        s.overflow = 1
        return
    record = memory.fills(core)[s.fills]
    record.order_id, record.side, record.price, record.qty = order.id, order.side, price, qty
    record.exch_ns, record.local_ns, record.maker, record.fee, record.row = (
        time,
        arrival,
        role == MAKER,
        fee,
        row,
    )
    record.bid = -1 if s.exch_bid < 0 else rules.base + s.exch_bid
    record.ask = -1 if s.exch_ask >= rules.width else rules.base + s.exch_ask
    s.fills += 1


@inner
def _beyond(order: Any, place: int) -> bool:
    """Whether the order's price is better than ``place``, so that a print there went through it."""
    return order.place > place if order.side == BUY else order.place < place


@inner
def _print_reach(core: Core, order: Any, place: int, qty: int, available: int, resting: int) -> int:
    """Units of an own order that a print of ``qty`` at ``place`` takes; moves the order up its queue.

    resting: L3, the number of the market order that was hit, -1 in L2.
    """
    rules = memory.rules(core)
    if _beyond(order, place):
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
            _fill(core, slot, taken, order.place, time, row, MAKER)
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
        if order.side == side and (order.place == place or _beyond(order, place)):
            taken = min(order.left, available) if memory.rules(core).partial_fills else order.left
            available -= taken
            _fill(core, slot, taken, order.place, time, row, MAKER)
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


@inner
def play_venue(core: Core, until: int) -> None:
    """Play rows with exchange time up to ``until``, or up to the moment a fill wakes the trader."""
    s, rules = memory.state(core), memory.rules(core)
    row, bid, ask, width, base = s.exch_row, s.exch_bid, s.exch_ask, rules.width, rules.base
    times, codes, prices, sizes = (
        memory.exch_ns(core),
        memory.code(core),
        memory.price(core),
        memory.qty(core),
    )
    book, market_orders, rows = memory.exch_book(core), memory.order(core), len(memory.code(core))
    low_bid, high_bid, low_ask, high_ask = s.low_own_bid, s.high_own_bid, s.low_own_ask, s.high_own_ask
    while row < rows and times[row] <= until:
        code, place = codes[row], prices[row] - base
        action = code & ACTION
        if code & ASK_SIDE:
            touches = place >= low_ask and (action != DEPTH or place <= high_ask)
            reaches = place <= high_bid
        else:
            touches = place <= high_bid and (action != DEPTH or place >= low_bid)
            reaches = place >= low_ask
        if touches or reaches:
            s.exch_bid, s.exch_ask = bid, ask
            bid, ask = _row_among_own(core, row, code, place, touches, reaches)
            low_bid, high_bid, low_ask, high_ask = (
                s.low_own_bid,
                s.high_own_bid,
                s.low_own_ask,
                s.high_own_ask,
            )
            if s.wake < 0 and -s.wake < until:
                until = -s.wake
        else:
            bid, ask = apply_row(book, width, code, place, sizes[row], bid, ask)
        if action == ADD:
            s.arrivals = market_orders[row] + 1
        row += 1
    s.exch_row, s.exch_bid, s.exch_ask = row, bid, ask


@inner
def _row_among_own(
    core: Core, row: int, code: int, place: int, touches: bool, reaches: bool
) -> tuple[int, int]:
    """Play one row that concerns own orders of its side (touches) or of the other (reaches).

    Returns the best bid and ask after it.
    """
    s = memory.state(core)
    action, side, qty = code & ACTION, 1 if code & ASK_SIDE else 0, memory.qty(core)[row]
    if touches:
        _near_own(core, row, action, side, place)
    bid, ask = apply_row(
        memory.exch_book(core), memory.rules(core).width, code, place, qty, s.exch_bid, s.exch_ask
    )
    if reaches and action in (ADD, DEPTH):
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
def _take(core: Core, slot: int, time: int) -> None:
    """Execute what crosses the book at once, level by level; without partial fills all at the best price."""
    s, rules, order = memory.state(core), memory.rules(core), memory.orders(core)[slot]
    place = s.exch_ask if order.side == BUY else s.exch_bid
    step = 1 if order.side == BUY else -1
    while order.left > 0 and 0 <= place < rules.width and (place == order.place or _beyond(order, place)):
        there = memory.exch_book(core)[place + (1 - order.side) * rules.width]
        if there > 0:
            qty = min(order.left, there) if rules.partial_fills else order.left
            _fill(core, slot, qty, place, time, s.exch_row, TAKER)
        place += step


@inner
def _enter(core: Core, slot: int, time: int) -> int:
    """Let an order into the book; returns why it could not enter, or NO_OUTCOME."""
    s, rules, order = memory.state(core), memory.rules(core), memory.orders(core)[slot]
    if not is_open(core, time):
        return BY_CLOSE
    if order.place < 0 or order.place >= rules.width:
        return BY_GRID
    chance = incident(core, REJECTING, time)
    if chance > 0 and uniform(rules.seed, time, REJECTION) * 1e6 < chance:
        return BY_VENUE
    takes = order.place >= s.exch_ask if order.side == BUY else order.place <= s.exch_bid
    if takes and order.post_only:
        return BY_POST_ONLY
    _respond(core, time, ACCEPTED, slot, order.place, order.left, 0.0, NO_OUTCOME)
    if takes:
        _take(core, slot, time)
    if order.left > 0:
        _rest(core, slot)
    return NO_OUTCOME


@inner
def _amend(core: Core, slot: int, place: int, qty: int, time: int) -> None:
    """Change a resting order. A smaller size at the same price keeps its place; all else queues anew."""
    order = memory.orders(core)[slot]
    if order.status != LIVE:
        _respond(core, time, REFUSED, slot, order.place, order.left, 0.0, order.outcome)
        return
    if place == order.place and 0 < qty <= order.left:
        order.left = qty
        _respond(core, time, AMENDED, slot, place, qty, 0.0, NO_OUTCOME)
        return
    _leave(core, slot, BY_AMEND)
    if qty <= 0:
        _respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_AMEND)
        return
    order.place, order.left, order.outcome = place, qty, NO_OUTCOME
    outcome = _enter(core, slot, time)
    if outcome != NO_OUTCOME:
        order.status, order.outcome = DONE, outcome
        _respond(core, time, CANCELLED, slot, place, qty, 0.0, outcome)


@inner
def handle_request(core: Core) -> None:
    """Process the oldest request at the venue."""
    s = memory.state(core)
    request = memory.requests(core)[s.request_head % len(memory.requests(core))]
    slot, time = request.slot, request.time
    order = memory.orders(core)[slot]
    if request.kind == NEW:
        outcome = _enter(core, slot, time)
        if outcome != NO_OUTCOME:
            order.status, order.outcome = DONE, outcome
            _respond(core, time, REJECTED, slot, order.place, order.left, 0.0, outcome)
    elif request.kind == AMEND:
        _amend(core, slot, request.place, request.qty, time)
    elif request.kind == CANCEL and order.status == LIVE:
        _leave(core, slot, BY_CANCEL)
        _respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_CANCEL)
    else:
        _respond(core, time, REFUSED, slot, order.place, order.left, 0.0, order.outcome)
    s.request_head += 1


@inner
def end_session(core: Core, time: int) -> None:
    """Continuous trading stops: own orders leave the book."""
    s = memory.state(core)
    while s.live > 0:
        slot = memory.live(core)[s.live - 1]
        _leave(core, slot, BY_SESSION_END)
        order = memory.orders(core)[slot]
        _respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_SESSION_END)
