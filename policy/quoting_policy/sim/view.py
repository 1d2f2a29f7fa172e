"""What the trader knows: the best prices as received, own orders as the venue's answers left them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import msgspec
import numpy as np

from quoting_policy.sim.layout import ORDER, STATE


def _picker(dtype: np.dtype[Any], *names: str) -> itemgetter[Any]:
    """Takes some whole-number fields from a record's words of eight bytes each."""
    return itemgetter(*((dtype.names or ()).index(name) for name in names))


SEEN = _picker(
    STATE, "now", "local_bid", "local_ask", "position", "cash", "trades", "bought_by_takers",
    "sold_by_takers", "high_trade", "low_trade",
)  # fmt: skip
KNOWN = _picker(ORDER, "id", "side", "local_place", "qty", "local_left", "local_status", "pending", "outcome")
PROGRESS = _picker(ORDER, "id", "local_status")
STATUS = ("in flight", "live", "done")


class OwnOrder(msgspec.Struct, frozen=True, gc=False):
    """An own order as the trader knows it.

    price: ticks; left: units that still rest; status: ``in flight``, ``live`` or ``done``; pending: requests
    without answer; outcome: why it is done, as the venue told.
    """

    id: int
    side: int
    price: int
    qty: int
    left: int
    status: str
    pending: int
    outcome: str


class View(msgspec.Struct, frozen=True):
    """What the trader knows at ``now``.

    Prices in ticks, None where a side is empty; quantities and position in units; cash in ticks × units,
    before fees; fees in ticks × units. bought_by_takers ... trades: prints received since the last view.
    """

    now: int
    bid: int | None
    ask: int | None
    bid_qty: int
    ask_qty: int
    position: int
    cash: int
    fees: float
    orders: tuple[OwnOrder, ...]
    trades: int
    bought_by_takers: int
    sold_by_takers: int
    high_trade: int | None
    low_trade: int | None
