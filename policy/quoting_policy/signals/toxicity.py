"""Whether the flow that fills us knows more than we do: three tests, and the response to them."""

from __future__ import annotations

import functools
import math
from collections import deque
from typing import NamedTuple

from quoting_policy.domain import Side
from quoting_policy.errors import InputError
from quoting_policy.signals.correlation import PairWindow
from quoting_policy.signals.rolling import RollingSum


@functools.lru_cache(maxsize=4096)
def one_sided_p_value(bought: int, sold: int) -> float:
    """Chance of fills at least this one-sided if both sides were equally likely (exact binomial, doubled).

    16 of 20 on one side has p = 0.012; 4 of 5 has 0.375, though both are 80 %.
    """
    n, most = bought + sold, max(bought, sold)
    if min(bought, sold) < 0 or n == 0:
        raise InputError("bought, sold", (bought, sold), "counts >= 0, at least one fill")
    tail = sum(math.comb(n, i) for i in range(most, n + 1))
    return min(1.0, 2 * tail / (1 << n))


class OneSidedness:
    """Binomial test over the last ``window`` fills *within one inventory zone*.

    Our own skew makes fills one-sided, so fills of different zones are not compared: each zone has its
    window. ``p_value`` is None below ``min_fills``.
    """

    def __init__(self, window: int = 100, min_fills: int = 20) -> None:
        if not 1 <= min_fills <= window:
            raise InputError("min_fills", min_fills, f"in [1, window = {window}]")
        self._window, self._min_fills = window, min_fills
        self._fills: dict[str, deque[Side]] = {}
        self._bought: dict[str, int] = {}

    def update(self, side: Side, zone: str) -> None:
        """One more own fill, made while the inventory was in ``zone``."""
        fills = self._fills.setdefault(zone, deque(maxlen=self._window))
        if len(fills) == self._window:
            self._bought[zone] -= fills[0] is Side.BID
        fills.append(side)
        self._bought[zone] = self._bought.get(zone, 0) + (side is Side.BID)

    def p_value(self, zone: str) -> float | None:
        """Chance of so one-sided fills without a cause, in (0, 1]; small is suspicious."""
        count = len(self._fills.get(zone, ()))
        if count < self._min_fills:
            return None
        bought = self._bought[zone]
        return one_sided_p_value(bought, count - bought)


class MarkoutTest:
    """Whether the last ``window`` fills lost money at their horizon: one-sided test of a mean < 0.

    Also the correlation of fill direction and move of the mid: < 0 when the market moves away from us.
    """

    def __init__(self, window: int = 50) -> None:
        if window < 2:
            raise InputError("window", window, ">= 2 fills")
        self._sum, self._squares = RollingSum(window), RollingSum(window)
        self._moves = PairWindow(window)

    def update(self, side: Side, markout: float, move: float) -> None:
        """A fill's markout, price, > 0 is good for us, and the mid's move since the fill, price.

        A fill whose markout or move is not finite is dropped.
        """
        if math.isfinite(markout) and math.isfinite(move):
            self._sum.push(markout)
            self._squares.push(markout * markout)
            self._moves.push(float(side.sign), move)

    def mean(self) -> float | None:
        """Mean markout, price; None until the window is full."""
        return self._sum.mean

    def p_value(self) -> float | None:
        """Chance of a mean this low if fills cost nothing (normal approximation); small is suspicious."""
        count, mean = self._sum.window, self._sum.mean
        if mean is None:
            return None
        variance = max(0.0, self._squares.total - count * mean * mean) / (count - 1)
        if variance == 0.0:
            return 0.0 if mean < 0.0 else 1.0
        return 0.5 * math.erfc(-mean / math.sqrt(2.0 * variance / count))

    def correlation(self) -> float | None:
        """Correlation of direction (+1 bought) and move, in [-1, 1]; None until full or without variation."""
        return self._moves.correlation() if self._moves.is_full else None


