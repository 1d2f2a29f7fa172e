"""The special functions agree with mpmath at 40 digits."""

from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.gates.distributions import (
    ln_beta,
    ln_beta_above,
    ln_beta_below,
    ln_betainc,
    ln_normal_cdf,
    ln_twice_student_t_cdf,
)

mpmath.mp.dps = 40


def exact_ln_betainc(a: float, b: float, x: float) -> float:
    return float(mpmath.log(mpmath.betainc(mpmath.mpf(a), mpmath.mpf(b), 0, mpmath.mpf(x), regularized=True)))


@pytest.mark.parametrize("a", [0.3, 1.0, 7.5, 120.0])
@pytest.mark.parametrize("b", [0.5, 2.0, 40.0])
@pytest.mark.parametrize("x", [1e-6, 0.01, 0.3, 0.7, 0.99])
def test_the_incomplete_beta_function_is_mpmaths(a: float, b: float, x: float) -> None:
    assert ln_betainc(a, b, x) == pytest.approx(exact_ln_betainc(a, b, x), rel=1e-11, abs=1e-13)


def test_the_incomplete_beta_function_keeps_its_logarithm_where_it_underflows() -> None:
    assert ln_betainc(2_000.0, 3.0, 0.5) == pytest.approx(exact_ln_betainc(2_000.0, 3.0, 0.5), rel=1e-12)
    assert ln_betainc(2.0, 3.0, 0.0) == -math.inf
    assert ln_betainc(2.0, 3.0, 1.0) == 0.0


@pytest.mark.parametrize("df", [2, 5, 20, 300, 10_000])
@pytest.mark.parametrize("t", [1e-6, 0.2, 1.0, 2.7, 5.0, 12.0, 60.0])
@pytest.mark.parametrize("positive", [True, False])
def test_twice_the_t_distribution_is_mpmaths(df: int, t: float, positive: bool) -> None:
    k = t * t / (df + t * t)
    two_sided = mpmath.betainc(mpmath.mpf(df) / 2, mpmath.mpf("0.5"), 0, 1 - mpmath.mpf(k), regularized=True)
    exact = float(mpmath.log(2 - two_sided) if positive else mpmath.log(two_sided))
    assert ln_twice_student_t_cdf(df, k, positive=positive) == pytest.approx(exact, rel=2e-11, abs=1e-15)


def test_at_zero_both_halves_of_the_t_distribution_are_equal() -> None:
    assert ln_twice_student_t_cdf(7, 0.0, positive=True) == 0.0
    assert ln_twice_student_t_cdf(7, 0.0, positive=False) == 0.0


@pytest.mark.parametrize("z", [-200.0, -31.0, -29.0, -5.0, -0.1, 0.0, 3.0, 9.0])
def test_the_normal_tail_is_mpmaths(z: float) -> None:
    exact = float(mpmath.log(mpmath.ncdf(mpmath.mpf(z))))
    assert ln_normal_cdf(z) == pytest.approx(exact, rel=1e-9, abs=1e-15)


@given(a=st.floats(0.1, 500.0), b=st.floats(0.1, 500.0), p=st.floats(0.001, 0.999))
def test_above_and_below_add_up_to_one(a: float, b: float, p: float) -> None:
    total = math.exp(ln_beta_above(a, b, p)) + math.exp(ln_beta_below(a, b, p))
    assert total == pytest.approx(1.0, abs=1e-10)


def test_the_beta_function_of_small_integers_is_known() -> None:
    assert ln_beta(3.0, 4.0) == pytest.approx(math.log(1.0 / 60.0), rel=1e-14)
