"""A book side as an array of prices: place on the tick grid -> units that rest there.

``book[place]`` are bids, ``book[width + place]`` asks. An empty bid side has best bid -1, an empty ask side
best ask ``width``, so comparisons need no special case.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import flat, kernel
from quoting_policy.data.rows import ACTION, ADD, CLEAR, DEPTH, SIDE_SHIFT, TRADE
from quoting_policy.sim.layout import BUY

Book = npt.NDArray[np.int64]


@flat
def bid_at_or_below(book: Book, place: int) -> int:
    """The highest bid at or below ``place``, -1 if there is none."""
    while place >= 0 and book[np.uint64(place)] == 0:
        place -= 1
    return place


@flat
def ask_at_or_above(book: Book, width: int, place: int) -> int:
    """The lowest ask at or above ``place``, ``width`` if there is none."""
    while place < width and book[np.uint64(width + place)] == 0:
        place += 1
    return place


@flat
def clear_side(book: Book, width: int, side: int, bid: int, ask: int) -> tuple[int, int]:
    """Empty one side; returns the best bid and ask."""
    if side == BUY:
        book[:width] = 0
        return -1, ask
    book[width:] = 0
    return bid, width


@flat
def _new_best(
    book: Book, width: int, action: int, side: int, place: int, bid: int, ask: int
) -> tuple[int, int]:
    """The best prices once a level at a side's best price has run dry, or one beyond it has filled.

    Where a new L2 level reaches the other side, the older quote must be stale: the other best steps back. L3
    sides may cross, as in an auction.
    """
    if side == BUY:
        bid = bid_at_or_below(book, place)
        if action == DEPTH and bid >= ask:
            ask = ask_at_or_above(book, width, bid + 1)
    else:
        ask = ask_at_or_above(book, width, place)
        if action == DEPTH and ask <= bid:
            bid = bid_at_or_below(book, ask - 1)
    return bid, ask


@flat
def apply_row(book: Book, width: int, code: int, place: int, qty: int, bid: int, ask: int) -> tuple[int, int]:
    """Apply one tape row; returns the best bid and ask. Rows off the grid and prints change nothing.

    Most rows leave the best prices alone, and which side they are on is a coin's throw: one branch that is
    rarely taken instead of several that can't be predicted.
    """
    action, side = np.int64(code) & ACTION, np.int64(code) >> SIDE_SHIFT
    if np.uint64(place) >= np.uint64(width) or action in (TRADE, CLEAR):
        return clear_side(book, width, side, bid, ask) if action == CLEAR else (bid, ask)
    level = np.uint64(place + side * width)
    before = book[level]
    now = qty if action == DEPTH else before + (qty if action == ADD else -qty)
    book[level] = now
    ahead = place - bid if side == BUY else ask - place  # ticks beyond its side's best price
    if (ahead > 0 and now > 0) or (ahead == 0 and now <= 0):
        return _new_best(book, width, action, side, place, bid, ask)
    return bid, ask


@kernel
def apply_rows(
    book: Book, base: int, code: npt.NDArray[np.uint8], price: npt.NDArray[np.int32],
    qty: npt.NDArray[np.int64],
    best: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Apply rows to a book. best: best bid and ask, in and out."""
    width = len(book) // 2
    bid, ask = best[0], best[1]
    for i in range(len(code)):
        bid, ask = apply_row(book, width, code[i], price[i] - base, qty[i], bid, ask)
    best[0], best[1] = bid, ask
