"""Detectors against their definitions and their bounds."""

from __future__ import annotations

import numpy as np
import pytest

from quoting_operator.gates.betting import STAKES
from quoting_operator.gates.detectors import (
    CusumState,
    DetectorState,
    alarm_threshold,
    cusum_run_length,
    cusum_threshold,
    cusum_update,
    e_cusum_update,
    sr_update,
)
from quoting_policy.errors import InputError

VALUES = [0.3, -1.0, -0.4, 0.8, -1.5, 5.0, -0.2]


def factors(stake: float, boundary: float, bound: float) -> list[float]:
    return [1.0 + stake * (boundary - min(d, bound)) / (bound - boundary) for d in VALUES]


def test_sr_sums_the_wealth_of_a_bet_begun_at_every_block() -> None:
    state = DetectorState(0.1, 3.0, 1e9)
    for d in VALUES:
        state = sr_update(state, d)
    expected = np.mean([sum(np.prod(factors(s, 0.1, 3.0)[j:]) for j in range(len(VALUES))) for s in STAKES])
    assert state.statistic == pytest.approx(expected, rel=1e-12)


def test_e_cusum_is_the_wealth_of_the_best_start() -> None:
    state = DetectorState(0.1, 3.0, 1e9)
    for d in VALUES:
        state = e_cusum_update(state, d)
    expected = np.mean([max(np.prod(factors(s, 0.1, 3.0)[j:]) for j in range(len(VALUES))) for s in STAKES])
    assert state.statistic == pytest.approx(expected, rel=1e-12)


def test_without_harm_the_expected_sr_statistic_is_the_number_of_blocks() -> None:
    rng = np.random.default_rng(3)
    finals = []
    for row in rng.uniform(-1.0, 1.0, (2_000, 10)):
        state = DetectorState(0.0, 1.0, 1e9)
        for d in row:
            state = sr_update(state, float(d))
        finals.append(state.statistic)
    assert np.mean(finals) == pytest.approx(10.0, abs=4.0 * np.std(finals) / np.sqrt(len(finals)))


@pytest.mark.parametrize("advance", [sr_update, e_cusum_update])
def test_false_alarms_within_the_horizon_stay_within_alpha(advance: object) -> None:
    assert callable(advance)
    rng, alarms, runs, horizon = np.random.default_rng(4), 0, 300, 60
    for row in rng.uniform(-1.0, 1.0, (runs, horizon)):
        state = DetectorState(0.0, 1.0, alarm_threshold(0.1, horizon))
        for d in row:
            state = advance(state, float(d))
        alarms += state.alarmed
    assert alarms / runs <= 0.1 + 3.0 * (0.09 / runs) ** 0.5


def test_an_alarm_is_latched_and_huge_losses_do_not_overflow() -> None:
    state = DetectorState(0.0, 1.0, 100.0)
    for _ in range(400):
        state = sr_update(state, -1e6)
    assert state.alarmed
    assert sr_update(state, 1.0).alarmed
    assert np.isfinite(state.statistic)


def test_a_gain_bound_below_the_boundary_is_refused() -> None:
    with pytest.raises(InputError, match="gain_bound"):
        DetectorState(0.5, 0.5, 10.0)


def test_cusum_follows_its_recursion_and_latches() -> None:
    state, w = CusumState(0.0, 2.0, 0.25, 1.0), 0.0
    for d in VALUES:
        state = cusum_update(state, d)
        w = max(0.0, w - d / 2.0 - 0.25)
        assert state.statistic == pytest.approx(w)
    for _ in range(3):
        state = cusum_update(state, -4.0)
    assert state.alarmed
    assert cusum_update(state, 50.0).alarmed


def test_the_threshold_for_ten_thousand_blocks_is_the_documented_one() -> None:
    assert cusum_threshold(0.25, 1e4) == pytest.approx(13.1, abs=0.05)
    assert cusum_run_length(0.25, cusum_threshold(0.25, 500.0)) == pytest.approx(500.0)
