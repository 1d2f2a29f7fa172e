"""The monitors of what the tests assume."""

from __future__ import annotations

import numpy as np
import pytest

from quoting_operator.gates.monitors import FanoSums, LagSums, lag1_of_blocks
from quoting_operator.gates.tmix import MeanSums

RNG = np.random.default_rng(8)


def lag_of(values: list[float], gaps: set[int] = frozenset()) -> tuple[LagSums, MeanSums]:
    lag, sums, last = LagSums(), MeanSums(), 0.0
    for i, d in enumerate(values):
        sums = sums.plus(d)
        y = d - sums.shift
        if i > 0 and i not in gaps:
            lag = lag.plus(last, y)
        last = y
    return lag, sums


def test_lag_one_is_the_sample_correlation_of_neighbours() -> None:
    values = RNG.standard_normal(50) + 7.0
    centred = values - values.mean()
    expected = (centred[1:] @ centred[:-1] / 49) / (centred @ centred / 50)
    lag, sums = lag_of(values.tolist())
    assert lag.r1(sums) == pytest.approx(expected, rel=1e-10)


def test_a_gap_makes_no_pair() -> None:
    lag, _ = lag_of(RNG.standard_normal(20).tolist(), gaps={5, 6})
    assert lag.pairs == 17


def test_blocks_that_just_obey_the_rule_do_not_trip_for_thousands_of_blocks() -> None:
    coefficient = 0.055
    noise = RNG.standard_normal(5_000)
    for j in range(1, len(noise)):
        noise[j] += coefficient * noise[j - 1]
    lag, sums = lag_of(noise.tolist())
    assert lag.z(sums) < 3.0


def test_raw_correlated_observations_trip_soon() -> None:
    noise = RNG.standard_normal(200)
    for j in range(1, len(noise)):
        noise[j] += 0.5 * noise[j - 1]
    lag, sums = lag_of(noise.tolist())
    assert lag.z(sums) > 3.0


def test_without_pairs_or_spread_nothing_trips() -> None:
    assert LagSums().z(MeanSums()) == 0.0
    lag, sums = lag_of([1.0, 1.0, 1.0])
    assert lag.z(sums) < 0.0


def test_the_lag_of_blocks_of_an_ar1_is_that_of_its_covariances() -> None:
    f, b = 0.5, 20
    autocovariance = f ** np.abs(np.subtract.outer(np.arange(2 * b), np.arange(2 * b)))
    within, across = autocovariance[:b, :b].sum(), autocovariance[:b, b:].sum()
    assert lag1_of_blocks(f, b) == pytest.approx(across / within)


def fano_of(counts: np.ndarray, trials: float) -> FanoSums:
    fano, events, total = FanoSums(), 0.0, 0.0
    for k in counts:
        events, total = events + float(k), total + trials
        fano = fano.plus(float(k), trials, events / total)
    return fano


def test_independent_events_have_a_fano_factor_of_one() -> None:
    fano = fano_of(RNG.binomial(1_000, 0.02, 400), 1_000.0)
    assert fano.fano == pytest.approx(1.0, abs=0.25)
    assert fano.z < 3.0


def test_bursts_trip() -> None:
    fano = fano_of(5 * RNG.binomial(200, 0.02, 100), 1_000.0)
    assert fano.fano == pytest.approx(5.0, rel=0.4)
    assert fano.z > 3.0


def test_a_few_rare_events_are_no_burst() -> None:
    trips = sum(fano_of(RNG.binomial(100, 0.003, 60), 100.0).z > 3.0 for _ in range(200))
    assert trips <= 10


def test_blocks_without_trials_say_nothing() -> None:
    assert FanoSums().plus(0.0, 0.0, 0.5) == FanoSums()
    assert FanoSums().z == 0.0
