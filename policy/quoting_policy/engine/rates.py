"""Rates: how many events a second, over a sliding window."""

from __future__ import annotations

from collections import deque

from quoting_policy.domain.clock import NEVER_NS


class RateWindow:
    """At most ``rate`` events in any second; below one a second, one event in any 1/rate seconds.

    rate: 1/s, >= 0; 0 lets nothing through. free_ns: when the next event keeps within it, monotonic.
    """

    __slots__ = ("_events", "_times", "_window_ns", "free_ns", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._events = max(int(rate), 1) if rate > 0 else 0
        self._times: deque[int] = deque(maxlen=self._events)
        self._window_ns = round(self._events / rate * 1e9) if rate > 0 else 0
        self.free_ns = -NEVER_NS if rate > 0 else NEVER_NS

    def room(self, now_ns: int) -> int:
        """Events that keep within the rate now."""
        return self._events - sum(1 for time_ns in self._times if now_ns - time_ns < self._window_ns)

    def count(self, now_ns: int) -> None:
        """An event happened now, monotonic ns."""
        times = self._times
        times.append(now_ns)
        if len(times) == self._events > 0:
            self.free_ns = times[0] + self._window_ns
