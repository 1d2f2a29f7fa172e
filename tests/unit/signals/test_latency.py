"""Latency quantiles against numpy, and clocks that disagree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.latency import LatencyQuantiles

delays = st.lists(st.floats(1e-6, 10.0) | st.just(0.0), min_size=20, max_size=80)


@given(values=delays, share=st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_of_the_window_is_never_understated_and_close(values: list[float], share: float) -> None:
    signal = LatencyQuantiles(window=20)
    for value in values:
        signal.update(value)
    exact = float(np.quantile(values[-20:], share, method="inverted_cdf"))
    found = signal.quantile(share)
    assert found is not None
    assert exact * (1 - 1e-9) <= found <= exact * 1.01 * (1 + 1e-9)


def test_there_is_no_quantile_before_the_window_is_full() -> None:
    signal = LatencyQuantiles(window=3)
    for _ in range(2):
        signal.update(0.001)
        assert signal.quantile(0.5) is None
    signal.update(0.001)
    assert signal.quantile(0.5) is not None


@pytest.mark.parametrize("bad", [-0.001, math.nan, math.inf])
def test_a_delay_that_cannot_be_silences_the_signal_for_a_window(bad: float) -> None:
    signal = LatencyQuantiles(window=3)
    for delay in (0.001, 0.001, bad):
        signal.update(delay)
    for _ in range(2):
        signal.update(0.001)
        assert signal.quantile(0.5) is None
    signal.update(0.001)
    assert signal.quantile(0.5) == pytest.approx(0.001, rel=0.011)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        LatencyQuantiles(window=1).quantile(share)
