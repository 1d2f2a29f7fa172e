"""What is traded: tick, lot and fees."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from quoting_policy.errors import InputError

_SNAP = 1e-6
"""A price this close to a tick, in ticks, is that tick: float division leaves such residues."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable instrument. Prices are counted in integer ticks, quantities in integer lots.

    symbol: the venue's name. tick_size: price of one tick, > 0. lot_size: quantity of one lot, > 0.
    min_qty_lots: smallest order the venue takes, lots, >= 1. maker_fee, taker_fee: fraction of notional;
    > 0 is a cost, < 0 a rebate.
    """

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_qty_lots: int = 1
    maker_fee: float = 0.0
    taker_fee: float = 0.0

    def __post_init__(self) -> None:
        for field, value in (("tickSize", self.tick_size), ("lotSize", self.lot_size)):
            if not (value.is_finite() and value > 0):
                raise InputError(f"instrument.{field}", str(value), "a finite number > 0")
        if self.min_qty_lots < 1:
            raise InputError("instrument.minQty", self.min_qty_lots, ">= 1 lot")
        for field, fee in (("makerFee", self.maker_fee), ("takerFee", self.taker_fee)):
            if not (math.isfinite(fee) and abs(fee) < 1):
                raise InputError(f"instrument.{field}", fee, "a fraction of notional in (-1, 1)")

    @property
    def tick(self) -> float:
        """Price of one tick as a float."""
        return float(self.tick_size)

    @property
    def lot(self) -> float:
        """Quantity of one lot as a float."""
        return float(self.lot_size)


def ticks_down(price: float, tick: float) -> int:
    """The highest tick at or below ``price``: how a bid is rounded. Raises on non-finite prices."""
    return math.floor(price / tick + _SNAP)


def ticks_up(price: float, tick: float) -> int:
    """The lowest tick at or above ``price``: how an ask is rounded. Raises on non-finite prices."""
    return math.ceil(price / tick - _SNAP)


def lots_down(qty: float, lot: float) -> int:
    """Whole lots in ``qty``, never more than asked for. Raises on non-finite quantities."""
    return math.floor(qty / lot + _SNAP)
