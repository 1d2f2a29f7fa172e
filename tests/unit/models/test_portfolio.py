"""Shared risk of correlated instruments, and its isolation from their errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.models import build
from quoting_policy.models.portfolio import cross_risks, reservation_shifts
from tests.unit.models.markets import state

moves = st.lists(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3), min_size=6, max_size=12)
positions = st.lists(st.floats(-100.0, 100.0), min_size=3, max_size=3)


def covariance_of(sample: list[list[float]]) -> list[list[float]]:
    found: list[list[float]] = (np.cov(np.array(sample).T) + 1e-3 * np.eye(3)).tolist()
    return found


@given(sample=moves, inventories=positions, gamma=st.floats(0.0, 1.0), tau=st.floats(0.0, 100.0))
def test_shifts_are_minus_gamma_tau_covariance_times_inventories(
    sample: list[list[float]], inventories: list[float], gamma: float, tau: float
) -> None:
    covariance = covariance_of(sample)
    expected = -gamma * tau * np.array(covariance) @ np.array(inventories)
    shifts = reservation_shifts(inventories, covariance, gamma=gamma, tau=tau)
    assert shifts == pytest.approx(expected.tolist(), abs=1e-6)


@given(sample=moves, inventories=positions)
def test_a_model_with_the_cross_risk_has_the_portfolios_reservation_price(
    sample: list[list[float]], inventories: list[float]
) -> None:
    covariance = covariance_of(sample)
    shifts = reservation_shifts(inventories, covariance, gamma=0.01, tau=10.0)
    for i, risk in enumerate(cross_risks(inventories, covariance)):
        assert risk.lots is not None
        sigma = math.sqrt(covariance[i][i])
        quoting = build("AvellanedaStoikov", {"gamma": 0.01, "sigma": sigma, "k": 1.0})
        quote = quoting.quote(state(inventory=inventories[i], correlated_inventory=risk.lots, time_left=10.0))
        assert quote.reservation - 1000.0 == pytest.approx(shifts[i], abs=1e-6)


COVARIANCE = [[1.0, 0.5, 0.2], [0.5, 2.0, 0.1], [0.2, 0.1, 3.0]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_inventory_spoils_its_own_instrument_and_no_other(bad: float) -> None:
    risks = cross_risks([10.0, bad, 5.0], COVARIANCE)
    assert [risk.lots for risk in risks] == [pytest.approx(0.2 * 5.0), None, pytest.approx(0.2 * 10.0 / 3.0)]
    assert [risk.left_out for risk in risks] == [(1,), (), (1,)]


@pytest.mark.parametrize("bad", [math.nan, -1.0, math.inf, 0.0])
def test_a_bad_variance_spoils_its_own_instrument_and_no_other(bad: float) -> None:
    covariance = [row.copy() for row in COVARIANCE]
    covariance[1][1] = bad
    shifts = reservation_shifts([10.0, 4.0, 5.0], covariance, gamma=1.0, tau=1.0)
    assert shifts[1] is None
    assert all(shift is not None and math.isfinite(shift) for shift in (shifts[0], shifts[2]))


def test_a_covariance_beyond_perfect_correlation_is_left_out_and_reported() -> None:
    covariance = [[1.0, 3.0], [3.0, 1.0]]
    assert [risk.left_out for risk in cross_risks([1.0, 1.0], covariance)] == [(1,), (0,)]
    assert [risk.lots for risk in cross_risks([1.0, 1.0], covariance)] == [0.0, 0.0]


def test_a_covariance_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"covariance: .* must be 2 x 2"):
        cross_risks([1.0, 2.0], [[1.0, 0.5]])
    with pytest.raises(InputError, match=r"gamma: -1.0"):
        reservation_shifts([1.0], [[1.0]], gamma=-1.0, tau=1.0)
