"""The trader's side of a replay: the book as received, own orders as known, requests sent."""

from __future__ import annotations

import numpy as np

from quoting_policy.data.compiled import inner, kernel
from quoting_policy.data.rows import ACTION, ASK_SIDE, FILL, TRADE
from quoting_policy.sim import memory
from quoting_policy.sim.grid import apply_row
from quoting_policy.sim.latency import draw
from quoting_policy.sim.layout import (
    AMEND,
    BUY,
    BY_SESSION_END,
    CANCEL,
    CANCELLED,
    DONE,
    ENTRY,
    FAR,
    FILLED,
    IN_FLIGHT,
    LIVE,
    NEW,
    NO_OUTCOME,
    NOTHING,
    REFUSED,
    REJECTED,
    SLOWER,
)  # fmt: skip
from quoting_policy.sim.memory import Core
from quoting_policy.sim.own_orders import incident
from quoting_policy.sim.requests import end_session, handle_request
from quoting_policy.sim.venue import play_venue


@inner
def play_local(core: Core, until: int) -> None:
    """Receive rows with local time up to ``until``; the venue has been played so far."""
    s, start = memory.state(core), memory.state(core).local_row
    if memory.rules(core).one_clock:
        s.local_row, s.local_bid, s.local_ask = s.exch_row, s.exch_bid, s.exch_ask
    else:
        _receive_rows(core, until)
    _count_prints(core, start, s.local_row)


@inner
def _receive_rows(core: Core, until: int) -> None:
    s, rules = memory.state(core), memory.rules(core)
    done, bid, ask, width, base = s.local_row, s.local_bid, s.local_ask, rules.width, rules.base
    times, codes, prices = memory.local_ns(core), memory.code(core), memory.price(core)
    sizes, book = memory.qty(core), memory.local_book(core)
    order, permuted = memory.local_order(core), rules.permuted != 0
    while done < len(codes):
        row = np.int64(order[done]) if permuted else done
        if times[row] > until:
            break
        bid, ask = apply_row(book, width, np.int64(codes[row]), prices[row] - base, sizes[row], bid, ask)
        done += 1
    s.local_row, s.local_bid, s.local_ask = done, bid, ask


@inner
def _count_prints(core: Core, start: int, stop: int) -> None:
    """Count the prints among rows received; apart from the book, so that both passes are without branches."""
    s, base = memory.state(core), memory.rules(core).base
    codes, prices, sizes = memory.code(core), memory.price(core), memory.qty(core)
    order, permuted = memory.local_order(core), memory.rules(core).permuted != 0
    bought, sold, high, low, count = s.bought_by_takers, s.sold_by_takers, s.high_trade, s.low_trade, s.trades
    for k in range(start, stop):
        row = np.int64(order[k]) if permuted else k
        code, place = np.int64(codes[row]), prices[row] - base
        if code & ACTION in (TRADE, FILL):
            asks, qty = code & ASK_SIDE != 0, sizes[row]
            bought += qty if asks else 0
            sold += 0 if asks else qty
            high = max(high, place if asks else -FAR)
            low = min(low, FAR if asks else place)
            count += 1
    s.bought_by_takers, s.sold_by_takers, s.high_trade, s.low_trade, s.trades = bought, sold, high, low, count


@kernel
def forget_prints(core: Core) -> None:
    """Start counting prints anew."""
    s = memory.state(core)
    s.bought_by_takers, s.sold_by_takers, s.trades = 0, 0, 0
    s.high_trade, s.low_trade = -FAR, FAR


@inner
def _receive(core: Core, until: int) -> None:
    """Take in responses that arrive up to ``until``."""
    s = memory.state(core)
    while s.response_head < s.response_tail:
        response = memory.responses(core)[s.response_head % len(memory.responses(core))]
        if response.time > until:
            return
        s.response_head += 1
        order = memory.orders(core)[response.slot]
        if response.kind == FILLED:
            signed = response.qty if order.side == BUY else -response.qty
            s.position += signed
            s.cash -= signed * (memory.rules(core).base + response.place)
            s.fees += response.fee
            s.fills_seen += 1
            order.local_left -= response.qty
            if order.local_left == 0:
                order.local_status = DONE
            continue
        if response.outcome != BY_SESSION_END:  # nobody asked for that one
            order.pending -= 1
        _acknowledge(core, response.kind, response.slot, response.place, response.qty)


@inner
def _acknowledge(core: Core, kind: int, slot: int, place: int, qty: int) -> None:
    s, order = memory.state(core), memory.orders(core)[slot]
    if kind == REJECTED:
        s.rejected += 1
    elif kind == CANCELLED:
        s.cancelled += 1
    elif kind == REFUSED:
        s.refused += 1
        return
    order.local_status = DONE if kind in (REJECTED, CANCELLED) else LIVE
    order.local_place = place
    if order.local_status == LIVE:
        order.local_left = qty


