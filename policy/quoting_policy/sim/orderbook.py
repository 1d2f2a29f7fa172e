"""A matching order book on a tick grid: price-time priority, exact queue positions.

Orders are rows of one table, linked to their neighbours in the queue, so a cancel purges its order at once
and depth never counts what is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
from quoting_policy.data.rows import ADD, ASK_SIDE, FILL, REDUCE
from quoting_policy.errors import InputError
from quoting_policy.sim.layout import BUY, SELL

PLACE, SIDE, LEFT, NEXT, PREVIOUS = range(5)
"""Columns of the table of orders."""
QTY, HEAD, TAIL = range(3)
"""Columns of the table of levels; bids first, then asks."""
BID, ASK, COUNT, ROWS = range(4)
"""Best places, orders so far, rows logged so far."""
_NONE = -1

Table = npt.NDArray[np.int64]


@inner
def log(rows: Table, marks: Table, time: int, code: int, place: int, qty: int, order: int) -> None:
    """Note what happened as a tape row: (time, code, place, qty, order)."""
    k = marks[ROWS]
    if k < len(rows):
        rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3], rows[k, 4] = time, code, place, qty, order
    marks[ROWS] = k + 1


@inner
def _refresh(levels: Table, marks: Table, side: int) -> None:
    """Move a best price that has run dry to the next level."""
    width = len(levels) // 2
    if side == BUY:
        while marks[BID] >= 0 and levels[marks[BID], QTY] == 0:
            marks[BID] -= 1
    else:
        while marks[ASK] < width and levels[width + marks[ASK], QTY] == 0:
            marks[ASK] += 1


@inner
def _unlink(orders: Table, levels: Table, k: int) -> None:
    level = orders[k, PLACE] + orders[k, SIDE] * (len(levels) // 2)
    before, after = orders[k, PREVIOUS], orders[k, NEXT]
    if before == _NONE:
        levels[level, HEAD] = after
    else:
        orders[before, NEXT] = after
    if after == _NONE:
        levels[level, TAIL] = before
    else:
        orders[after, PREVIOUS] = before


@inner
def remove(orders: Table, levels: Table, marks: Table, k: int, qty: int) -> int:
    """Take up to ``qty`` units off order k; purges it at zero. Returns the units taken."""
    qty = min(qty, orders[k, LEFT])
    orders[k, LEFT] -= qty
    levels[orders[k, PLACE] + orders[k, SIDE] * (len(levels) // 2), QTY] -= qty
    if orders[k, LEFT] == 0 and qty > 0:
        _unlink(orders, levels, k)
    _refresh(levels, marks, orders[k, SIDE])
    return qty


@inner
def match(
    orders: Table, levels: Table, marks: Table, side: int, limit: int, qty: int, time: int, rows: Table
) -> int:
    """Execute against the other side up to the place ``limit``, oldest first; returns the units left over."""
    width = len(levels) // 2
    while qty > 0:
        place = marks[ASK] if side == BUY else marks[BID]
        if place < 0 or place >= width or (place > limit if side == BUY else place < limit):
            break
        k = levels[place + (1 - side) * width, HEAD]
        taken = remove(orders, levels, marks, k, qty)
        log(rows, marks, time, FILL | (ASK_SIDE if side == BUY else 0), place, taken, k)
        qty -= taken
    return qty


@inner
def rest(
    orders: Table, levels: Table, marks: Table, side: int, place: int, qty: int, time: int, rows: Table
) -> int:
    """Put an order at the back of its queue; returns its number."""
    k, width = marks[COUNT], len(levels) // 2
    level = place + side * width
    orders[k, PLACE], orders[k, SIDE], orders[k, LEFT], orders[k, NEXT] = place, side, qty, _NONE
    orders[k, PREVIOUS] = levels[level, TAIL]
    if levels[level, TAIL] == _NONE:
        levels[level, HEAD] = k
    else:
        orders[levels[level, TAIL], NEXT] = k
    levels[level, TAIL] = k
    levels[level, QTY] += qty
    marks[COUNT] = k + 1
    if side == BUY:
        marks[BID] = max(marks[BID], place)
    else:
        marks[ASK] = min(marks[ASK], place)
    log(rows, marks, time, ADD | (ASK_SIDE if side == SELL else 0), place, qty, k)
    return k


@compiled
def place_order(
    orders: Table, levels: Table, marks: Table, side: int, place: int, qty: int, time: int, rows: Table
) -> int:
    """Match a limit order and rest what is left; returns its number, -1 if nothing rests."""
    left = match(orders, levels, marks, side, place, qty, time, rows)
    return rest(orders, levels, marks, side, place, left, time, rows) if left > 0 else _NONE


@compiled
def cancel_order(orders: Table, levels: Table, marks: Table, k: int, qty: int, time: int, rows: Table) -> int:
    """Cancel up to ``qty`` units of a resting order; returns the units cancelled."""
    side, place = orders[k, SIDE], orders[k, PLACE]
    taken = remove(orders, levels, marks, k, qty)
    if taken > 0:
        log(rows, marks, time, REDUCE | (ASK_SIDE if side == SELL else 0), place, taken, k)
    return taken


@compiled
def units_ahead(orders: Table, k: int) -> int:
    """Units before order k in its queue."""
    ahead, other = 0, orders[k, PREVIOUS]
    while other != _NONE:
        ahead += orders[other, LEFT]
        other = orders[other, PREVIOUS]
    return ahead


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution: the resting order's number, price (ticks) and units."""

    order: int
    price: int
    qty: int


