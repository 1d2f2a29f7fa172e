"""Own requests at the venue: new orders, amends and cancels, and the end of a session."""

from __future__ import annotations

from quoting_policy.data.compiled import inner
from quoting_policy.sim import memory
from quoting_policy.sim.latency import uniform
from quoting_policy.sim.layout import (
    ACCEPTED,
    AMEND,
    AMENDED,
    BUY,
    BY_AMEND,
    BY_CANCEL,
    BY_CLOSE,
    BY_GRID,
    BY_POST_ONLY,
    BY_SESSION_END,
    BY_VENUE,
    CANCEL,
    CANCELLED,
    DONE,
    LIVE,
    NEW,
    NO_OUTCOME,
    REFUSED,
    REJECTED,
    REJECTING,
    REJECTION,
    TAKER,
)  # fmt: skip
from quoting_policy.sim.memory import Core
from quoting_policy.sim.own_orders import beyond, fill, incident, leave, respond, rest


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
            respond(core, time, REJECTED, slot, order.place, order.left, 0.0, outcome)
    elif request.kind == AMEND:
        _amend(core, slot, request.place, request.qty, time)
    elif request.kind == CANCEL and order.status == LIVE:
        leave(core, slot, BY_CANCEL)
        respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_CANCEL)
    else:
        respond(core, time, REFUSED, slot, order.place, order.left, 0.0, order.outcome)
    s.request_head += 1


@inner
def _enter(core: Core, slot: int, time: int) -> int:
    """Let an order into the book; returns why it could not enter, or NO_OUTCOME."""
    s, rules, order = memory.state(core), memory.rules(core), memory.orders(core)[slot]
    if not _is_open(core, time):
        return BY_CLOSE
    if order.place < 0 or order.place >= rules.width:
        return BY_GRID
    chance = incident(core, REJECTING, time)
    if chance > 0 and uniform(rules.seed, time, REJECTION) * 1e6 < chance:
        return BY_VENUE
    takes = order.place >= s.exch_ask if order.side == BUY else order.place <= s.exch_bid
    if takes and order.post_only:
        return BY_POST_ONLY
    respond(core, time, ACCEPTED, slot, order.place, order.left, 0.0, NO_OUTCOME)
    if takes:
        _take(core, slot, time)
    if order.left > 0:
        rest(core, slot)
    return NO_OUTCOME


@inner
def _take(core: Core, slot: int, time: int) -> None:
    """Execute what crosses the book at once, level by level; without partial fills all at the best price."""
    s, rules, order = memory.state(core), memory.rules(core), memory.orders(core)[slot]
    place = s.exch_ask if order.side == BUY else s.exch_bid
    step = 1 if order.side == BUY else -1
    while order.left > 0 and 0 <= place < rules.width and (place == order.place or beyond(order, place)):
        there = memory.exch_book(core)[place + (1 - order.side) * rules.width]
        if there > 0:
            qty = min(order.left, there) if rules.partial_fills else order.left
            fill(core, slot, qty, place, time, s.exch_row, TAKER)
        place += step


@inner
def _amend(core: Core, slot: int, place: int, qty: int, time: int) -> None:
    """Change a resting order. A smaller size at the same price keeps its place; all else queues anew."""
    order = memory.orders(core)[slot]
    if order.status != LIVE:
        respond(core, time, REFUSED, slot, order.place, order.left, 0.0, order.outcome)
        return
    if place == order.place and 0 < qty <= order.left:
        order.left = qty
        respond(core, time, AMENDED, slot, place, qty, 0.0, NO_OUTCOME)
        return
    leave(core, slot, BY_AMEND)
    if qty <= 0:
        respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_AMEND)
        return
    order.place, order.left, order.outcome = place, qty, NO_OUTCOME
    outcome = _enter(core, slot, time)
    if outcome != NO_OUTCOME:
        order.status, order.outcome = DONE, outcome
        respond(core, time, CANCELLED, slot, place, qty, 0.0, outcome)


@inner
def _is_open(core: Core, time: int) -> bool:
    """Whether continuous trading is on."""
    if len(memory.sessions(core)) == 0:
        return True
    for i in range(len(memory.sessions(core))):
        if memory.sessions(core)[i, 0] <= time < memory.sessions(core)[i, 1]:
            return True
    return False


@inner
def end_session(core: Core, time: int) -> None:
    """Continuous trading stops: own orders leave the book."""
    s = memory.state(core)
    while s.live > 0:
        slot = memory.live(core)[s.live - 1]
        leave(core, slot, BY_SESSION_END)
        order = memory.orders(core)[slot]
        respond(core, time, CANCELLED, slot, order.place, order.left, 0.0, BY_SESSION_END)
