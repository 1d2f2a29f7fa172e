"""Markouts: what a fill was worth some time later, credited to the arm that made it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from quoting_policy.accounting.counters import Counter, Counts, add_signed, markout_gain
from quoting_policy.domain.clock import NEVER_NS
from quoting_policy.domain.measures import HORIZONS_S

STALE_NS = 5_000_000_000
"""A mid that was last confirmed longer ago is not the mid in force any more."""


class _Pending(NamedTuple):
    due_ns: int
    sign: int
    price: float
    mid: float
    money_per_price: float
    fee: float
    counts: Counts
    sums: SpreadSums


class SpreadSums:
    """Sums over fills, money: the decomposition of the spread (reference: Huang & Stoll 1996).

    For each horizon: edge = markout + adverse over the same fills, effective = realised + impact (twice it).
    """

    __slots__ = ("adverse", "edge", "fills", "markout")

    def __init__(self) -> None:
        self.edge = [0.0] * len(HORIZONS_S)
        self.markout = [0.0] * len(HORIZONS_S)
        self.adverse = [0.0] * len(HORIZONS_S)
        self.fills = [0] * len(HORIZONS_S)


class Markouts:
    """Fills that wait for their horizons. Bounded: a horizon holds at most ``capacity`` fills.

    markout_h = d (m_{t+h} - p) x quantity - fee with d = +1 for a buy, m the mid in force at that time. A
    fill whose horizon passes the close, a stale feed or the capacity is dropped and counted.
    """

    __slots__ = ("_pending", "capacity", "next_due_ns")

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self._pending: tuple[deque[_Pending], ...] = tuple(deque() for _ in HORIZONS_S)
        self.next_due_ns = NEVER_NS

    def add(
        self,
        *,
        ts_ns: int,
        sign: int,
        price: float,
        mid: float,
        quantity: float,
        fee: float,
        counts: Counts,
        sums: SpreadSums,
    ) -> None:
        """Book the edge of a fill now and its markouts when they are due. mid: just before the fill."""
        add_signed(counts, Counter.EDGE_GAIN, sign * (mid - price) * quantity - fee)
        for pending, horizon in zip(self._pending, HORIZONS_S, strict=True):
            due = ts_ns + round(horizon * 1e9)
            if len(pending) >= self.capacity:
                counts[Counter.DROPPED_MARKOUTS] += 1
                continue
            pending.append(_Pending(due, sign, price, mid, quantity, fee, counts, sums))
            self.next_due_ns = min(self.next_due_ns, due)

    def settle(self, now_ns: int, mid: float, mid_ns: int) -> None:
        """Credit every markout due before ``now_ns`` with the mid in force, last confirmed at ``mid_ns``."""
        for index, pending in enumerate(self._pending):
            while pending and pending[0].due_ns < now_ns:
                fill = pending.popleft()
                if fill.due_ns - mid_ns > STALE_NS:
                    fill.counts[Counter.DROPPED_MARKOUTS] += 1
                    continue
                self._credit(index, fill, mid)
        self.next_due_ns = min((fills[0].due_ns for fills in self._pending if fills), default=NEVER_NS)

    def close(self) -> int:
        """The session is over: drop what is still pending, and say how much."""
        dropped = 0
        for pending in self._pending:
            for fill in pending:
                fill.counts[Counter.DROPPED_MARKOUTS] += 1
            dropped += len(pending)
            pending.clear()
        self.next_due_ns = NEVER_NS
        return dropped

    @staticmethod
    def _credit(index: int, fill: _Pending, mid: float) -> None:
        markout = fill.sign * (mid - fill.price) * fill.money_per_price
        add_signed(fill.counts, markout_gain(index), markout - fill.fee)
        sums = fill.sums
        sums.fills[index] += 1
        sums.edge[index] += fill.sign * (fill.mid - fill.price) * fill.money_per_price
        sums.markout[index] += markout
        sums.adverse[index] -= fill.sign * (mid - fill.mid) * fill.money_per_price
