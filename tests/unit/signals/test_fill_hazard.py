"""Fill intensity: recovery of what made the data, honest errors, corners, batch against streaming."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.fill_hazard import FillHazardEstimator, HazardFit, NoFitError, fit_mle, fit_ols

LEVELS = [0.0, 0.5, 1.0, 1.5, 2.0]


@given(A=st.floats(0.1, 20.0), k=st.floats(0.05, 3.0), dt=st.floats(0.01, 1.0))
def test_least_squares_inverts_exact_shares(A: float, k: float, dt: float) -> None:  # noqa: N803  the paper's letters
    windows = 10**12
    reached = [round(-math.expm1(-A * math.exp(-k * d) * dt) * windows) for d in LEVELS]
    fit = fit_ols(LEVELS, reached, windows, dt)
    assert pytest.approx(A, rel=1e-3) == fit.hazard.A
    assert fit.hazard.k == pytest.approx(k, rel=1e-2)
    assert (fit.lowest, fit.highest) == (0.0, 2.0)


def test_likelihood_follows_its_formulas() -> None:
    depths = [0.7, 0.9, 1.4, 2.2]
    fit = fit_mle(len(depths), sum(depths) - 4 * 0.5, 0.5, max(depths), seconds=8.0)
    k = 4 / (sum(depths) - 2.0)
    assert fit.hazard.k == pytest.approx(k)
    assert pytest.approx(0.5 * math.exp(0.5 * k)) == fit.hazard.A
    assert fit.k_se == pytest.approx(k / 2)
    assert fit.log_A_se == pytest.approx(math.sqrt((1 + (0.5 * k) ** 2) / 4))


@pytest.mark.parametrize("method", ["ols", "mle"])
def test_standard_errors_are_the_spread_of_estimates_over_many_recordings(method: str) -> None:
    """Monte Carlo: 600 recordings of Poisson trades with exponential depths."""
    rng = np.random.default_rng(2)
    intensity, k, dt, windows, low = 2.0, 0.8, 0.1, 5000, 0.25
    levels = [low + 0.5 * i for i in range(5)]
    ks, log_as, fits = [], [], []
    for _ in range(600):
        count = rng.poisson(intensity * dt * windows)
        place, depth = rng.integers(0, windows, count), rng.exponential(1 / k, count)
        if method == "mle":
            used = depth[depth >= low]
            fit = fit_mle(len(used), float((used - low).sum()), low, float(used.max()), windows * dt)
        else:
            deepest = np.full(windows, -1.0)
            np.maximum.at(deepest, place, depth)
            fit = fit_ols(levels, [int((deepest >= x).sum()) for x in levels], windows, dt)
        fits.append(fit)
        ks.append(fit.hazard.k)
        log_as.append(math.log(fit.hazard.A))
    assert np.mean(ks) == pytest.approx(k, rel=0.02)
    assert np.mean(log_as) == pytest.approx(math.log(intensity), abs=0.02)
    assert np.mean([fit.k_se for fit in fits]) == pytest.approx(np.std(ks), rel=0.12)
    assert np.mean([fit.log_A_se for fit in fits]) == pytest.approx(np.std(log_as), rel=0.12)


def test_standard_errors_are_the_delta_method_on_the_covariance_of_nested_shares() -> None:
    levels, reached, windows, dt = [0.0, 1.0, 2.0, 3.0], [600, 350, 120, 60], 1000, 0.5
    shares = np.array(reached) / windows
    deeper, shallower = np.minimum.outer(shares, shares), np.maximum.outer(shares, shares)
    covariance = deeper * (1 - shallower) / windows
    design = np.column_stack([np.ones(4), levels])

    def coefficients(p: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.linalg.lstsq(design, np.log(-np.log1p(-p) / dt), rcond=None)[0]
        return found

    slopes = np.column_stack(
        [(coefficients(shares + step) - coefficients(shares - step)) / 2e-6 for step in 1e-6 * np.eye(4)]
    )
    errors = np.sqrt(np.diag(slopes @ covariance @ slopes.T))
    fit = fit_ols(levels, reached, windows, dt)
    assert (fit.log_A_se, fit.k_se) == pytest.approx(tuple(errors), rel=1e-6)


def test_levels_that_all_or_no_windows_reach_are_dropped() -> None:
    fit = fit_ols([0.0, 1.0, 2.0, 3.0, 4.0], [100, 50, 25, 12, 0], 100, 1.0)
    assert (fit.used, fit.lowest, fit.highest) == (3, 1.0, 3.0)


@pytest.mark.parametrize(
    ("levels", "reached"),
    [([0.0, 1.0, 2.0], [100, 50, 25]), ([0.0, 1.0, 2.0], [25, 50, 75]), ([1.0, 1.0, 1.0], [5, 5, 5])],
)
def test_too_few_levels_or_an_intensity_that_rises_is_no_fit(levels: list[float], reached: list[int]) -> None:
    with pytest.raises(NoFitError):
        fit_ols(levels, reached, 100, 1.0)


@pytest.mark.parametrize(("count", "excess"), [(0, 0.0), (2, 1.0), (5, 0.0)])
def test_no_trades_or_no_spread_of_depths_is_no_fit(count: int, excess: float) -> None:
    with pytest.raises(NoFitError):
        fit_mle(count, excess, 0.0, 1.0, 10.0)


def figures(fit: HazardFit) -> list[float]:
    return [fit.hazard.A, fit.hazard.k, *fit[1:]]


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000))
def test_streaming_gives_what_the_batch_gives_on_the_last_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = list(zip(rng.integers(0, 40, 60).tolist(), rng.uniform(-1, 3, 60).round(3).tolist(), strict=True))
    dt, count = 0.25, 20
    times = (np.cumsum([step for step, _ in steps]) / 64.0).tolist()
    depths = [depth for _, depth in steps]
    signal = FillHazardEstimator(LEVELS, dt, count, max_age=1e-9)
    for time, depth in zip(times, depths, strict=True):
        signal.trade(time, depth)
    now = times[-1] + dt
    last = math.floor(now / dt)
    first = math.floor(times[0] / dt)
    kept = [(math.floor(t / dt), d) for t, d in zip(times, depths, strict=True)]
    kept = [(w, d) for w, d in kept if last - count <= w < last and d >= LEVELS[0]]
    if last - first < count:
        assert signal.ols(now) is None
        return
    deepest = {w: max(d for v, d in kept if v == w) for w, _ in kept}
    reached = [sum(d >= level for d in deepest.values()) for level in LEVELS]
    for kind, batch in (
        ("ols", lambda: fit_ols(LEVELS, reached, count, dt)),
        ("mle", lambda: fit_mle(len(kept), math.fsum(d for _, d in kept), 0.0, LEVELS[-1], count * dt)),
    ):
        try:
            expected = batch()
        except NoFitError:
            assert getattr(signal, kind)(now) is None
        else:
            assert figures(getattr(signal, kind)(now)) == pytest.approx(figures(expected))


def test_a_good_fit_stands_until_its_age_limit_and_no_longer() -> None:
    signal = FillHazardEstimator(LEVELS, 1.0, 10, max_age=30.0)
    for time, depth in enumerate([2.5, 0.2, 1.2, 0.6, 0.1, 1.6, 0.3, 0.7, 0.2, 2.0, 0.1]):
        signal.trade(float(time), depth)
        signal.advance(float(time))
    signal.advance(12.0)
    fit = signal.mle(12.0)
    assert fit is not None
    assert signal.mle(41.9) == fit, "all windows are empty now"
    assert signal.mle(42.1) is None


def test_nothing_is_known_before_the_windows_are_full_or_after_time_went_back() -> None:
    signal = FillHazardEstimator(LEVELS, 1.0, 5, max_age=100.0)
    for time in range(5):
        signal.trade(float(time), 0.3 * time)
    assert signal.mle(4.5) is None
    assert signal.mle(6.0) is not None
    assert signal.mle(2.0) is None


def test_what_is_not_finite_is_dropped() -> None:
    clean, dirty = (FillHazardEstimator(LEVELS, 1.0, 5, max_age=1.0) for _ in range(2))
    for time in range(8):
        for signal in (clean, dirty):
            signal.trade(float(time), 0.3 * time)
        dirty.trade(float(time), math.nan)
        dirty.trade(math.nan, 1.0)
    assert dirty.mle(8.0) == clean.mle(8.0) is not None


@pytest.mark.parametrize("levels", [[0.0, 1.0], [0.0, 2.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 1.0, math.nan]])
def test_levels_must_rise_from_zero_on(levels: list[float]) -> None:
    with pytest.raises(InputError, match="levels"):
        FillHazardEstimator(levels, 1.0, 5, 1.0)
