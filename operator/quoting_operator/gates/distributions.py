"""The few special functions that the gates need, in double precision and without scipy.

Everything is returned as a natural logarithm where the plain value could underflow. Sources: Press et al.,
Numerical Recipes (3rd ed.), section 6.4 (continued fraction, modified Lentz); DLMF 8.17.8 (power series).
"""

from __future__ import annotations

import math

LN2 = math.log(2.0)
_TINY = 1e-300
_EPSILON = 1e-16
_MAX_TERMS = 1_000_000


def ln_beta(a: float, b: float) -> float:
    """Logarithm of the beta function B(a, b); a, b > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def ln_betainc(a: float, b: float, x: float) -> float:
    """Logarithm of the regularised incomplete beta function I_x(a, b); a, b > 0, x in [0, 1].

    Returns -inf at x = 0. Keeps its relative accuracy where I_x itself underflows.
    """
    if x <= 0.0:
        return -math.inf
    if x >= 1.0:
        return 0.0
    ln_front = a * math.log(x) + b * math.log1p(-x) - ln_beta(a, b)
    if x < (a + 1.0) / (a + b + 2.0):
        return ln_front + math.log(_continued_fraction(a, b, x) / a)
    complement = math.exp(ln_front) * _continued_fraction(b, a, 1.0 - x) / b
    return math.log1p(-complement) if complement < 1.0 else -math.inf


def ln_beta_above(a: float, b: float, p: float) -> float:
    """Logarithm of Pr[Beta(a, b) > p]."""
    return ln_betainc(b, a, 1.0 - p)


def ln_beta_below(a: float, b: float, p: float) -> float:
    """Logarithm of Pr[Beta(a, b) < p]."""
    return ln_betainc(a, b, p)


def ln_normal_cdf(z: float) -> float:
    """Logarithm of the standard normal distribution function, also far in the lower tail."""
    if z > -30.0:
        return math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
    inverse = 1.0 / (z * z)
    series = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse * (1.0 - 7.0 * inverse)))
    return -0.5 * z * z - math.log(-z) - 0.5 * math.log(2.0 * math.pi) + math.log(series)


def ln_twice_student_t_cdf(df: int, k: float, *, positive: bool) -> float:
    """ln(2 F_t[df](t)), given k = t^2 / (df + t^2) in [0, 1) and the sign of t.

    For t > 0, 2 F_t = 1 + I_k(1/2, df/2), where the power series has positive terms only; for t < 0 it is the
    two-sided tail I_(1-k)(df/2, 1/2), which needs its logarithm.
    """
    if k <= 0.0:
        return 0.0
    b = 0.5 * df
    front = math.exp(b * math.log1p(-k) - ln_beta(0.5, b)) * math.sqrt(k)
    if positive and front < _EPSILON * k * b:  # the tail is below front / (k b): 2 - tail is 2
        return LN2
    if k <= 0.5:
        body = 2.0 * front * _power_series(b, k)
        if positive or body < 0.5:
            return math.log1p(body if positive else -body)
    tail = ln_betainc(b, 0.5, 1.0 - k)
    return LN2 + math.log1p(-0.5 * math.exp(tail)) if positive else tail


def _power_series(b: float, x: float) -> float:
    """Sum of the series with I_x(1/2, b) = 2 x^(1/2) (1-x)^b / B(1/2, b) * sum."""
    term = total = 1.0
    numerator, denominator = (b + 0.5) * x, 1.5
    while term > _EPSILON * total:
        term *= numerator / denominator
        total += term
        numerator += x
        denominator += 1.0
    return total


def _continued_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) < 4.0 * _EPSILON:
            return value
    raise ArithmeticError(f"incomplete beta function did not converge at a={a}, b={b}, x={x}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
