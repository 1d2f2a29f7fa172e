"""One line of accounts: an arm, real or shadow, in one instrument."""

from __future__ import annotations

from collections import deque

from quoting_policy.accounting.account import Account
from quoting_policy.accounting.counters import Counter, Counts, add_signed, new_counts
from quoting_policy.accounting.latency import LATENCY_BUDGET_NS, Histogram
from quoting_policy.accounting.markouts import SpreadSums
from quoting_policy.domain import Arm

BLOCKS_KEPT = 512
"""Blocks whose P&L is kept for VaR, CVaR and profit factor."""


def shadow_of(arm: Arm) -> str:
    """Name of the track that follows what an arm would have got."""
    return f"shadow_{arm.value}"


TRACKS = (*(arm.value for arm in Arm), *(shadow_of(arm) for arm in Arm))
"""Names of all tracks of an instrument."""


DECISIONS, SLOW_DECISIONS = int(Counter.DECISIONS), int(Counter.SLOW_DECISIONS)
"""Counted in every decision: a plain number finds its place in half the time."""


class Track:
    """Account, counters and block P&L of one arm. latency: of its decisions; books may share one."""

    __slots__ = ("account", "block_pnl", "counts", "latency", "name", "settled_equity", "sums")

    def __init__(self, name: str, lot: float) -> None:
        self.name = name
        self.account = Account(lot)
        self.counts: Counts = new_counts()
        self.sums = SpreadSums()
        self.latency = Histogram()
        self.settled_equity = 0.0
        self.block_pnl: deque[float] = deque(maxlen=BLOCKS_KEPT)

    def credit(self, seconds: float, held: float, excursion_at: float) -> None:
        """The arm was in charge for so long, with ``held`` = |inventory| lots in the book."""
        counts = self.counts
        counts[Counter.EXPOSURE_S] += seconds
        counts[Counter.INVENTORY_LOT_S] += held * seconds
        if held >= excursion_at:
            counts[Counter.EXCURSION_S] += seconds

    def decided(self, elapsed_ns: int) -> None:
        """The arm was asked for a quote, and the answer took so long."""
        counts = self.counts
        counts[DECISIONS] += 1.0
        if elapsed_ns > LATENCY_BUDGET_NS:
            counts[SLOW_DECISIONS] += 1.0
        self.latency.observe(elapsed_ns)

    def settle(self, mid: float) -> None:
        """Credit the P&L since the last call, at this mid, to the counters: once a block, at its edge."""
        equity = self.account.equity(mid)
        change = equity - self.settled_equity
        self.settled_equity = equity
        add_signed(self.counts, Counter.PNL_GAIN, change)
        self.block_pnl.append(change)

    def forget(self, mid: float | None) -> None:
        """Start evidence afresh; the position stays."""
        self.counts = new_counts()
        self.sums = SpreadSums()
        self.block_pnl.clear()
        self.settled_equity = self.account.equity(mid) if mid is not None else 0.0
