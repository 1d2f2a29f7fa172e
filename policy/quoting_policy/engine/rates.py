"""Rates: how many events a second, over a sliding window."""

from __future__ import annotations

from collections import deque


class RateWindow:
    """At most ``rate`` events in any second; below one a second, one event in any 1/rate seconds.

    rate: 1/s, >= 0; None is no limit.
    """

    __slots__ = ("_times", "_window_ns")

    def __init__(self, rate: float | None) -> None:
        self._times: deque[int] | None = None
        self._window_ns = 0
        if rate is not None:
            events = max(int(rate), 1)
            self._times = deque(maxlen=events if rate > 0 else 0)
            self._window_ns = round(events / rate * 1e9) if rate > 0 else 0

    def has_room(self, now_ns: int) -> bool:
        """Whether one more event now keeps within the rate."""
        times = self._times
        if times is None:
            return True
        return len(times) < (times.maxlen or 0) or (bool(times) and now_ns - times[0] >= self._window_ns)

    def room(self, now_ns: int) -> int:
        """Events that keep within the rate now; a large number where there is no limit."""
        times = self._times
        if times is None:
            return 2**31
        recent = sum(1 for time_ns in times if now_ns - time_ns < self._window_ns)
        return (times.maxlen or 0) - recent

    def count(self, now_ns: int) -> None:
        """An event happened now, monotonic ns."""
        if self._times is not None:
            self._times.append(now_ns)
