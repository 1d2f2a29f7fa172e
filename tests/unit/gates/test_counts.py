"""Counting gates against quadrature, exact sums and a published implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from quoting_operator.gates.counts import (
    Side,
    beta_rate,
    beta_rate_raised,
    beta_rate_two_sided,
    proportion_interval,
    quantile_exceedance,
    rate_ratio,
    two_arm_share,
)
from quoting_policy.errors import InputError


def quadrature(k: int, n: int, p0: float, low: float, high: float) -> float:
    prior = stats.beta(20.0 * p0, 20.0 * (1.0 - p0))

    def ratio(p: float) -> float:
        ln = k * math.log(p / p0) + (n - k) * math.log((1.0 - p) / (1.0 - p0))
        return float(prior.pdf(p) * math.exp(ln))

    value, _ = integrate.quad(ratio, low, high, epsabs=0.0, epsrel=1e-10, limit=500)
    return math.log(value / (prior.cdf(high) - prior.cdf(low)))


@pytest.mark.parametrize(("k", "n", "p0"), [(3, 50, 0.1), (12, 50, 0.1), (0, 30, 0.2), (40, 60, 0.5)])
def test_evidence_is_the_binomial_likelihood_ratio_mixed_over_a_beta_prior(k: int, n: int, p0: float) -> None:
    assert beta_rate(k, n, p0, ">") == pytest.approx(quadrature(k, n, p0, p0, 1.0 - 1e-12), abs=1e-6)
    assert beta_rate(k, n, p0, "<") == pytest.approx(quadrature(k, n, p0, 1e-12, p0), abs=1e-6)
    assert beta_rate_two_sided(k, n, p0) == pytest.approx(quadrature(k, n, p0, 1e-13, 1.0 - 1e-13), abs=1e-5)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("n", "p0"), [(1, 0.3), (25, 0.05), (80, 0.5)])
def test_at_the_boundary_the_mean_of_e_is_exactly_one(side: Side, n: int, p0: float) -> None:
    mean = sum(stats.binom.pmf(k, n, p0) * math.exp(beta_rate(k, n, p0, side)) for k in range(n + 1))
    assert mean == pytest.approx(1.0, abs=1e-10)


@given(k=st.integers(0, 60), extra=st.integers(0, 60), p0=st.floats(0.02, 0.98))
def test_inside_the_null_the_mean_of_e_is_at_most_one(k: int, extra: int, p0: float) -> None:
    n, p = k + extra + 1, 0.8 * p0
    pmf = stats.binom.pmf(np.arange(n + 1), n, p)
    mean = sum(w * math.exp(beta_rate(j, n, p0, Side.ABOVE)) for j, w in enumerate(pmf) if w > 1e-14)
    assert mean <= 1.0 + 1e-9


@given(data=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 90)), min_size=1, max_size=15))
def test_the_running_maximum_skips_nothing(data: list[tuple[int, int]]) -> None:
    for side in Side:
        k = n = 0
        highest = raised = 0.0
        for events, others in data:
            k, n = k + events, n + events + others
            highest = max(highest, beta_rate(k, n, 0.1, side))
            raised = beta_rate_raised(k, n, 0.1, side, raised)
        assert raised == highest


def test_two_arms_are_compared_by_the_candidates_share() -> None:
    assert two_arm_share(30.0, 70.0, 1.0) == pytest.approx(0.3)
    assert two_arm_share(30.0, 70.0, 2.0) == pytest.approx(60.0 / 130.0)
    assert rate_ratio(two_arm_share(30.0, 70.0, 1.7), 30.0, 70.0) == pytest.approx(1.7)
    assert rate_ratio(1.0, 1.0, 1.0) == math.inf


def test_p99_without_an_exceedance_takes_about_330_requests() -> None:
    p0 = quantile_exceedance(0.99)
    needed = next(n for n in range(1, 1_000) if beta_rate(0, n, p0, "<") >= math.log(20.0))
    assert needed == pytest.approx(330, abs=10)


# ville 0.1.0, proportions.BernoulliCS, prior (K p0, K (1 - p0)) with K = 20.
@pytest.mark.parametrize(
    ("k", "n", "p0", "published"),
    [
        (3, 40, 0.05, (0.009000616309409498, 0.24083915094290836)),
        (17, 30, 0.5, (0.3287931096910468, 0.7848613754913454)),
    ],
)
def test_the_interval_is_the_published_one(k: int, n: int, p0: float, published: tuple[float, float]) -> None:
    assert proportion_interval(k, n, p0, 0.05) == pytest.approx(published, abs=1e-9)


def test_the_interval_reaches_the_end_where_no_event_or_nothing_else_was_seen() -> None:
    none, every = proportion_interval(0, 10, 0.1, 0.05), proportion_interval(10, 10, 0.1, 0.05)
    assert none is not None
    assert every is not None
    assert none[0] == 0.0
    assert every[1] == 1.0
    assert proportion_interval(0, 0, 0.1, 0.05) is None


@pytest.mark.parametrize(("k", "n", "p0"), [(-1, 5, 0.1), (6, 5, 0.1), (1, 5, 0.0), (1, 5, 1.0)])
def test_impossible_counts_are_refused(k: int, n: int, p0: float) -> None:
    with pytest.raises(InputError):
        beta_rate(k, n, p0, ">")


def test_a_quantile_outside_the_unit_interval_is_refused() -> None:
    with pytest.raises(InputError, match="99th percentile"):
        quantile_exceedance(99.0)
