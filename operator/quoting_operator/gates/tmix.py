"""Mean of paired differences: the one-sided t-mixture e-process, its interval, and the sums it lives on.

A half-normal prior of variance r2 is put on effect/sd and the scale is removed by the right-Haar prior
(Wang & Ramdas, "Anytime-valid t-tests and confidence sequences", arXiv 2310.03722). On Gaussian data at the
boundary E has mean 1 at every n; inside the null its validity is simulated (benchmarks/gates.py), not proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from quoting_operator.gates.distributions import LN2, ln_twice_student_t_cdf

TARGET_BLOCKS = 50
"""Block count at which the boundary is tightest, unless a gate says otherwise."""

Floats = NDArray[np.float64]
FloatOrFloats = TypeVar("FloatOrFloats", float, Floats)

_BISECTIONS = 80


def mixing_variance(alpha: float, t_star: float = TARGET_BLOCKS) -> float:
    """Prior variance r2 of effect/sd that makes the boundary tightest after t_star blocks.

    alpha: one-sided level, in (0, 0.5). t_star: blocks, > 0. At (0.05, 50): 0.1266.
    """
    level = 2.0 * math.log(1.0 / (2.0 * alpha))
    return (level + math.log1p(level)) / t_star


@dataclass(frozen=True, slots=True)
class MeanSums:
    """Sufficient statistics of differences: n, and sums of D - shift and of its square.

    The shift is the first difference: it keeps the squares small where the mean is large against the spread.
    """

    n: int = 0
    shift: float = 0.0
    s: float = 0.0
    q: float = 0.0

    def plus(self, d: float) -> Self:
        """Add one difference, in the metric's unit."""
        if self.n == 0:
            return type(self)(1, d, 0.0, 0.0)
        y = d - self.shift
        return type(self)(self.n + 1, self.shift, self.s + y, self.q + y * y)

    def plus_repeated(self, d: float, times: int) -> Self:
        """Add the same difference several times at once (imputed blocks)."""
        if times == 0:
            return self
        if self.n == 0:
            return type(self)(times, d, 0.0, 0.0)
        y = d - self.shift
        return type(self)(self.n + times, self.shift, self.s + times * y, self.q + times * y * y)

    @property
    def mean(self) -> float:
        """Average difference; NaN before the first block."""
        return self.shift + self.s / self.n if self.n else math.nan

    @property
    def variance(self) -> float:
        """Unbiased sample variance; NaN before the second block."""
        return max(self.q - self.s * self.s / self.n, 0.0) / (self.n - 1) if self.n > 1 else math.nan

    def about(self, d0: float) -> tuple[float, float]:
        """Sum and sum of squares of D - d0."""
        return _about(self.n, self.s, self.q, d0 - self.shift)


def tmix(  # noqa: PLR0917 - the order of the formula
    n: int, s: float, q: float, d0: float, alpha: float = 0.05, t_star: float = TARGET_BLOCKS
) -> float:
    """Evidence ln E against "mean D <= d0" from n differences with sum s and sum of squares q.

    Reject at level alpha when the result reaches ln(1/alpha). Zero for n < 2.
    """
    return ln_e(MeanSums(n, 0.0, s, q), d0, mixing_variance(alpha, t_star))


def ln_e(sums: MeanSums, d0: float, r2: float) -> float:
    """Evidence ln E against "mean D <= d0"; zero for n < 2."""
    if sums.n < 2:
        return 0.0
    s, q = sums.about(d0)
    k, two_sided = _two_sided(sums.n, s, q, r2)
    return two_sided + ln_twice_student_t_cdf(sums.n, k, positive=s > 0.0)


def ln_e_against(sums: MeanSums, d0: float, r2: float) -> float:
    """Evidence ln E against "mean D >= d0": the same formula on -D."""
    if sums.n < 2:
        return 0.0
    s, q = sums.about(d0)
    k, two_sided = _two_sided(sums.n, s, q, r2)
    return two_sided + ln_twice_student_t_cdf(sums.n, k, positive=s < 0.0)


def ln_e_two_sided(sums: MeanSums, d0: float, r2: float) -> float:
    """Logarithm of the two-sided t-mixture martingale against "mean D = d0"; the fallback, run at 2 alpha."""
    if sums.n < 2:
        return 0.0
    return _two_sided(sums.n, *sums.about(d0), r2)[1]


