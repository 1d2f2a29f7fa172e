"""The records of a replay: what their fields mean, and the numbers that stand for closed sets."""

from __future__ import annotations

import numpy as np


def _numbers(count: int) -> list[np.int64]:
    """0, 1, ... as numpy numbers: numba compiles a function anew for each plain int it is called with."""
    return [np.int64(k) for k in range(count)]


BUY, SELL = _numbers(2)
"""Sides; also the side of the book that an own order rests on (bid, ask)."""

NO_BID = np.int64(-1)
"""Best bid of an empty bid side, as a place on the grid."""

NEW, CANCEL, AMEND = _numbers(3)
"""What an own request asks for."""

ACCEPTED, REJECTED, CANCELLED, AMENDED, FILLED, REFUSED = _numbers(6)
"""What a response says. REJECTED: a new order that never rested; REFUSED: a cancel or amend that came too
late, for an order that was already done."""

IN_FLIGHT, LIVE, DONE = _numbers(3)
"""How far an order is."""

OUTCOMES = ("", "filled", "cancelled", "post-only would take", "market closed", "venue rejects",
"session over",
            "off the grid", "replaced with nothing left")  # fmt: skip
(NO_OUTCOME, BY_FILL, BY_CANCEL, BY_POST_ONLY, BY_CLOSE, BY_VENUE, BY_SESSION_END, BY_GRID,
 BY_AMEND) = _numbers(len(OUTCOMES))  # fmt: skip
"""Why an order is done, as numbers and in words."""

MAKER, TAKER = _numbers(2)
"""Whether an own order rested or took when it was filled."""

SLOWER, REJECTING = _numbers(2)
"""Kinds of incident: messages take ``amount`` ns longer; new orders are rejected, ``amount`` in a million."""

ENTRY, RESPONSE_WAY, REJECTION = _numbers(3)
"""Streams of random numbers: the way to the venue, the way back, the venue's whims."""

NOTHING, NOBODY = np.int64(0), np.int64(-1)

FAR = np.int64(np.iinfo(np.int64).max // 2)
"""Beyond every place on a grid and every time."""

STATE = np.dtype([
    ("now", "i8"), ("end", "i8"),
    ("exch_row", "i8"), ("local_row", "i8"),
    ("exch_bid", "i8"), ("exch_ask", "i8"), ("local_bid", "i8"), ("local_ask", "i8"),
    ("session", "i8"),
    ("live", "i8"), ("low_own_bid", "i8"), ("high_own_bid", "i8"), ("low_own_ask", "i8"), ("high_own_ask",
    "i8"),
    ("next_id", "i8"), ("free", "i8"),
    ("request_head", "i8"), ("request_tail", "i8"), ("response_head", "i8"), ("response_tail", "i8"),
    ("last_arrival", "i8"), ("last_response", "i8"),
    ("fills", "i8"), ("fills_seen", "i8"), ("overflow", "i8"),
    ("exch_position", "i8"), ("position", "i8"), ("exch_cash", "i8"), ("cash", "i8"),
    ("exch_fees", "f8"), ("fees", "f8"),
    ("submitted", "i8"), ("rejected", "i8"), ("cancelled", "i8"), ("refused", "i8"),
    ("bought_by_takers", "i8"), ("sold_by_takers", "i8"), ("high_trade", "i8"), ("low_trade", "i8"),
    ("trades", "i8"), ("wake", "i8"),
])  # fmt: skip
"""One record. now: local clock, ns; end: last row's time. exch_*: as the venue knows it; the same name
without prefix, or local_*: as the trader knows it. *_row: rows played. Best prices, own price bounds: places
on the grid. cash: ticks × units, exact; fees: ticks × units.
bought_by_takers ... trades: prints seen since the trader last looked."""

ORDER = np.dtype([
    ("id", "i8"), ("side", "i8"), ("place", "i8"), ("qty", "i8"), ("left", "i8"),
    ("front", "f8"), ("traded", "f8"), ("entry", "i8"),
    ("status", "i8"), ("outcome", "i8"), ("post_only", "i8"),
    ("local_status", "i8"), ("local_left", "i8"), ("local_place", "i8"), ("pending", "i8"),
])  # fmt: skip
"""One slot an own order. place: price on the grid; left: units that rest; front: units ahead in the queue;
traded: units traded at the level since its last size (L2); entry: orders that had arrived before (L3);
pending: requests in flight."""

REQUEST = np.dtype(
    [("time", "i8"), ("kind", "i8"), ("slot", "i8"), ("id", "i8"), ("place", "i8"), ("qty", "i8")]
)
RESPONSE = np.dtype([
    ("time", "i8"), ("kind", "i8"), ("slot", "i8"), ("id", "i8"), ("place", "i8"), ("qty", "i8"),
    ("fee", "f8"), ("outcome", "i8"),
])  # fmt: skip

FILL_RECORD = np.dtype([
    ("order_id", "i8"), ("side", "i8"), ("price", "i8"), ("qty", "i8"), ("exch_ns", "i8"), ("local_ns", "i8"),
    ("maker", "i8"), ("fee", "f8"), ("bid", "i8"), ("ask", "i8"), ("row", "i8"),
])  # fmt: skip
"""One fill. price, bid, ask: ticks (best prices just before the fill at the venue, -1: none); row: the tape
row that caused it; fee: ticks × units."""

RULES = np.dtype([
    ("level", "i8"), ("base", "i8"), ("width", "i8"), ("lot", "i8"), ("partial_fills", "i8"),
    ("permuted", "i8"), ("one_clock", "i8"),
    ("queue_model", "i8"), ("queue_power", "f8"), ("queue_scale", "f8"),
    ("maker_rate", "f8"), ("taker_rate", "f8"), ("maker_per_unit", "f8"), ("taker_per_unit", "f8"),
    ("latency_model", "i8"), ("entry_a", "f8"), ("entry_b", "f8"), ("response_a", "f8"), ("response_b", "f8"),
    ("seed", "u8"),
])  # fmt: skip
"""One record of what does not change: grid (base: tick of place 0), matching, fees, latency. permuted: rows
arrive in another order than they were produced in; one_clock: each arrives as it is produced, so the venue's
book is the trader's as well."""
