"""Volatility of the mid, absolute, price/√s."""

from __future__ import annotations

import math
from collections import deque

from quoting_policy.errors import InputError
from quoting_policy.signals.rolling import EvenSampler, RollingSum


class Volatility:
    """Standard deviation of mid changes over ``dt``, divided by √dt, over the last ``window`` changes.

    Sampled on an even grid of time, so it is per second and not per event. Two guards against bounce: it is
    meant for the *mid*, which does not jump between bid and ask as trades do; and with ``scales`` > 1 it
    takes the difference of two scales (Zhang, Mykland and Ait-Sahalia, A tale of two time scales, JASA 100,
    2005): with noise of variance ν² in each sample, changes over one step have variance σ²dt + 2ν² and over
    K steps Kσ²dt + 2ν², so that their difference over (K - 1)dt is free of ν.

    ``value()`` is None until the window is full, while the last mid was not a number, and where the two
    scales contradict each other (a negative variance).
    """

    def __init__(self, dt: float, window: int, scales: int = 1) -> None:
        if window < 2:
            raise InputError("window", window, ">= 2 changes")
        if not 1 <= scales < window:
            raise InputError("scales", scales, f">= 1 and < window = {window}")
        self._sampler = EvenSampler(dt, max_steps=window)
        self._scales = scales
        self._recent: deque[float | None] = deque(maxlen=scales + 1)
        self._fast = _Variance(window)
        self._slow = _Variance(window)

    def update(self, time: float, mid: float) -> None:
        """A new mid at ``time``, s. Grid points before it are settled."""
        settled = self._sampler.update(time, mid)
        if self._sampler.reset:
            self._recent.clear()
            self._fast.clear()
            self._slow.clear()
        for value in settled:
            self._recent.append(value)
            self._push(self._fast, 1)
            self._push(self._slow, self._scales)

    def _push(self, variance: _Variance, lag: int) -> None:
        if len(self._recent) <= lag:
            return
        now, before = self._recent[-1], self._recent[-1 - lag]
        if now is not None and before is not None:
            variance.push(now - before)

    def value(self) -> float | None:
        """σ, price/√s."""
        if not (self._sampler.is_known and self._fast.is_full and self._slow.is_full):
            return None
        if self._scales == 1:
            return math.sqrt(self._fast.variance() / self._sampler.dt)
        variance = (self._slow.variance() - self._fast.variance()) / ((self._scales - 1) * self._sampler.dt)
        return math.sqrt(variance) if variance >= 0.0 else None


class _Variance:
    """Sample variance of the last ``window`` values."""

    def __init__(self, window: int) -> None:
        self._sum, self._squares = RollingSum(window), RollingSum(window)

    @property
    def is_full(self) -> bool:
        return self._sum.is_full

    def push(self, value: float) -> None:
        self._sum.push(value)
        self._squares.push(value * value)

    def clear(self) -> None:
        self._sum.clear()
        self._squares.clear()

    def variance(self) -> float:
        count = self._sum.window
        spread = self._squares.total - self._sum.total**2 / count
        return max(0.0, spread) / (count - 1)
