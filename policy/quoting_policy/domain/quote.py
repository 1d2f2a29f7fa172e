"""What a model proposes, and what may go to the venue."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Side of an order: BID buys, ASK sells."""

    BID = "bid"
    ASK = "ask"

    @property
    def sign(self) -> int:
        """Change of inventory by a fill of one lot: +1 for a bid, -1 for an ask."""
        return 1 if self is Side.BID else -1


class Arm(StrEnum):
    """Which policy a quote came from."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"

    @property
    def other(self) -> Arm:
        """The arm that this one is compared with."""
        return Arm.CANDIDATE if self is Arm.BASELINE else Arm.BASELINE


class Level(msgspec.Struct, frozen=True, gc=False):
    """One raw price level of a model: price in price units, qty in lots; neither rounded nor clamped."""

    price: float
    qty: float


class RawQuote(msgspec.Struct, frozen=True, gc=False):
    """A model's answer before any clamp, best level first. An empty side means *no quote on that side*.

    reservation: price at which the model is indifferent to a unit more or less.
    """

    reservation: float
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    @property
    def half_spread(self) -> float | None:
        """Half of the distance between best ask and best bid, price units; None where a side is empty."""
        if not (self.bids and self.asks):
            return None
        return 0.5 * (self.asks[0].price - self.bids[0].price)


class QuoteLevel(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order to have at the venue: integer ticks and integer lots, > 0 lots."""

    price_ticks: int
    qty_lots: int


class LiveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An own order as last known: resting at the venue, or sent and not yet acknowledged (in flight).

    arm: the policy whose quote it carries out, as the reply to the quote request said.
    """

    order_id: str
    side: Side
    price_ticks: int
    qty_lots: int
    placed_ns: int
    in_flight: bool = False
    arm: Arm = Arm.BASELINE


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an own order.

    ts_ns: venue time, ns. side: ours. mid_before: the mid **just before** the fill, price.
    fee: money, > 0 is a cost. maker: False when we took.
    """

    order_id: str
    ts_ns: int
    side: Side
    price_ticks: int
    qty_lots: int
    mid_before: float
    fee: float = 0.0
    maker: bool = True
