"""Volatility: per √s, against numpy, blind to bounce, silent when it does not know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.volatility import Volatility


def streamed(times: list[float], mids: list[float], **how: float) -> float | None:
    signal = Volatility(**how)  # type: ignore[arg-type]  # numbers of both kinds
    for time, mid in zip(times, mids, strict=True):
        signal.update(time, mid)
    return signal.value()


def batch(times: list[float], mids: list[float], dt: float, window: int) -> float:
    """Numpy on the whole record: last mid at or before each grid point that time has passed."""
    grid = np.arange(math.ceil(times[0] / dt), math.ceil(times[-1] / dt))
    places = np.searchsorted(times, grid * dt, side="right") - 1
    changes = np.diff(np.array(mids)[places])[-window:]
    return float(changes.std(ddof=1) / math.sqrt(dt))


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), window=st.integers(6, 20))
def test_streaming_gives_what_numpy_gives_on_the_whole_record(seed: int, window: int) -> None:
    """Uneven steps of up to 2.7 s on a grid of 0.5 s; binary fractions, so that edges are exact."""
    rng = np.random.default_rng(seed)
    times = (np.cumsum(rng.integers(1, 700, 60)) / 256.0).tolist()
    mids = (100.0 + np.cumsum(rng.normal(size=60))).tolist()
    found = streamed(times, mids, dt=0.5, window=window)
    assert found == pytest.approx(batch(times, mids, 0.5, window), rel=1e-6, abs=1e-6)


def test_two_scales_follow_their_formula() -> None:
    mids = np.random.default_rng(4).normal(size=60).cumsum()
    found = streamed([float(t) for t in range(60)], mids.tolist(), dt=1.0, window=40, scales=4)
    settled = mids[:-1]
    fast, slow = np.diff(settled)[-40:], (settled[4:] - settled[:-4])[-40:]
    assert found == pytest.approx(math.sqrt((slow.var(ddof=1) - fast.var(ddof=1)) / 3))


def brownian(sigma: float, seconds: int, rate: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    times = np.arange(seconds * rate) / rate
    return times, 100.0 + sigma / math.sqrt(rate) * np.cumsum(rng.normal(size=len(times)))


@pytest.mark.parametrize("dt", [0.25, 1.0, 4.0])
def test_it_is_per_root_second_whatever_the_sampling(dt: float) -> None:
    times, mids = brownian(0.3, 8000)
    window = int(7900 / dt)
    found = streamed(times.tolist(), mids.tolist(), dt=dt, window=window)
    assert found == pytest.approx(0.3, rel=4 / math.sqrt(2 * window))


def test_two_scales_see_through_a_bounce_that_blinds_one() -> None:
    times, mids = brownian(0.3, 8000)
    bounced = mids + np.random.default_rng(5).choice([-0.5, 0.5], len(mids))
    one = streamed(times.tolist(), bounced.tolist(), dt=1.0, window=7500)
    two = streamed(times.tolist(), bounced.tolist(), dt=1.0, window=7500, scales=20)
    assert one == pytest.approx(math.sqrt(0.3**2 + 2 * 0.25), rel=0.05)
    assert two == pytest.approx(0.3, rel=0.12)


def test_there_is_no_value_before_the_window_is_full_nor_after_a_bad_mid() -> None:
    signal = Volatility(dt=1.0, window=3)
    values = []
    for time, mid in enumerate([1.0, 2.0, 1.0, 3.0, 2.0, math.nan, 2.0]):
        signal.update(float(time), mid)
        values.append(signal.value())
    assert values[:4] == [None] * 4
    assert values[4] is not None
    assert values[5] is None
    assert values[6] is not None, "an unknown grid point costs its two changes, not the window"


def test_a_long_silence_and_time_going_back_start_afresh() -> None:
    signal = Volatility(dt=1.0, window=3)
    for time in range(6):
        signal.update(float(time), float(time % 2))
    assert signal.value() is not None
    signal.update(100.0, 1.0)
    assert signal.value() is None
    for time in range(101, 107):
        signal.update(float(time), float(time % 2))
    assert signal.value() is not None
    signal.update(50.0, 1.0)
    assert signal.value() is None


def test_a_mid_that_stands_still_has_no_volatility() -> None:
    assert streamed([float(t) for t in range(20)], [100.0] * 20, dt=1.0, window=5) == 0.0


@pytest.mark.parametrize(
    "how", [{"dt": 0.0, "window": 5}, {"dt": math.nan, "window": 5}, {"dt": 1.0, "window": 1}]
)
def test_settings_without_a_meaning_are_refused(how: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Volatility(**how)  # type: ignore[arg-type]  # numbers of both kinds
