"""What one row of a tape says: its action, the side of the book it touches, why a row was left out."""

from __future__ import annotations

from enum import IntEnum

DEPTH = 1
"""A level's quantity is now ``qty`` (0: the level is gone). L2 only."""
CLEAR = 2
"""Every level of the side is gone; a snapshot follows. L2 only."""
TRADE = 3
"""``qty`` traded at ``price`` against resting orders of the side (ask side: a buyer was the aggressor)."""
ADD = 4
"""A resting order of ``qty`` joined the back of the queue at ``price``. L3 only."""
REDUCE = 5
"""A resting order lost ``qty`` by a cancel or an amend. L3 only."""
FILL = 6
"""A resting order lost ``qty`` to an aggressor. L3 only."""

ACTION = 7
"""Mask of the action in ``code``."""
ASK_SIDE = 8
"""Bit of ``code``: the row touches the ask side of the book; unset: the bid side."""
SIDE_SHIFT = 3
"""``code`` shifted right by this is the side: 0 bids, 1 asks."""

ACTIONS = {DEPTH: "depth", CLEAR: "clear", TRADE: "trade", ADD: "add", REDUCE: "reduce", FILL: "fill"}
"""Action -> the name shown to people."""


class Fault(IntEnum):
    """Why a row of raw text can't be used. A row with a fault is counted, and refused or dropped."""

    MISSING_FIELD = 1
    SURPLUS_FIELD = 2
    NOT_A_NUMBER = 3
    TOO_PRECISE = 4
    UNKNOWN_WORD = 5
    OFF_TICK = 6
    OFF_LOT = 7
    NOT_POSITIVE = 8
    UNKNOWN_ORDER = 9
    DUPLICATE_ORDER = 10
    EXCESS_QUANTITY = 11
    TIME_BACKWARD = 12
    SEQUENCE_GAP = 13
    DUPLICATE_TRADE = 14
    NOT_JSON = 15
    BEFORE_SNAPSHOT = 16

    @property
    def label(self) -> str:
        """The fault as people read it, for example ``unknown order``."""
        return self.name.lower().replace("_", " ")
