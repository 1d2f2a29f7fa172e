"""Covariance of several feeds on one clock, and the isolation of a broken one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.correlation import Covariance


def streamed(mids: np.ndarray, window: int, dt: float = 1.0) -> Covariance:
    """Rows are moments dt apart; each instrument updates a little after the last."""
    signal = Covariance(mids.shape[1], dt, window)
    for step, row in enumerate(mids):
        for instrument, mid in enumerate(row):
            signal.update(dt * (step + 0.1 * (instrument + 1)), instrument, float(mid))
    return signal


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), window=st.integers(2, 20), dt=st.sampled_from([0.5, 1.0, 3.0]))
def test_streaming_gives_numpys_covariance_of_the_last_changes(seed: int, window: int, dt: float) -> None:
    rng = np.random.default_rng(seed)
    mids = 100 + np.cumsum(rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3)), axis=0)
    signal = streamed(mids, window, dt)
    changes = np.diff(mids, axis=0)[:-1][-window:]  # the last moment is settled by the next one
    expected = np.cov(changes.T) / dt
    assert np.array(signal.matrix()) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert signal.correlation(0, 2) == pytest.approx(np.corrcoef(changes.T)[0, 2], abs=1e-6)


def test_it_is_symmetric_and_one_with_itself() -> None:
    mids = 100 + np.cumsum(np.random.default_rng(1).normal(size=(40, 2)), axis=0)
    signal = streamed(mids, 20)
    assert signal.covariance(0, 1) == signal.covariance(1, 0)
    assert signal.correlation(1, 1) == pytest.approx(1.0)


def test_a_broken_feed_costs_its_own_pairs_only() -> None:
    mids = 100 + np.cumsum(np.random.default_rng(1).normal(size=(40, 3)), axis=0)
    broken = mids.copy()
    broken[25:, 1] = math.nan
    signal, sound = streamed(broken, 20), streamed(mids, 20)
    assert signal.covariance(0, 1) is signal.covariance(1, 1) is signal.correlation(1, 2) is None
    assert signal.covariance(0, 2) == sound.covariance(0, 2) is not None
    assert math.isnan(signal.matrix()[0][1])
    assert math.isfinite(signal.matrix()[0][2])


def test_there_is_nothing_before_the_window_is_full_nor_after_a_long_silence() -> None:
    mids = 100 + np.cumsum(np.random.default_rng(1).normal(size=(10, 2)), axis=0)
    assert streamed(mids, 9).covariance(0, 1) is None
    signal = streamed(mids, 5)
    assert signal.covariance(0, 1) is not None
    signal.update(1e6, 0, 100.0)
    assert signal.covariance(0, 1) is None


def test_an_instrument_that_stands_still_has_no_correlation() -> None:
    mids = np.column_stack([100 + np.arange(30) % 2, np.full(30, 50.0)])
    assert streamed(mids, 10).correlation(0, 1) is None


@pytest.mark.parametrize(("instruments", "window"), [(0, 5), (2, 1)])
def test_settings_without_a_meaning_are_refused(instruments: int, window: int) -> None:
    with pytest.raises(InputError):
        Covariance(instruments, 1.0, window)