class OrderBook:
    """A limit order book for prices from ``low`` to ``high`` ticks and at most ``capacity`` orders.

    >>> book = OrderBook(low=90, high=110)
    >>> order, fills = book.submit(BUY, 100, 5)
    >>> book.queue_ahead(order)
    0
    """

    def __init__(self, *, low: int, high: int, capacity: int = 100_000) -> None:
        if not 0 <= low < high:
            raise InputError("low, high", (low, high), "0 <= low < high (ticks)")
        self._low, self._width = low, high - low + 1
        self._orders = np.zeros((capacity, 5), np.int64)
        self._levels = np.full((2 * self._width, 3), _NONE, np.int64)
        self._levels[:, QTY] = 0
        self._marks = np.array([_NONE, self._width, 0, 0], np.int64)
        self._rows = np.zeros((capacity, 5), np.int64)

    @property
    def bid(self) -> int | None:
        """Best bid, ticks."""
        return None if self._marks[BID] < 0 else self._low + int(self._marks[BID])

    @property
    def ask(self) -> int | None:
        """Best ask, ticks."""
        return None if self._marks[ASK] >= self._width else self._low + int(self._marks[ASK])

    def submit(self, side: int, price: int, qty: int) -> tuple[int | None, list[Fill]]:
        """Match a limit order; returns its number if a part rests, and its executions, first to last."""
        if not self._low <= price < self._low + self._width:
            raise InputError("price", price, f"{self._low} to {self._low + self._width - 1} ticks")
        if qty <= 0 or side not in (BUY, SELL):
            raise InputError("qty, side", (qty, side), "qty > 0, side BUY or SELL")
        if self._marks[COUNT] >= len(self._orders):
            raise InputError("orders", len(self._orders), "below the book's capacity", "raise capacity")
        self._marks[ROWS] = 0
        number = place_order(
            self._orders, self._levels, self._marks, side, price - self._low, qty, 0, self._rows
        )
        fills = [
            Fill(int(row[4]), self._low + int(row[2]), int(row[3]))
            for row in self._rows[: self._marks[ROWS]]
            if int(row[1]) & 7 == FILL
        ]
        return (None if number == _NONE else int(number)), fills

    def cancel(self, order: int, qty: int | None = None) -> int:
        """Cancel a resting order, or ``qty`` of it; returns the units cancelled, 0 if it no longer rests."""
        if not 0 <= order < self._marks[COUNT]:
            return 0
        amount = int(self._orders[order, LEFT]) if qty is None else qty
        self._marks[ROWS] = 0
        return int(cancel_order(self._orders, self._levels, self._marks, order, amount, 0, self._rows))

    def queue_ahead(self, order: int) -> int:
        """Units before a resting order at its price."""
        return int(units_ahead(self._orders, order))

    def depth(self, side: int, levels: int) -> list[tuple[int, int]]:
        """L2: (price, units) of the best levels of a side, best first."""
        part = self._levels[: self._width, QTY] if side == BUY else self._levels[self._width :, QTY]
        places = np.flatnonzero(part)
        places = places[::-1] if side == BUY else places
        return [(self._low + int(p), int(part[p])) for p in places[:levels]]

    def queue(self, side: int, price: int) -> list[tuple[int, int]]:
        """L3: (order, units) at a price, oldest first."""
        k = int(self._levels[price - self._low + side * self._width, HEAD])
        found = []
        while k != _NONE:
            found.append((k, int(self._orders[k, LEFT])))
            k = int(self._orders[k, NEXT])
        return found

    @property
    def imbalance(self) -> float:
        """Best bid's share of the best two sizes, 0 to 1; nan while a side is empty."""
        if self.bid is None or self.ask is None:
            return float("nan")
        bid = self._levels[self._marks[BID], QTY]
        ask = self._levels[self._width + self._marks[ASK], QTY]
        return float(bid / (bid + ask))
