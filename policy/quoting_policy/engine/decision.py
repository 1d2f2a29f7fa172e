"""What comes out of the engine."""

from __future__ import annotations

import msgspec

from quoting_policy.domain import Arm, Mode, OrderAction, QuoteLevel


class Decision(msgspec.Struct, frozen=True, gc=False):
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
