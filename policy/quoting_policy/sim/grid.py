"""A book side as an array of prices: place on the tick grid -> units that rest there.

``book[place]`` are bids, ``book[width + place]`` asks. An empty bid side has best bid -1, an empty ask side
best ask ``width``, so comparisons need no special case.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, CLEAR, DEPTH, TRADE
from quoting_policy.sim.layout import BUY

Book = npt.NDArray[np.int64]


@inner
def bid_at_or_below(book: Book, place: int) -> int:
    """The highest bid at or below ``place``, -1 if there is none."""
    while place >= 0 and book[place] == 0:
        place -= 1
    return place


@inner
def ask_at_or_above(book: Book, width: int, place: int) -> int:
    """The lowest ask at or above ``place``, ``width`` if there is none."""
    while place < width and book[width + place] == 0:
        place += 1
    return place


@inner
def set_level(book: Book, width: int, side: int, place: int, qty: int, bid: int, ask: int) -> tuple[int, int]:
    """Give a level its new quantity (L2); returns the best bid and ask.

    Where the new level reaches the other side, the older quote must be stale: the other best steps back.
    """
    if side == BUY:
        book[place] = qty
        if qty > 0:
            if place > bid:
                bid = place
                if bid >= ask:
                    ask = ask_at_or_above(book, width, bid + 1)
        elif place == bid:
            bid = bid_at_or_below(book, place - 1)
    else:
        book[width + place] = qty
        if qty > 0:
            if place < ask:
                ask = place
                if ask <= bid:
                    bid = bid_at_or_below(book, ask - 1)
        elif place == ask:
            ask = ask_at_or_above(book, width, place + 1)
    return bid, ask


@inner
def change_level(
    book: Book, width: int, side: int, place: int, change: int, bid: int, ask: int
) -> tuple[int, int]:
    """Add to or take from a level (L3); returns the best bid and ask. Sides may cross, as in an auction."""
    if side == BUY:
        book[place] += change
        if book[place] > 0:
            bid = max(bid, place)
        elif place == bid:
            bid = bid_at_or_below(book, place - 1)
    else:
        book[width + place] += change
        if book[width + place] > 0:
            ask = min(ask, place)
        elif place == ask:
            ask = ask_at_or_above(book, width, place + 1)
    return bid, ask


@inner
def clear_side(book: Book, width: int, side: int, bid: int, ask: int) -> tuple[int, int]:
    """Empty one side; returns the best bid and ask."""
    if side == BUY:
        book[:width] = 0
        return -1, ask
    book[width:] = 0
    return bid, width


@inner
def apply_row(book: Book, width: int, code: int, place: int, qty: int, bid: int, ask: int) -> tuple[int, int]:
    """Apply one tape row; returns the best bid and ask. Rows off the grid and prints change nothing."""
    action, side = code & ACTION, 1 if code & ASK_SIDE else 0
    if action == CLEAR:
        return clear_side(book, width, side, bid, ask)
    if action == TRADE or np.uint64(place) >= np.uint64(width):
        return bid, ask
    if action == DEPTH:
        return set_level(book, width, side, place, qty, bid, ask)
    return change_level(book, width, side, place, qty if action == ADD else -qty, bid, ask)


@compiled
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
