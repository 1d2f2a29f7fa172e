"""What arms are compared by: which way is better, and in which unit. The same in paper and in pods."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

HORIZONS_S = (0.1, 1.0, 10.0, 60.0)
"""Markout horizons, s."""

LEAST_OWN_SHARE = 0.9
"""An arm that answered less than this of what it was asked in a block was missing from it."""


class Orientation(IntEnum):
    """Sign that makes a positive difference good."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1


class Measure(NamedTuple):
    """Which way is better, and the unit of one arm's value in a block."""

    better: Orientation
    unit: str


_HIGHER, _LOWER = Orientation

MEASURES = {
    "pnl": Measure(_HIGHER, "money/s"),
    "edge": Measure(_HIGHER, "money/s"),
    **{f"markout_{horizon:g}s": Measure(_HIGHER, "money/s") for horizon in HORIZONS_S},
    **{f"realisedSpread_{horizon:g}s": Measure(_HIGHER, "money/lot") for horizon in HORIZONS_S},
    "fillRatio": Measure(_HIGHER, "lots/lot"),
    "inventoryExcursion": Measure(_LOWER, "s/s"),
    "meanInventory": Measure(_LOWER, "lots"),
    "clampsBound": Measure(_LOWER, "1/s"),
    "decisionLatency": Measure(_LOWER, "share of decisions beyond the budget"),
}
"""By the name that gates give them, with the horizon where there is one."""

IN_PAPER = tuple(name for name in MEASURES if name != "decisionLatency")
"""What replay measures: the clock of a machine that replays says nothing of one that trades."""
