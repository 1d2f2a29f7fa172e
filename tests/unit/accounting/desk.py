"""A ledger under a clock in the hand."""

from __future__ import annotations

from decimal import Decimal

from quoting_policy.accounting import Ledger
from quoting_policy.domain import Arm, Fill, Instrument, Schedule, Side

SECOND = 10**9
BLOCK_S = 60
START = 28_333_333 * BLOCK_S * SECOND
"""The first moment of a block."""


class Books:
    """Block of 60 s; slots and washout as told. Monotonic and wall clock advance together."""

    def __init__(self, exposure: float = 0.0, washout_s: float = 0.0, digest: str = "d") -> None:
        self.now_ns = 0
        self.wall_ns = START
        self.schedule = Schedule(
            block_ns=BLOCK_S * SECOND,
            washout_ns=round(washout_s * SECOND),
            exposure_percent=exposure,
        )
        self.ledger = Ledger(
            instrument=Instrument(symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal(1)),
            digest=digest,
            schedule=self.schedule,
            wall_ns=START,
        )
        self.mid(100.0)

    def mid(self, mid: float) -> None:
        self.ledger.on_time(self.wall_ns)
        self.ledger.on_mid(mid, self.now_ns)

    def wait(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass in steps, with the arm of each slot in charge."""
        end = self.wall_ns + round(seconds * SECOND)
        while self.wall_ns < end:
            step = min(round(step_s * SECOND), end - self.wall_ns)
            self.ledger.timeline.charge(self.ledger.timeline.slot.arm)
            self.wall_ns += step
            self.now_ns += step
            self.ledger.on_time(self.wall_ns)
            self.ledger.on_mid(self.ledger.mid, self.now_ns)

    def fill(self, arm: Arm, side: Side, price: float, lots: int = 1, fee: float = 0.0) -> None:
        fill = Fill(
            order_id="o",
            ts_ns=self.now_ns,
            side=side,
            price_ticks=round(price / 0.5),
            qty_lots=lots,
            mid_before=self.ledger.mid,
            fee=fee,
        )
        self.ledger.on_time(self.wall_ns)
        self.ledger.on_fill(fill, arm, self.now_ns)

    def until(self, arm: Arm) -> None:
        """Wait for a slot of this arm, past its washout."""
        while self.ledger.timeline.slot.arm is not arm or self.ledger.timeline.in_washout:
            self.wait(0.5)
