"""The tridiagonal solver against independent oracles: scipy's expm, mpmath in 60 digits, the cosine."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.linalg import expm

from quoting_policy.models import RefusalError
from quoting_policy.models.finite_horizon import FiniteHorizon
from quoting_policy.models.inventory_grid import InventoryGrid, stationary

grids = st.builds(
    InventoryGrid,
    curvature=st.floats(0.0, 0.05),
    slope=st.floats(-0.01, 0.01),
    bid_rate=st.floats(0.05, 2.0),
    ask_rate=st.floats(0.05, 2.0),
    terminal=st.floats(0.0, 0.05),
    limit=st.integers(1, 12),
)


def matrix(grid: InventoryGrid) -> np.ndarray:
    size = 2 * grid.limit + 1
    return (
        np.diag(grid.diagonal())
        - grid.bid_rate * np.diag(np.ones(size - 1), 1)
        - grid.ask_rate * np.diag(np.ones(size - 1), -1)
    )


def exact_log_ratios(grid: InventoryGrid, tau: float, digits: int = 60) -> list[float]:
    """``ln(v_n/v_{n+1})`` of exp(-Mτ)v(0), computed with mpmath."""
    mp.dps = digits
    size = 2 * grid.limit + 1
    m = mp.matrix(matrix(grid).tolist())
    start = mp.matrix([mp.exp(-mpf(grid.terminal) * n * n) for n in range(-grid.limit, grid.limit + 1)])
    v = mp.expm(-m * mpf(tau), method="taylor") * start
    return [float(mp.log(v[i] / v[i + 1])) for i in range(size - 1)]


@settings(max_examples=40)
@given(grid=grids, tau=st.floats(0.0, 30.0))
def test_finite_horizon_agrees_with_the_matrix_exponential(grid: InventoryGrid, tau: float) -> None:
    m = matrix(grid)
    n = np.arange(-grid.limit, grid.limit + 1)
    v = expm(-(m - np.eye(len(m)) * np.linalg.eigvals(m).real.min()) * tau) @ np.exp(-grid.terminal * n**2)
    expected = np.log(v[:-1] / v[1:])
    assert FiniteHorizon(grid).log_ratios(tau) == pytest.approx(expected.tolist(), abs=1e-10)


@pytest.mark.parametrize("tau", [0.0, 1e-3, 1.0, 600.0])
def test_edges_hold_where_their_entries_are_1e_24_of_the_largest(tau: float) -> None:
    """A steep grid in 60 digits: an eigenvector of a general solver has no digit left at the edges here."""
    grid = InventoryGrid(curvature=0.5, slope=0.01, bid_rate=0.2, ask_rate=0.1, terminal=0.05, limit=12)
    expected = exact_log_ratios(grid, tau, digits=80)
    assert FiniteHorizon(grid).log_ratios(tau) == pytest.approx(expected, abs=1e-12)
    if tau == 600.0:
        assert max(np.cumsum(expected)) - min(np.cumsum(expected)) > 24 * math.log(10)
        assert stationary(grid) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60)
@given(grid=grids)
def test_stationary_ratios_are_an_eigenvector_of_the_smallest_eigenvalue(grid: InventoryGrid) -> None:
    logs = np.concatenate([[0.0], -np.cumsum(stationary(grid))])
    v = np.exp(logs - logs.max())
    off = np.full(2 * grid.limit, math.sqrt(grid.bid_rate * grid.ask_rate))
    similar = np.diag(grid.diagonal()) - np.diag(off, 1) - np.diag(off, -1)
    smallest = np.linalg.eigvalsh(similar)[0]  # eigvals of the matrix itself is good to 1e-9 only
    assert matrix(grid) @ v == pytest.approx(smallest * v, abs=1e-10)


@given(limit=st.integers(1, 60), rate=st.floats(0.01, 10.0))
def test_without_risk_the_stationary_vector_is_a_cosine(limit: int, rate: float) -> None:
    grid = InventoryGrid(0.0, 0.0, rate, rate, 0.0, limit)
    v = [math.cos(math.pi * n / (2 * limit + 2)) for n in range(-limit, limit + 1)]
    expected = [math.log(a / b) for a, b in itertools.pairwise(v)]
    assert stationary(grid) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(grid=grids)
def test_a_long_horizon_is_the_stationary_solution(grid: InventoryGrid) -> None:
    spectrum = np.sort(np.linalg.eigvals(matrix(grid)).real)
    tau = 40.0 / (spectrum[1] - spectrum[0])
    assert FiniteHorizon(grid).log_ratios(tau) == pytest.approx(stationary(grid), abs=1e-9)


def test_terminal_condition_at_no_time_left() -> None:
    grid = InventoryGrid(0.1, 0.0, 1.0, 1.0, 0.02, 5)
    expected = [0.02 * ((n + 1) ** 2 - n**2) for n in range(-5, 5)]
    assert FiniteHorizon(grid).log_ratios(0.0) == pytest.approx(expected, abs=1e-14)


def test_vectors_beyond_floating_point_are_refused_not_quoted() -> None:
    with pytest.raises(RefusalError, match="maxInventory"):
        FiniteHorizon(InventoryGrid(5.0, 0.0, 1e-3, 1e-3, 0.0, 200)).log_ratios(100.0)
    with pytest.raises(RefusalError, match="timeLeft"):
        FiniteHorizon(InventoryGrid(0.1, 0.0, 1.0, 1.0, 0.0, 5)).log_ratios(1e300)