def raised(n: int, s: float, q: float, r2: float, maximum: float) -> float:
    """The running maximum of ln E after n >= 2 blocks whose D - d0 sum to s and square to q.

    Evaluated only where it can rise: E grows with the t statistic and is (1 + n r2)^(-1/2) < 1 at zero, and
    2 F_t <= min(2, 2 Phi). For maximum >= 0 the result is what evaluating every block would give. Evidence
    against takes -s.
    """
    if s <= 0.0:
        return maximum
    k, two_sided = _two_sided(n, s, q, r2)
    if two_sided + LN2 <= maximum:
        return maximum
    gaussian = math.log1p(math.erf(math.sqrt(0.5 * n * k / (1.0 - k))))
    if two_sided + gaussian + _slack(two_sided) <= maximum:
        return maximum
    return max(maximum, two_sided + ln_twice_student_t_cdf(n, k, positive=True))


def raised_over(n: Floats, s: Floats, q: Floats, r2: float, maximum: float) -> float:
    """`raised` folded over many blocks at once; the arrays hold n, s and q as they stood after each block.

    Array arithmetic only bounds ln E; every value that can be the maximum is evaluated by the scalar formula,
    so the result is the fold's to the last bit.
    """
    candidates = (s > 0.0) & (n >= 2)
    if not candidates.any():
        return maximum
    n, s, q = n[candidates], s[candidates], q[candidates]
    spread = 1.0 + n * r2
    with np.errstate(divide="ignore", invalid="ignore"):  # q may underflow to 0; no rival then
        two_sided = -0.5 * np.log(spread) - 0.5 * n * np.log1p(-r2 * s * s / (q * spread))
    best = int(np.argmax(two_sided))
    maximum = raised(int(n[best]), float(s[best]), float(q[best]), r2, maximum)
    rivals = two_sided + LN2 + _slack(two_sided) > maximum
    for rival in zip(n[rivals].tolist(), s[rivals].tolist(), q[rivals].tolist(), strict=True):
        maximum = raised(int(rival[0]), rival[1], rival[2], r2, maximum)
    return maximum


def _slack(size: FloatOrFloats) -> FloatOrFloats:
    """More than two ways of rounding the same logarithm can differ."""
    return 1e-9 * (1.0 + abs(size))


def about_over(n: Floats, s: Floats, q: Floats, offset: float) -> tuple[Floats, Floats]:
    """`MeanSums.about` for the sums as they stood after each of many blocks; offset: d0 - shift."""
    centred = s - n * offset
    return centred, np.maximum(q - 2.0 * offset * s + n * offset * offset, centred * centred / n)


def interval(sums: MeanSums, r2: float, alpha_lower: float, alpha_upper: float) -> tuple[float, float] | None:
    """Means that neither direction of tmix rejects now: the interval that agrees with the verdict.

    Returns (lower, upper) in the metric's unit, or None while it is unbounded (few blocks).
    """
    if sums.n < 2 or sums.variance == 0.0:
        return None
    lower = _bisect(sums, lambda d0: ln_e(sums, d0, r2) + math.log(alpha_lower), direction=-1.0)
    upper = _bisect(sums, lambda d0: ln_e_against(sums, d0, r2) + math.log(alpha_upper), direction=1.0)
    return None if lower is None or upper is None else (lower, upper)


def _about(n: int, s: float, q: float, offset: float) -> tuple[float, float]:
    centred = s - n * offset
    # Rounding must not break Cauchy-Schwarz, on which k < 1 rests.
    return centred, max(q - 2.0 * offset * s + n * offset * offset, centred * centred / n)


def _two_sided(n: int, s: float, q: float, r2: float) -> tuple[float, float]:
    spread = 1.0 + n * r2
    k = r2 * s * s / (q * spread) if q > 0.0 else 0.0
    return k, -0.5 * math.log(spread) - 0.5 * n * math.log1p(-k)


def _bisect(sums: MeanSums, excess: Callable[[float], float], *, direction: float) -> float | None:
    """The boundary d0 on one side of the mean beyond which `excess` is positive."""
    step = math.sqrt(sums.variance / sums.n)
    inside, outside = sums.mean, sums.mean + direction * step
    while excess(outside) < 0.0:
        inside, step = outside, 2.0 * step
        outside = sums.mean + direction * step
        if step > 1e9 * math.sqrt(sums.variance):
            return None
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inside + outside)
        inside, outside = (inside, middle) if excess(middle) >= 0.0 else (middle, outside)
    return 0.5 * (inside + outside)
