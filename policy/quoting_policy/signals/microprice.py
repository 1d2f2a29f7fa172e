"""Micro-price: where the mid is heading, given imbalance and spread.

S. Stoikov, The micro-price: a high-frequency estimator of future prices, Quantitative Finance 18 (2018).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quoting_policy.errors import InputError
from quoting_policy.signals.book import Book, imbalance

_MAX_TERMS = 10_000
_MAX_STATES = 1000
_CONVERGED = 1e-12
Matrix = NDArray[np.float64]


class MicroPriceTable(NamedTuple):
    """G*: expected total move of the mid from each state (imbalance bucket, spread bucket), price.

    is_known: False where the sample holds no move from that state; there G* is 0, so the price is the mid.
    """

    adjustment: Matrix
    is_known: NDArray[np.bool_]


class MicroPrice:
    """Counts transitions between book states, streaming; ``fit`` turns counts into adjustments.

    buckets: of the imbalance. spreads: spreads of 1 .. spreads ticks have a state each, wider ones share
    the last. max_move: largest move of the mid that is counted, half ticks. The sample is symmetrised: every
    transition is counted with its mirror image (imbalance I -> 1 - I, moves negated), without which the
    series need not converge. Memory is O((buckets·spreads)²), an update O(1).
    """

    def __init__(self, tick: float, *, buckets: int = 10, spreads: int = 3, max_move: int = 4) -> None:
        if not (math.isfinite(tick) and tick > 0.0):
            raise InputError("tick", tick, "a finite price > 0")
        for field, value in (("buckets", buckets), ("spreads", spreads), ("max_move", max_move)):
            if not 1 <= value <= 100:
                raise InputError(field, value, "in [1, 100]")
        if buckets * spreads > _MAX_STATES:
            raise InputError("buckets x spreads", buckets * spreads, f"<= {_MAX_STATES} states")
        self._tick, self._buckets, self._spreads, self._max_move = tick, buckets, spreads, max_move
        states = buckets * spreads
        self._stay = np.zeros((states, states))
        self._moves = np.zeros((states, 2 * max_move + 1))
        self._jumps = np.zeros((states, states))
        self._last: tuple[float, int] | None = None

    def state(self, book: Book) -> int | None:
        """Index of the book's state; None for a book without sizes, locked, crossed or not finite."""
        share = imbalance(book.bid_qty, book.ask_qty)
        if share is None or not (math.isfinite(book.bid) and math.isfinite(book.ask)):
            return None
        ticks = round((book.ask - book.bid) / self._tick)
        if ticks < 1:
            return None
        bucket = min(int(share * self._buckets), self._buckets - 1)
        return bucket * self._spreads + min(ticks, self._spreads) - 1

    def update(self, book: Book) -> None:
        """The next book. One without a state breaks the chain; a move beyond max_move is not counted."""
        state = self.state(book)
        if state is None:
            self._last = None
            return
        mid = 0.5 * (book.bid + book.ask)
        if self._last is not None:
            half_ticks = round(2.0 * (mid - self._last[0]) / self._tick)
            self._count(self._last[1], state, half_ticks)
            self._count(self._mirror(self._last[1]), self._mirror(state), -half_ticks)
        self._last = mid, state

    def _count(self, before: int, after: int, half_ticks: int) -> None:
        if half_ticks == 0:
            self._stay[before, after] += 1.0
        elif abs(half_ticks) <= self._max_move:
            self._moves[before, half_ticks + self._max_move] += 1.0
            self._jumps[before, after] += 1.0

    def _mirror(self, state: int) -> int:
        bucket, spread = divmod(state, self._spreads)
        return (self._buckets - 1 - bucket) * self._spreads + spread

    def transitions(self) -> tuple[Matrix, Matrix, Matrix, NDArray[np.bool_]]:
        """Q (no move), R₁ (by move), R₂ (with a move) and which states can reach a move.

        Rows of [Q R₁] of those states sum to 1; a transition into a state that never leads to a move says
        nothing about the mid and is left out.
        """
        known = self._moves.sum(axis=1) > 0.0
        while True:
            wider = known | ((self._stay[:, known].sum(axis=1) > 0.0) if known.any() else known)
            if (wider == known).all():
                break
            known = wider
        stay = self._stay * np.outer(known, known)
        jumps = self._jumps * np.outer(known, known)
        moves = self._moves * known[:, None]
        totals = stay.sum(axis=1, keepdims=True) + moves.sum(axis=1, keepdims=True)
        totals[totals == 0.0] = 1.0
        return stay / totals, moves / totals, jumps / totals, known

    def fit(self) -> MicroPriceTable | None:
        """``G* = Σ Bⁱ G₁``, G₁ = (1 - Q)⁻¹R₁K, B = (1 - Q)⁻¹R₂; None without moves or convergence."""
        stay, moves, jumps, known = self.transitions()
        if not known.any():
            return None
        sizes = 0.5 * self._tick * np.arange(-self._max_move, self._max_move + 1)
        until_move = np.eye(len(stay)) - stay
        first = np.linalg.solve(until_move, moves @ sizes)
        onward = np.linalg.solve(until_move, jumps)
        total, term = first.copy(), first
        for _ in range(_MAX_TERMS):
            term = onward @ term
            total = total + term
            if float(np.abs(term).max()) <= _CONVERGED * self._tick:
                return MicroPriceTable(np.where(known, total, 0.0), known)
        return None

    def price(self, table: MicroPriceTable, book: Book) -> tuple[float, bool] | None:
        """Micro-price of a book, and whether the table knows its state; None for a book without state."""
        state = self.state(book)
        if state is None:
            return None
        mid = 0.5 * (book.bid + book.ask)
        return mid + float(table.adjustment[state]), bool(table.is_known[state])
