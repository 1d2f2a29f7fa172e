"""Asymptotic confidence sequences for a mean: what is shown to people, never what decides.

Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", arXiv 2103.06476, theorem 2.2 (two-sided) and proposition B.1 (one-sided).
"""

from __future__ import annotations

import math

from quoting_operator.gates.distributions import LN2, ln_normal_cdf
from quoting_operator.gates.tmix import MeanSums

FIRST_SHOWN = 10
"""Blocks before which no interval is shown: from block 2 on, false promotion would be 14 %."""


def radius(sums: MeanSums, r2: float, alpha: float, *, one_sided: bool = False) -> float:
    """Half width of the two-sided sequence, or distance of the one-sided bound, in the metric's unit.

    Infinite before the second block.
    """
    if sums.n < 2:
        return math.inf
    spread = sums.n * r2 + 1.0
    root = math.sqrt(spread)
    level = math.log1p(root / (2.0 * alpha)) if one_sided else math.log(root / alpha)
    return math.sqrt(sums.variance * 2.0 * spread / (sums.n**2 * r2) * level)


def interval(sums: MeanSums, r2: float, alpha: float) -> tuple[float, float] | None:
    """Two-sided (lower, upper) around the mean; None before FIRST_SHOWN blocks."""
    if sums.n < FIRST_SHOWN:
        return None
    half = radius(sums, r2, alpha)
    return sums.mean - half, sums.mean + half


def ln_e(sums: MeanSums, d0: float, r2: float) -> float:
    """Asymptotic one-sided ln E against "mean D <= d0"; zero before the second block or without variance."""
    if sums.n < 2 or sums.variance == 0.0:
        return 0.0
    s, _ = sums.about(d0)
    spread = 1.0 + sums.n * r2
    scaled = r2 / (sums.variance * spread)
    return LN2 - 0.5 * math.log(spread) + 0.5 * scaled * s * s + ln_normal_cdf(s * math.sqrt(scaled))
