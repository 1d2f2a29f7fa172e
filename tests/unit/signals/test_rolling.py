"""Rolling sums do not drift, and the sampler settles a grid point once."""

from __future__ import annotations

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.rolling import EvenSampler, RollingSum


@given(values=st.lists(st.floats(-1e6, 1e6), max_size=200), window=st.integers(1, 20))
def test_the_rolling_sum_is_the_sum_of_the_last_values(values: list[float], window: int) -> None:
    rolling, last = RollingSum(window), deque(maxlen=window)
    for value in values:
        rolling.push(value)
        last.append(value)
        assert rolling.total == pytest.approx(math.fsum(last), abs=1e-8 * 1e6)
        assert rolling.is_full == (len(last) == window)
        assert rolling.mean == (pytest.approx(rolling.total / window) if rolling.is_full else None)


def test_a_huge_value_leaves_no_residue_once_it_is_gone() -> None:
    rolling = RollingSum(4)
    for value in [1e17, *[0.1] * 8]:
        rolling.push(value)
    assert rolling.total == pytest.approx(0.4, rel=1e-12)


@given(gaps=st.lists(st.floats(0.0, 3.0), min_size=2, max_size=50))
def test_each_grid_point_is_settled_once_with_the_last_value_at_or_before_it(gaps: list[float]) -> None:
    sampler, time, seen = EvenSampler(0.5, 100), 0.25, {}
    settled: list[float | None] = []
    for gap in gaps:
        time += gap
        settled += sampler.update(time, time)
        seen[time] = time
    first = math.ceil(min(seen) / 0.5)
    points = [i * 0.5 for i in range(first, math.ceil(time / 0.5))]
    assert settled == [max(t for t in seen if t <= point) for point in points]


def test_memory_of_a_silence_is_bounded() -> None:
    sampler = EvenSampler(1.0, 5)
    list(sampler.update(0.0, 1.0))
    assert list(sampler.update(1e12, 1.0)) == []
    assert sampler.reset


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(InputError, match="window: 0"):
        RollingSum(0)
