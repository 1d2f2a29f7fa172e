"""How long decisions take: a histogram with the budget on an edge."""

from __future__ import annotations

from bisect import bisect_left

from quoting_policy.domain.clock import NEVER_NS

LATENCY_BUDGET_NS = 300_000
"""A decision that took longer is a slow one."""

LATENCY_EDGES_NS = (
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    LATENCY_BUDGET_NS,
    1_000_000,
    3_000_000,
    10_000_000,
)
"""Upper edges of the histogram, ns."""


class Histogram:
    """Counts by upper edge, in ns, and their sum. An observation on an edge counts below it."""

    __slots__ = ("_above", "_place", "_upto", "counts", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_EDGES_NS) + 1)
        self.sum_ns = 0
        self._seek(0)

    def observe(self, elapsed_ns: int) -> None:
        """Count one decision."""
        if not self._above < elapsed_ns <= self._upto:
            self._seek(elapsed_ns)
        self.counts[self._place] += 1
        self.sum_ns += elapsed_ns

    def _seek(self, elapsed_ns: int) -> None:
        """Find the bucket; the next observation is likely to fall into it too."""
        self._place = place = bisect_left(LATENCY_EDGES_NS, elapsed_ns)
        self._above = LATENCY_EDGES_NS[place - 1] if place else -1
        self._upto = LATENCY_EDGES_NS[place] if place < len(LATENCY_EDGES_NS) else NEVER_NS
