"""What comes out of the engine."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from quoting_policy.domain import Arm, Mode, OrderAction, QuoteLevel


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to one request for a quote.

    bids, asks: orders to have, best first; empty means none on that side. arm: whose quote it is, None where
    nobody may quote. orders: what to do with each live order, where the app reports them. clamps_bound:
    limits that took something away. breaches: why the candidate was shut out, in this very request.
    reasons: why this arm, and why there is less than wished. elapsed_ns: time this decision took.
    """

    bids: tuple[QuoteLevel, ...] = ()
    asks: tuple[QuoteLevel, ...] = ()
    arm: Arm | None = None
    mode: Mode = Mode.ACTIVE
    orders: tuple[OrderAction, ...] = ()
    clamps_bound: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    elapsed_ns: int = 0


LATENCY_EDGES_NS = (
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
)
"""Upper edges of the decision latency histogram, ns; 300 us is the budget, so it is an edge."""


class Histogram:
    """Counts by upper edge, in ns, and their sum. An observation on an edge counts below it."""

    __slots__ = ("counts", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_EDGES_NS) + 1)
        self.sum_ns = 0

    def observe(self, elapsed_ns: int) -> None:
        """Count one decision."""
        self.counts[bisect_left(LATENCY_EDGES_NS, elapsed_ns)] += 1
        self.sum_ns += elapsed_ns
