"""Monotone counters of an arm: what gates are fed with.

P&L is signed, yet a fall in a counter reads as a restart, so every signed quantity is a pair: gains, losses.
"""

from __future__ import annotations

from enum import IntEnum

from quoting_policy.domain.measures import HORIZONS_S


class Counter(IntEnum):
    """Positions in an arm's list of counters. Money is net of fees; time is that of the arm's slots."""

    EXPOSURE_S = 0
    EXCURSION_S = 1
    INVENTORY_LOT_S = 2
    QUOTES = 3
    ORDERS = 4
    FILLS = 5
    FILLED_LOTS = 6
    TURNOVER = 7
    PNL_GAIN = 8
    PNL_LOSS = 9
    EDGE_GAIN = 10
    EDGE_LOSS = 11
    DROPPED_MARKOUTS = 12
    DECISIONS = 13
    SLOW_DECISIONS = 14
    MARKOUT_GAIN = 15
    """First of len(HORIZONS_S) pairs (gain, loss)."""


COUNTERS = Counter.MARKOUT_GAIN + 2 * len(HORIZONS_S)
"""Length of the list."""

Counts = list[float]


def new_counts() -> Counts:
    """All counters at zero."""
    return [0.0] * COUNTERS


def add_signed(counts: Counts, gain: int, amount: float) -> None:
    """Add to the gain at position ``gain`` or to the loss beside it."""
    if amount >= 0:
        counts[gain] += amount
    else:
        counts[gain + 1] -= amount


def markout_gain(horizon: int) -> int:
    """Position of the gain of the markout at HORIZONS_S[horizon]; its loss follows."""
    return Counter.MARKOUT_GAIN + 2 * horizon
