"""What to do with an own order: the instruction that an app carries out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from quoting_policy.domain.quote import Side


class Action(StrEnum):
    """What to do with an order."""

    KEEP = "keep"
    REPLACE = "replace"
    CANCEL = "cancel"
    PLACE = "place"


class OrderAction(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One instruction. order_id is empty for a new order; price and quantity are those to have afterwards.

    reason: why, one word of :data:`REASONS`.
    """

    action: Action
    order_id: str = ""
    side: Side
    price_ticks: int
    qty_lots: int
    reason: str


REASONS = ("unwanted", "wanted", "aged", "moved", "resized", "tolerated", "held", "after_fill", "rate", "new")