class Vpin:
    """Volume-synchronised probability of informed trading over the last ``buckets`` full buckets of volume.

    Easley, Lopez de Prado and O'Hara, Flow toxicity and liquidity in a high-frequency world, Review of
    Financial Studies 25 (2012): ``Σ|V_s - V_b| / (n·V)``, in [0, 1]. Trades are split at bucket edges; the
    bucket that is still open does not count. A common alarm is 0.30.
    """

    def __init__(self, bucket_volume: float, buckets: int = 50) -> None:
        if not (math.isfinite(bucket_volume) and bucket_volume > 0.0):
            raise InputError("bucket_volume", bucket_volume, "a finite volume > 0")
        self._volume = bucket_volume
        self._gaps = RollingSum(buckets)
        self._bought = self._filled = 0.0

    def update(self, volume: float, buy_share: float) -> None:
        """A trade: its volume, lots, and the share of it that buyers started (1 or 0 if sides are known).

        Volumes that are not finite and > 0, and shares outside [0, 1], are dropped. Whole buckets beyond the
        window are not replayed one by one, so that one huge trade costs no more than a window.
        """
        if not (math.isfinite(volume) and volume > 0.0 and 0.0 <= buy_share <= 1.0):
            return
        room = self._volume - self._filled
        if volume < room:
            self._filled += volume
            self._bought += volume * buy_share
            return
        self._gaps.push(abs(self._volume - 2.0 * (self._bought + room * buy_share)))
        rest = volume - room
        whole = math.floor(rest / self._volume)
        for _ in range(min(whole, self._gaps.window)):
            self._gaps.push(self._volume * abs(1.0 - 2.0 * buy_share))
        self._filled = max(0.0, rest - whole * self._volume)
        self._bought = self._filled * buy_share

    def value(self) -> float | None:
        """VPIN in [0, 1]; None until ``buckets`` buckets are full."""
        mean = self._gaps.mean
        return None if mean is None else min(1.0, max(0.0, mean / self._volume))


def bulk_buy_share(price_change: float, change_sigma: float) -> float | None:
    """Φ(ΔP/σ_ΔP): share of buyers where trades carry no side (bulk volume classification).

    None where the volatility of changes is 0 or one of them is not finite.
    """
    if not (math.isfinite(price_change) and math.isfinite(change_sigma) and change_sigma > 0.0):
        return None
    return 0.5 * math.erfc(-price_change / (change_sigma * math.sqrt(2.0)))


class Alarms(NamedTuple):
    """Thresholds of the response. p_value: of both tests. vpin: in [0, 1]. correlation: < 0, adverse."""

    p_value: float = 0.01
    vpin: float = 0.30
    correlation: float = -0.5


class ToxicityResponse:
    """Level of defence in [0, 1] that models take as ``toxicity``: up at once, down slowly.

    Any alarm raises it to 1. It falls by ``1/recovery_fills`` with each clean fill (markout >= 0, no alarm)
    and by ``1/recovery_s`` a second, because clean fills may never come to quotes that are wide. Time is
    that of the events. A value that is not finite is never clean.
    """

    def __init__(
        self, alarms: Alarms | None = None, *, recovery_fills: int = 100, recovery_s: float = 600.0
    ) -> None:
        if recovery_fills < 1:
            raise InputError("recovery_fills", recovery_fills, ">= 1")
        if not (math.isfinite(recovery_s) and recovery_s > 0.0):
            raise InputError("recovery_s", recovery_s, "a finite number of seconds > 0")
        self._alarms = alarms or Alarms()
        self._by_fill, self._by_second = 1.0 / recovery_fills, 1.0 / recovery_s
        self._level = 0.0
        self._time = -math.inf

    def level(self, time: float) -> float:
        """Level at ``time``, s; time that goes back changes nothing."""
        if math.isfinite(time) and time > self._time:
            if math.isfinite(self._time):
                self._level = max(0.0, self._level - (time - self._time) * self._by_second)
            self._time = time
        return self._level

    def observe(
        self,
        time: float,
        *,
        markout: float | None = None,
        one_sided_p: float | None = None,
        markout_p: float | None = None,
        correlation: float | None = None,
        vpin: float | None = None,
    ) -> float:
        """Take in a fill's markout and the tests as they stand; what is None says nothing. The new level."""
        self.level(time)
        limits = self._alarms
        unsure = any(x is not None and math.isnan(x) for x in (one_sided_p, markout_p, correlation, vpin))
        alarm = (
            (one_sided_p is not None and one_sided_p < limits.p_value)
            or (markout_p is not None and markout_p < limits.p_value)
            or (correlation is not None and correlation < limits.correlation)
            or (vpin is not None and vpin > limits.vpin)
        )
        if alarm:
            self._level = 1.0
        elif markout is not None and 0.0 <= markout < math.inf and not unsure:
            self._level = max(0.0, self._level - self._by_fill)
        return self._level


def refresh_interval(calm: float, toxicity: float) -> float:
    """Time a quote may rest, s: ``calm`` without toxicity, half of it at toxicity 1."""
    if not (calm > 0.0 and 0.0 <= toxicity <= 1.0):
        raise InputError("toxicity", toxicity, "in [0, 1], with an interval > 0")
    return calm / (1.0 + toxicity)