@inner
def _send(core: Core, kind: int, slot: int, place: int, qty: int) -> None:
    s = memory.state(core)
    if s.request_tail - s.request_head >= len(memory.requests(core)):
        s.overflow = 1
        return
    delay = draw(memory.rules(core), memory.recorded(core), s.now, ENTRY) + incident(core, SLOWER, s.now)
    s.last_arrival = max(s.last_arrival, s.now + delay)
    request = memory.requests(core)[s.request_tail % len(memory.requests(core))]
    request.time, request.kind, request.slot, request.id = (
        s.last_arrival,
        kind,
        slot,
        memory.orders(core)[slot].id,
    )
    request.place, request.qty = place, qty
    memory.orders(core)[slot].pending += 1
    s.request_tail += 1


@kernel
def slot_of(core: Core, order_id: int) -> int:
    """Where an own order is kept, -1 if the id was never given or its slot has been used again."""
    slot = order_id % len(memory.orders(core))
    return slot if order_id > 0 and memory.orders(core)[slot].id == order_id else -1


@kernel
def submit(core: Core, side: int, tick: int, qty: int, post_only: bool) -> int:
    """Send a new limit order; returns its id, or 0 if no slot is free (too many orders at work).

    side: BUY or SELL. tick: price in ticks. qty: units, > 0.
    """
    s, slots = memory.state(core), len(memory.orders(core))
    for _ in range(slots):
        s.next_id += 1
        slot = s.next_id % slots
        order = memory.orders(core)[slot]
        if order.id == 0 or (order.local_status == DONE and order.pending == 0 and order.status == DONE):
            order.id, order.side, order.place, order.qty, order.left = (
                s.next_id,
                side,
                tick - memory.rules(core).base,
                qty,
                qty,
            )
            order.status, order.local_status, order.outcome, order.pending = (
                IN_FLIGHT,
                IN_FLIGHT,
                NO_OUTCOME,
                0,
            )
            order.local_left, order.local_place, order.post_only = qty, order.place, post_only
            s.submitted += 1
            _send(core, NEW, slot, order.place, qty)
            return order.id
    return 0


@kernel
def cancel(core: Core, order_id: int) -> bool:
    """Ask for an order's cancellation; False if it is known to be done."""
    slot = slot_of(core, order_id)
    if slot < 0 or memory.orders(core)[slot].local_status == DONE:
        return False
    _send(core, CANCEL, slot, NOTHING, NOTHING)
    return True


@kernel
def amend(core: Core, order_id: int, tick: int, qty: int) -> bool:
    """Ask for a new price and a new resting quantity; False if the order is known to be done."""
    slot = slot_of(core, order_id)
    if slot < 0 or memory.orders(core)[slot].local_status == DONE:
        return False
    _send(core, AMEND, slot, tick - memory.rules(core).base, qty)
    return True


@inner
def _play_requests(core: Core) -> None:
    """Play the venue up to the state's ``end`` of this step, or to the wake-up, in order of time.

    Of one moment, market rows come first, then a session's end, then own requests.
    """
    s = memory.state(core)
    while True:
        until = min(s.end, -s.wake) if s.wake < 0 else s.end
        request = (
            memory.requests(core)[s.request_head % len(memory.requests(core))].time
            if s.request_head < s.request_tail
            else FAR
        )
        closing = memory.sessions(core)[s.session, 1] if s.session < len(memory.sessions(core)) else FAR
        if closing <= min(until, request):
            play_venue(core, closing - 1)
            if s.wake == 0 or -s.wake >= closing:
                end_session(core, closing)
                s.session += 1
        elif request <= until:
            play_venue(core, request)
            if s.wake == 0 or -s.wake >= request:
                handle_request(core)
        else:
            play_venue(core, until)
            return


@kernel
def elapse(core: Core, duration: int, wake_on_fill: bool) -> bool:
    """Let time pass, at most ``duration`` ns; False once every row has been played and received.

    wake_on_fill: stop at the moment a fill becomes known to the trader.
    """
    s = memory.state(core)
    s.end = s.now + min(duration, FAR - 1 - s.now)
    s.wake = 0
    if wake_on_fill:
        waiting = _next_fill(core)
        s.wake = -min(waiting, FAR)
    _play_requests(core)
    until = min(s.end, -s.wake) if s.wake < 0 else s.end
    play_local(core, until)
    _receive(core, until)
    s.now = until
    return s.exch_row < len(memory.code(core)) or s.local_row < len(memory.code(core))


@inner
def _next_fill(core: Core) -> int:
    """When the next fill on its way arrives, FAR if there is none."""
    s = memory.state(core)
    for k in range(s.response_head, s.response_tail):
        response = memory.responses(core)[k % len(memory.responses(core))]
        if response.kind == FILLED:
            return response.time
    return FAR
