"""Bad days on demand: each a change of a tape, or of the venue that replays it.

Prices move in ticks, times in ns. A changed tape replays like any other, and its facts say what was done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.cut import cut
from quoting_policy.data.rows import ACTION, ASK_SIDE, CLEAR, FILL, REDUCE, TRADE
from quoting_policy.data.tape import Tape, receipt_order
from quoting_policy.errors import InputError
from quoting_policy.sim.conditions import Venue
from quoting_policy.sim.layout import BUY, REJECTING, SLOWER


def _span(start_ns: int, stop_ns: int) -> None:
    if start_ns >= stop_ns:
        raise InputError("start_ns, stop_ns", (start_ns, stop_ns), "start < stop")


def _noted(tape: Tape, note: str, **changes: Any) -> Tape:
    """The changed tape, with the change among its facts."""
    return replace(tape.with_facts(notes=(*tape.facts.notes, note)), **changes)


def gap(tape: Tape, at_ns: int, ticks: int) -> Tape:
    """From ``at_ns`` on the whole market stands ``ticks`` elsewhere, with nothing traded between (L2 tapes).

    The book is taken down and put up again at the new prices; own quotes left behind are picked off.
    """
    _need_levels(tape, "gap")
    first = int(np.searchsorted(tape.exch_ns, at_ns))
    latency = int(np.median(tape.local_ns - tape.exch_ns)) if len(tape) else 0
    book = cut(tape.rows(0, first), at_ns, at_ns + 1)
    clears = np.array([CLEAR, CLEAR | ASK_SIDE], np.uint8)
    inserted = len(book) + 2
    columns: dict[str, tuple[Any, Any]] = {
        "exch_ns": (np.full(inserted, at_ns), tape.exch_ns),
        "local_ns": (np.full(inserted, at_ns + latency), tape.local_ns),
        "code": (np.concatenate([clears, book.code]), tape.code),
        "price": (np.concatenate([np.zeros(2, np.int64), book.price + ticks]), None),
        "qty": (np.concatenate([np.zeros(2, np.int64), book.qty]), tape.qty),
    }
    moved = tape.price[first:] + np.int32(ticks)
    merged = {
        name: np.concatenate(
            [getattr(tape, name)[:first], new, moved if old is None else old[first:]]
        ).astype(getattr(tape, name).dtype)
        for name, (new, old) in columns.items()
    }
    facts = {
        "low_tick": max(0, tape.facts.low_tick + min(0, ticks)),
        "high_tick": tape.facts.high_tick + max(0, ticks),
    }
    quotes_moved = np.where(tape.quote_exch_ns >= at_ns, ticks, 0).astype(np.int32)
    changed = _noted(tape.with_facts(**facts), f"gap of {ticks} ticks at {at_ns}", **merged)
    return replace(
        changed,
        local_order=receipt_order(changed.local_ns),
        quote_bid=tape.quote_bid + quotes_moved,
        quote_ask=tape.quote_ask + quotes_moved,
    )


def flash_crash(tape: Tape, start_ns: int, stop_ns: int, ticks: int, *, steps: int = 10) -> Tape:
    """The market falls by ``ticks`` in the first half of the span and comes back in the second (L2 tapes).

    steps: equal gaps each way; negative ticks: a spike up.
    """
    _span(start_ns, stop_ns)
    if steps < 1 or abs(ticks) < steps:
        raise InputError("steps", steps, f"1 to |ticks| ({abs(ticks)})")
    path = np.rint(np.linspace(0, ticks, steps + 1)).astype(int)
    falls = np.diff(path)
    moves = np.concatenate([-falls, falls[::-1]])
    times = np.linspace(start_ns, stop_ns, 2 * steps + 1)[:-1].astype(np.int64)
    for time, move in zip(times, moves, strict=True):
        tape = gap(tape, int(time), int(move))
    return tape


def feed_stall(tape: Tape, start_ns: int, stop_ns: int) -> Tape:
    """What should be received in the span arrives at its end, all at once; the venue trades on."""
    _span(start_ns, stop_ns)
    stalled = (tape.local_ns >= start_ns) & (tape.local_ns < stop_ns)
    return _received(tape, np.where(stalled, stop_ns, tape.local_ns), f"feed stalled {start_ns} to {stop_ns}")


def slow_feed(tape: Tape, start_ns: int, stop_ns: int, extra_ns: int) -> Tape:
    """Rows produced in the span take ``extra_ns`` longer to arrive."""
    _span(start_ns, stop_ns)
    slow = (tape.exch_ns >= start_ns) & (tape.exch_ns < stop_ns)
    note = f"feed slower by {extra_ns} ns, {start_ns} to {stop_ns}"
    return _received(tape, tape.local_ns + np.where(slow, extra_ns, 0), note)


def with_feed_latency(tape: Tape, latency_ns: int) -> Tape:
    """Every row arrives ``latency_ns`` after it was produced, in place of what was recorded."""
    return _received(tape, tape.exch_ns + latency_ns, f"feed latency {latency_ns} ns")


def one_sided_flow(tape: Tape, start_ns: int, stop_ns: int, side: int) -> Tape:
    """In the span takers hit only the book's ``side`` (BUY: the bids, a market of sellers).

    Executions on the other side become cancels (L3), or lose their print (L2).
    """
    _span(start_ns, stop_ns)
    ask = tape.code & ASK_SIDE > 0
    inside = (tape.exch_ns >= start_ns) & (tape.exch_ns < stop_ns) & (ask == (side == BUY))
    action = tape.code & ACTION
    code = np.where(inside & (action == FILL), (tape.code & ~np.uint8(ACTION)) | REDUCE, tape.code).astype(
        np.uint8
    )
    keep = ~(inside & (action == TRADE))
    columns = {name: getattr(tape, name)[keep] for name in ("exch_ns", "local_ns", "price", "qty")}
    order = tape.order[keep] if len(tape.order) else tape.order
    note = f"takers hit side {int(side)} only, {start_ns} to {stop_ns}"
    return _noted(
        tape, note, **columns, code=code[keep], order=order, local_order=receipt_order(columns["local_ns"])
    )


def slow_venue(venue: Venue, start_ns: int, stop_ns: int, extra_ns: int) -> Venue:
    """Requests and responses sent in the span take ``extra_ns`` longer each way."""
    _span(start_ns, stop_ns)
    return replace(venue, incidents=(*venue.incidents, (start_ns, stop_ns, int(SLOWER), extra_ns)))


def reject_storm(venue: Venue, start_ns: int, stop_ns: int, share: float = 1.0) -> Venue:
    """The venue rejects a share of the new orders that reach it in the span; cancels still pass."""
    _span(start_ns, stop_ns)
    if not 0 < share <= 1:
        raise InputError("share", share, "in (0, 1]")
    return replace(
        venue, incidents=(*venue.incidents, (start_ns, stop_ns, int(REJECTING), round(share * 1e6)))
    )


def _received(tape: Tape, local_ns: npt.NDArray[np.int64], note: str) -> Tape:
    return _noted(tape, note, local_ns=local_ns, local_order=receipt_order(local_ns))


def _need_levels(tape: Tape, name: str) -> None:
    if tape.facts.level != 2:
        raise InputError(f"{name}: tape level", tape.facts.level, "2", "see quoting_policy.data.aggregate")
