"""Bounded memory: sums over the last n values, and sampling on an even grid of time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from quoting_policy.errors import InputError


class RollingSum:
    """Sum of the last ``window`` values in amortised O(1).

    Adding and subtracting lets rounding errors pile up, so the sum is made afresh once a window.
    """

    def __init__(self, window: int) -> None:
        if window < 1:
            raise InputError("window", window, ">= 1 value")
        self.window = window
        self._values: deque[float] = deque(maxlen=window)
        self._sum = 0.0
        self._until_fresh = window

    def push(self, value: float) -> None:
        """Add a finite value; the oldest leaves once the window is full."""
        if len(self._values) == self.window:
            self._sum -= self._values[0]
        self._values.append(value)
        self._sum += value
        self._until_fresh -= 1
        if self._until_fresh == 0:
            self._sum = math.fsum(self._values)
            self._until_fresh = self.window

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._sum, self._until_fresh = 0.0, self.window

    @property
    def is_full(self) -> bool:
        """Whether ``window`` values have been seen."""
        return len(self._values) == self.window

    @property
    def total(self) -> float:
        """Sum of the values held."""
        return self._sum

    @property
    def mean(self) -> float | None:
        """Mean over a full window, None before."""
        return self._sum / self.window if self.is_full else None


class EvenSampler:
    """The last value at or before each multiple of ``dt``: what a price was, on an even grid.

    A value that is not finite is unknown until the next good one: grid points in between are None. After a
    silence of more than ``max_steps`` grid points, or when time goes back, ``reset`` is true for that call:
    whoever counts on an even grid starts over.
    """

    def __init__(self, dt: float, max_steps: int) -> None:
        if not (math.isfinite(dt) and dt > 0.0):
            raise InputError("dt", dt, "a finite number of seconds > 0")
        self.dt = dt
        self.max_steps = max_steps
        self.reset = False
        self._next = 0
        self._time = math.nan
        self._value: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the last value was good."""
        return self._value is not None

    def update(self, time: float, value: float) -> Iterator[float | None]:
        """Values of the grid points strictly before ``time`` that are now settled. time: s.

        A grid point is settled once time has passed it, so that values of the same instant all count.
        """
        self.reset = False
        good = value if math.isfinite(value) else None
        if not math.isfinite(time):
            self._value = None
            return iter(())
        if math.isnan(self._time) or time < self._time:
            self.reset = not math.isnan(self._time)
            settled: list[float | None] = []
            self._next = math.ceil(time / self.dt)
        else:
            last = math.ceil(time / self.dt)
            steps = last - self._next
            self.reset = steps > self.max_steps
            settled = [] if self.reset else [self._value] * steps
            self._next = max(self._next, last)
        self._time, self._value = time, good
        return iter(settled)
