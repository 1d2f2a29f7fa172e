"""What the best prices and their sizes say."""

from __future__ import annotations

import math
from typing import NamedTuple


class Book(NamedTuple):
    """Best prices and sizes."""

    bid: float
    ask: float
    bid_qty: float
    ask_qty: float


def imbalance(bid_qty: float, ask_qty: float) -> float | None:
    """Share of the bid in the sizes at the best prices, Q_b/(Q_b + Q_a), in [0, 1]; None without sizes."""
    total = bid_qty + ask_qty
    if not (bid_qty >= 0.0 and ask_qty >= 0.0 and 0.0 < total < math.inf):
        return None
    return bid_qty / total


def order_book_imbalance(bid_qty: float, ask_qty: float) -> float | None:
    """(Q_b - Q_a)/(Q_b + Q_a), in [-1, 1], > 0 where the bid is heavier; None without sizes."""
    share = imbalance(bid_qty, ask_qty)
    return None if share is None else 2.0 * share - 1.0


def weighted_mid(bid: float, ask: float, bid_qty: float, ask_qty: float) -> float | None:
    """I·ask + (1 - I)·bid with the imbalance I: a heavy bid pushes towards the ask; price.

    None where the sizes give no imbalance, a price is not finite, or the book is crossed.
    """
    share = imbalance(bid_qty, ask_qty)
    if share is None or not (math.isfinite(bid) and math.isfinite(ask) and bid <= ask):
        return None
    return min(ask, max(bid, share * ask + (1.0 - share) * bid))
