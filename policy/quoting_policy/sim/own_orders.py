"""Own orders at the venue: resting in its queues, leaving them, filled, and what the trader is told."""

from __future__ import annotations

from typing import Any

from quoting_policy.data.compiled import inner
from quoting_policy.data.rows import ACTION, ADD
from quoting_policy.sim import memory
from quoting_policy.sim.latency import draw
from quoting_policy.sim.layout import (
    BUY,
    BY_FILL,
    DONE,
    FAR,
    FILLED,
    LIVE,
    MAKER,
    RESPONSE_WAY,
    SLOWER,
)  # fmt: skip
from quoting_policy.sim.memory import Core


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
def respond(
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
def _arrivals(core: Core) -> int:
    """Market orders that have arrived so far (L3): they are numbered in the order of arrival."""
    if memory.rules(core).level == 2:
        return 0
    k = memory.state(core).exch_row - 1
    while k >= 0 and memory.code(core)[k] & ACTION != ADD:
        k -= 1
    return memory.order(core)[k] + 1 if k >= 0 else 0


@inner
def rest(core: Core, slot: int) -> None:
    """Put an order at the back of its queue; ``live`` stays sorted by price, then time."""
    s, width = memory.state(core), memory.rules(core).width
    order = memory.orders(core)[slot]
    order.front = memory.exch_book(core)[order.place + order.side * width]
    order.traded, order.entry, order.status = 0.0, _arrivals(core), LIVE
    k = s.live
    while k > 0 and _priority(memory.orders(core)[memory.live(core)[k - 1]]) > _priority(order):
        memory.live(core)[k] = memory.live(core)[k - 1]
        k -= 1
    memory.live(core)[k] = slot
    s.live += 1
    _bounds(core)


@inner
def leave(core: Core, slot: int, outcome: int) -> None:
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
def fill(core: Core, slot: int, qty: int, place: int, time: int, row: int, role: int) -> None:
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
        leave(core, slot, BY_FILL)
    elif order.left == 0:
        order.status, order.outcome = DONE, BY_FILL
    arrival = respond(core, time, FILLED, slot, place, qty, fee, order.outcome)
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
def beyond(order: Any, place: int) -> bool:
    """Whether the order's price is better than ``place``, so that a print there went through it."""
    return order.place > place if order.side == BUY else order.place < place
