"""Covariance and correlation of mid moves of several instruments."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quoting_policy.errors import InputError
from quoting_policy.signals.rolling import EvenSampler, RollingSum


class PairWindow:
    """Covariance and correlation of the last ``window`` pairs (x, y)."""

    def __init__(self, window: int) -> None:
        if window < 2:
            raise InputError("window", window, ">= 2 pairs")
        self._x, self._y = RollingSum(window), RollingSum(window)
        self._xx, self._yy, self._xy = RollingSum(window), RollingSum(window), RollingSum(window)

    @property
    def is_full(self) -> bool:
        """Whether ``window`` pairs have been seen."""
        return self._x.is_full

    def push(self, x: float, y: float) -> None:
        """One more pair of finite numbers."""
        for total, value in zip(self._sums(), (x, y, x * x, y * y, x * y), strict=True):
            total.push(value)

    def clear(self) -> None:
        """Forget everything."""
        for total in self._sums():
            total.clear()

    def covariance(self) -> float:
        """Sample covariance of what is held; meaningful once the window is full."""
        return self._centred(self._xy, self._x, self._y) / (self._x.window - 1)

    def correlation(self) -> float | None:
        """Correlation in [-1, 1]; None where x or y does not vary."""
        x = self._centred(self._xx, self._x, self._x)
        y = self._centred(self._yy, self._y, self._y)
        if not (x > 0.0 and y > 0.0):
            return None
        return min(1.0, max(-1.0, self._centred(self._xy, self._x, self._y) / math.sqrt(x * y)))

    def _centred(self, product: RollingSum, one: RollingSum, other: RollingSum) -> float:
        return product.total - one.total * other.total / one.window

    def _sums(self) -> tuple[RollingSum, ...]:
        return self._x, self._y, self._xx, self._yy, self._xy


class Covariance:
    """Covariance of mid changes over ``dt`` of m instruments, over the last ``window`` common changes.

    A change counts for a pair only where both mids were known at both ends, so a feed that is down costs its
    own row and no other. Memory and work per grid step are O(m²), of no length of history.
    """

    def __init__(self, instruments: int, dt: float, window: int) -> None:
        if instruments < 1:
            raise InputError("instruments", instruments, ">= 1")
        self._count = instruments
        self._dt = dt
        self._sampler = EvenSampler(dt, max_steps=window)
        self._mids: list[float] = [math.nan] * instruments
        self._before: list[float] = [math.nan] * instruments
        pairs = [(i, j) for i in range(instruments) for j in range(i, instruments)]
        self._pairs = {pair: PairWindow(window) for pair in pairs}

    def update(self, time: float, instrument: int, mid: float) -> None:
        """A new mid of one instrument at ``time``, s; one clock for all of them."""
        steps = list(self._sampler.update(time, 0.0))
        if self._sampler.reset:
            self._before = [math.nan] * self._count
            for pair in self._pairs.values():
                pair.clear()
        for _ in steps:
            self._settle()
        self._mids[instrument] = mid if math.isfinite(time) else math.nan

    def _settle(self) -> None:
        changes = [now - before for now, before in zip(self._mids, self._before, strict=True)]
        for (i, j), pair in self._pairs.items():
            if math.isfinite(changes[i]) and math.isfinite(changes[j]):
                pair.push(changes[i], changes[j])
        self._before = list(self._mids)

    def covariance(self, i: int, j: int) -> float | None:
        """Covariance of instruments i and j, price²/s; None until their common window is full."""
        pair = self._known(i, j)
        return None if pair is None else pair.covariance() / self._dt

    def correlation(self, i: int, j: int) -> float | None:
        """Correlation in [-1, 1]; None until the window is full, and where one of them does not move."""
        pair = self._known(i, j)
        return None if pair is None else pair.correlation()

    def matrix(self) -> list[list[float]]:
        """Covariance matrix, price²/s, NaN where there is no signal: input of the portfolio skew."""
        rows: Sequence[int] = range(self._count)
        cells = [[self.covariance(i, j) for j in rows] for i in rows]
        return [[math.nan if cell is None else cell for cell in row] for row in cells]

    def _known(self, i: int, j: int) -> PairWindow | None:
        pair = self._pairs[min(i, j), max(i, j)]
        known = math.isfinite(self._mids[i]) and math.isfinite(self._mids[j])
        return pair if known and pair.is_full else None
