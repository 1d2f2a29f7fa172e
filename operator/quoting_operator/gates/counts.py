"""Counts, proportions and quantiles: beta-binomial e-processes for one arm and for two.

Robbins 1970 (mixture of binomial likelihood ratios) with a beta prior centred on the boundary, cut to one
side; two Poisson arms are compared given their total (Lindon & Malek, "Anytime-valid inference for
multinomial count data", arXiv 2011.03567).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from enum import StrEnum

from quoting_operator.gates.distributions import ln_beta, ln_beta_above, ln_beta_below
from quoting_policy.errors import InputError

PRIOR_WEIGHT = 20.0
"""Pseudo-observations K of the prior: a = K p0, c = K (1 - p0)."""

_BISECTIONS = 80


class Side(StrEnum):
    """Which alternative gathers evidence."""

    ABOVE = ">"
    BELOW = "<"


def beta_rate_two_sided(k: float, n: float, p0: float, *, weight: float = PRIOR_WEIGHT) -> float:
    """Evidence ln E against "p = p0" from k events in n trials."""
    _check(k, n, p0)
    a, c = weight * p0, weight * (1.0 - p0)
    return ln_beta(a + k, c + n - k) - ln_beta(a, c) - k * math.log(p0) - (n - k) * math.log1p(-p0)


def beta_rate(k: float, n: float, p0: float, side: Side | str, *, weight: float = PRIOR_WEIGHT) -> float:
    """Evidence ln E for p > p0 (side ">") or for p < p0 (side "<") from k events in n trials."""
    return beta_rate_two_sided(k, n, p0, weight=weight) + _one_sided(k, n, p0, Side(side), weight)


def beta_rate_raised(k: float, n: float, p0: float, side: Side, maximum: float) -> float:
    """The running maximum of beta_rate, evaluated only where it can rise: no tail is above one."""
    two_sided = beta_rate_two_sided(k, n, p0)
    if two_sided - _ln_prior_tail(p0, side, PRIOR_WEIGHT) <= maximum:
        return maximum
    return max(maximum, two_sided + _one_sided(k, n, p0, side, PRIOR_WEIGHT))


def two_arm_share(candidate_exposure: float, baseline_exposure: float, rate_ratio: float) -> float:
    """The candidate's share p0 of all events when its rate is `rate_ratio` times the baseline's.

    Exposures: seconds, requests or lots, both in one unit, > 0.
    """
    weighted = rate_ratio * candidate_exposure
    return weighted / (weighted + baseline_exposure)


def rate_ratio(share: float, candidate_exposure: float, baseline_exposure: float) -> float:
    """The rate ratio that gives the candidate this share of all events (the inverse of two_arm_share)."""
    return math.inf if share >= 1.0 else share * baseline_exposure / ((1.0 - share) * candidate_exposure)


def quantile_exceedance(quantile: float) -> float:
    """The allowed chance p0 of exceeding the limit: p99 <= limit is P(X > limit) <= 0.01."""
    if not 0.0 < quantile < 1.0:
        raise InputError("quantile", quantile, "between 0 and 1", "the 99th percentile is 0.99")
    return 1.0 - quantile


def proportion_interval(
    k: float, n: float, p0: float, alpha: float, *, weight: float = PRIOR_WEIGHT
) -> tuple[float, float] | None:
    """Two-sided confidence sequence of p at level alpha, prior centred on p0; None before a trial."""
    if n <= 0:
        return None
    a, c = weight * p0, weight * (1.0 - p0)
    mixture = ln_beta(a + k, c + n - k) - ln_beta(a, c) + math.log(alpha)

    def kept(p: float) -> bool:
        return mixture <= _xlogy(k, p) + _xlogy(n - k, 1.0 - p)

    centre = k / n
    return _edge(kept, centre, 0.0), _edge(kept, centre, 1.0)


def _one_sided(k: float, n: float, p0: float, side: Side, weight: float) -> float:
    """What cutting the prior to one side adds: the posterior's tail over the prior's."""
    tail = _ln_tail(side, weight * p0 + k, weight * (1.0 - p0) + n - k, p0)
    return tail - _ln_prior_tail(p0, side, weight)


@functools.lru_cache(maxsize=4_096)
def _ln_prior_tail(p0: float, side: Side, weight: float) -> float:
    return _ln_tail(side, weight * p0, weight * (1.0 - p0), p0)


def _ln_tail(side: Side, a: float, c: float, p0: float) -> float:
    return ln_beta_above(a, c, p0) if side is Side.ABOVE else ln_beta_below(a, c, p0)


def _xlogy(weight: float, value: float) -> float:
    if weight == 0.0:
        return 0.0
    return weight * math.log(value) if value > 0.0 else -math.inf


def _edge(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    if kept(outside):
        return outside
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if kept(middle) else (inside, middle)
    return 0.5 * (inside + outside)


def _check(k: float, n: float, p0: float) -> None:
    if not 0.0 < p0 < 1.0:
        raise InputError("p0", p0, "between 0 and 1, both excluded")
    if not 0 <= k <= n:
        raise InputError("k", k, f"between 0 and n = {n}", "count the events among the trials")
