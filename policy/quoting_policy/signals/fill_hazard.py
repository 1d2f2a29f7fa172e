"""Fill intensity λ(δ) = A·exp(-kδ) of one side, from recorded trades.

The depth of a trade is how far beyond the mid it reaches, > 0: the distance at which a resting quote would
have been filled. Ours are two estimators: least squares on ``ln λ`` over a grid of depths, which looks at
the deepest trade of each window, and maximum likelihood for exponential depths, which looks at all trades.
Depths in price units give k in 1/price; half ticks taken for ticks double it.
"""

from __future__ import annotations

import bisect
import itertools
import math
import operator
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple

from quoting_policy.domain import FillHazard
from quoting_policy.errors import InputError
from quoting_policy.signals.rolling import RollingSum

MIN_LEVELS = 3


class NoFitError(ValueError):
    """The data do not determine A and k; the message says what is missing."""


class HazardFit(NamedTuple):
    """An estimate and how sure it is.

    k_se: standard error of k, 1/price. log_A_se: of ln A; that of A is about A·log_A_se. lowest, highest:
    range of depths used, price. used: levels (least squares) or trades (likelihood) used.
    """

    hazard: FillHazard
    k_se: float
    log_A_se: float  # noqa: N815  # the field's letter
    lowest: float
    highest: float
    used: int


def fit_ols(levels: Sequence[float], reached: Sequence[int], windows: int, dt: float) -> HazardFit:
    """Regress ``ln λ_j`` on the depth δ_j, with λ_j = -ln(1 - p_j)/dt, p_j the share of windows reaching δ_j.

    levels: δ_j, price, rising; shallow ones only, for the tail is not exponential. reached: number of the
    ``windows`` of ``dt`` seconds whose deepest trade is at δ_j or beyond. The logarithm undoes several trades
    in a window. Levels with p_j of 0 or 1 say nothing and are dropped. Standard errors are the sampling
    errors of the shares, which are nested (delta method); a misfit of the exponential is not in them.

    Raises NoFitError with fewer than 3 usable levels or k <= 0.
    """
    usable = [
        (level, count / windows) for level, count in zip(levels, reached, strict=True) if 0 < count < windows
    ]
    if len(usable) < MIN_LEVELS:
        raise NoFitError(f"{len(usable)} usable levels, {MIN_LEVELS} are needed")
    n = len(usable)
    depths = [depth for depth, _ in usable]
    logs = [math.log(-math.log1p(-share) / dt) for _, share in usable]
    mean = math.fsum(depths) / n
    sxx = math.fsum((depth - mean) ** 2 for depth in depths)
    if not sxx > 0.0:
        raise NoFitError("all usable levels are at one depth")
    of_slope = [(depth - mean) / sxx for depth in depths]
    of_intercept = [1.0 / n - mean * weight for weight in of_slope]
    shares = [share for _, share in usable]
    return _checked(
        k=-math.fsum(map(operator.mul, of_slope, logs)),
        log_intensity=math.fsum(map(operator.mul, of_intercept, logs)),
        k_se=math.sqrt(_sampling_variance(of_slope, shares, windows)),
        log_se=math.sqrt(_sampling_variance(of_intercept, shares, windows)),
        depths=(depths[0], depths[-1]),
        used=n,
    )


def _sampling_variance(weights: Sequence[float], shares: Sequence[float], windows: int) -> float:
    """Variance of ``Σ w_j ln λ_j``: windows that reach a deep level also reach the shallower ones.

    For levels i before j, Cov(p_i, p_j) = p_j(1 - p_i)/windows, and d ln λ/dp = -1/((1 - p) ln(1 - p)).
    """
    slopes = [weight / (-(1.0 - p) * math.log1p(-p)) for weight, p in zip(weights, shares, strict=True)]
    total = 0.0
    for i, (slope, p) in enumerate(zip(slopes, shares, strict=True)):
        deeper = math.fsum(s * q for s, q in zip(slopes[i + 1 :], shares[i + 1 :], strict=True))
        total += slope * (1.0 - p) * (slope * p + 2.0 * deeper)
    return max(0.0, total) / windows


def fit_mle(count: int, total_excess: float, shallowest: float, deepest: float, seconds: float) -> HazardFit:
    """Maximum likelihood from ``count`` depths beyond d₀ = ``shallowest`` in ``seconds``.

    total_excess: sum of (depth - d₀), price. k = count/total_excess, A = (count/seconds)·exp(k·d₀); s.e. of k
    is k/√count, of ln A √((1 + (k·d₀)²)/count). Raises NoFitError without trades or without spread in depth.
    """
    if count < MIN_LEVELS or not total_excess > 0.0:
        raise NoFitError(
            f"{count} trades beyond the shallowest depth {shallowest!r}, with no spread of depths"
        )
    k = count / total_excess
    return _checked(
        k=k,
        log_intensity=math.log(count / seconds) + k * shallowest,
        k_se=k / math.sqrt(count),
        log_se=math.sqrt((1.0 + (k * shallowest) ** 2) / count),
        depths=(shallowest, deepest),
        used=count,
    )


