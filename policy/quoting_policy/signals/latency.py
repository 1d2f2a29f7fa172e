"""Quantiles of delays over the last n of them."""

from __future__ import annotations

import math
from collections import Counter, deque

from quoting_policy.errors import InputError


class LatencyQuantiles:
    """Quantiles of the last ``window`` delays, at or above the true one, at most ``1 + precision`` times it.

    Delays fall into buckets whose edges grow by ``1 + precision``; a quantile is the upper edge of its
    bucket (a delay of exactly 0 stays 0). An update is O(1), a quantile O(buckets), memory O(window).
    A delay that is negative or not a number means that clocks disagree: there is no signal until a whole
    window of good delays has passed.
    """

    def __init__(self, window: int, precision: float = 0.01, smallest: float = 1e-7) -> None:
        if window < 1:
            raise InputError("window", window, ">= 1 delay")
        if not 0.0 < precision <= 1.0:
            raise InputError("precision", precision, "in (0, 1]")
        if not (math.isfinite(smallest) and smallest > 0.0):
            raise InputError("smallest", smallest, "a finite number of seconds > 0")
        self._window, self._smallest = window, smallest
        self._growth = math.log1p(precision)
        self._buckets: deque[int | None] = deque(maxlen=window)
        self._counts: Counter[int | None] = Counter()

    def update(self, delay: float) -> None:
        """One more delay, s."""
        if len(self._buckets) == self._window:
            oldest = self._buckets[0]
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]
        bucket = self._bucket(delay)
        self._buckets.append(bucket)
        self._counts[bucket] += 1

    def _bucket(self, delay: float) -> int | None:
        if not (math.isfinite(delay) and delay >= 0.0):
            return None
        if delay == 0.0:
            return -1
        return max(0, math.ceil(math.log(delay / self._smallest) / self._growth - 1e-9))

    def quantile(self, share: float) -> float | None:
        """The delay that ``share`` of the window does not exceed, s. Raises InputError outside (0, 1]."""
        if not 0.0 < share <= 1.0:
            raise InputError("share", share, "in (0, 1]")
        if len(self._buckets) < self._window or None in self._counts:
            return None
        rank, seen = math.ceil(share * self._window - 1e-9), 0
        for bucket in sorted(bucket for bucket in self._counts if bucket is not None):
            seen += self._counts[bucket]
            if seen >= rank:
                return 0.0 if bucket < 0 else self._smallest * math.exp(bucket * self._growth)
        return None