def _checked(
    *, k: float, log_intensity: float, k_se: float, log_se: float, depths: tuple[float, float], used: int
) -> HazardFit:
    if not (k > 0.0 and math.isfinite(k) and abs(log_intensity) < 700.0):
        raise NoFitError(f"k = {k!r} is not a decay: intensity must fall with depth")
    return HazardFit(FillHazard(math.exp(log_intensity), k), k_se, log_se, *depths, used)


class _Window(NamedTuple):
    """level: index of the deepest level reached, -1 for none. trades, excess: for the likelihood."""

    level: int
    trades: int
    excess: float


class FillHazardEstimator:
    """Both estimators for one side over the last ``windows`` windows of ``dt`` seconds.

    An update is O(1) (plus the empty windows it closes, at most ``windows``), memory O(windows). A fit that
    fails leaves the last good one standing until it is ``max_age`` seconds old, then there is none.
    """

    def __init__(self, levels: Sequence[float], dt: float, windows: int, max_age: float) -> None:
        _check_levels(levels)
        for field, value in (("dt", dt), ("max_age", max_age)):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(field, value, "a finite number of seconds > 0")
        self._levels, self._dt, self._max_age = tuple(levels), dt, max_age
        self._ring: deque[_Window] = deque(maxlen=windows)
        self._by_level: Counter[int] = Counter()
        self._trades, self._excess = RollingSum(windows), RollingSum(windows)
        self._now: int | None = None
        self._open = _Window(-1, 0, 0.0)
        self._last_good: dict[str, tuple[float, HazardFit]] = {}

    def trade(self, time: float, depth: float) -> None:
        """A trade at ``time``, s, reaching ``depth`` beyond the mid, price; dropped if not finite."""
        if not (math.isfinite(time) and math.isfinite(depth)):
            return
        self.advance(time)
        if depth < self._levels[0]:
            return
        level = bisect.bisect_right(self._levels, depth) - 1
        was = self._open
        self._open = _Window(max(was.level, level), was.trades + 1, was.excess + depth - self._levels[0])

    def advance(self, time: float) -> None:
        """Close the windows before ``time``, s. Time that goes back starts everything afresh."""
        window = math.floor(time / self._dt)
        if self._now is None or window < self._now:
            self._clear()
        else:
            for _ in range(min(window - self._now, self._trades.window)):
                self._close()
        self._now = window

    def _clear(self) -> None:
        self._ring.clear()
        self._by_level.clear()
        self._trades.clear()
        self._excess.clear()
        self._last_good.clear()
        self._open = _Window(-1, 0, 0.0)

    def _close(self) -> None:
        if len(self._ring) == self._ring.maxlen:
            self._by_level[self._ring[0].level] -= 1
        self._ring.append(self._open)
        self._by_level[self._open.level] += 1
        self._trades.push(self._open.trades)
        self._excess.push(self._open.excess)
        self._open = _Window(-1, 0, 0.0)

    def ols(self, time: float) -> HazardFit | None:
        """Least squares at ``time``, s; None before the windows are full and when no fit is young enough."""
        return self._estimate("ols", time)

    def mle(self, time: float) -> HazardFit | None:
        """Maximum likelihood at ``time``, s; None as for :meth:`ols`."""
        return self._estimate("mle", time)

    def _estimate(self, kind: str, time: float) -> HazardFit | None:
        self.advance(time)
        if not self._trades.is_full:
            return None
        try:
            fit = self._fit_ols() if kind == "ols" else self._fit_mle()
        except NoFitError:
            last = self._last_good.get(kind)
            return last[1] if last is not None and time - last[0] <= self._max_age else None
        self._last_good[kind] = (time, fit)
        return fit

    def _fit_ols(self) -> HazardFit:
        indices = range(len(self._levels))
        reached = [sum(self._by_level[j] for j in indices if j >= i) for i in indices]
        return fit_ols(self._levels, reached, len(self._ring), self._dt)

    def _fit_mle(self) -> HazardFit:
        count = round(self._trades.total)
        seconds = len(self._ring) * self._dt
        return fit_mle(count, self._excess.total, self._levels[0], self._levels[-1], seconds)


def _check_levels(levels: Sequence[float]) -> None:
    rising = all(a < b for a, b in itertools.pairwise(levels))
    if len(levels) < MIN_LEVELS or not rising or not all(math.isfinite(x) and x >= 0.0 for x in levels):
        raise InputError("levels", list(levels), f"at least {MIN_LEVELS} rising depths >= 0")
