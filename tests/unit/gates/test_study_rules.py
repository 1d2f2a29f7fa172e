"""The replicas of other controllers' rules do what those rules say: the study compares like with like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.gate_study.noise import BLOCK_NOISES, OBSERVATION_NOISES, gaussian
from benchmarks.gate_study.rules import LOOK, RULES, argo, flagger, kayenta_once, repeated_t_test

RUNS = 2_000


def streams(mean: float, looks: int) -> np.ndarray:
    return gaussian(np.random.default_rng(31), RUNS, looks * LOOK) + mean


def rate(verdicts: np.ndarray) -> float:
    return float(np.mean(verdicts == 1))


def standard_error(p: float) -> float:
    return math.sqrt(max(p * (1.0 - p), 1e-4) / RUNS)


@pytest.mark.parametrize(
    ("threshold", "mean", "looks"), [(0.0, 0.0, 10), (-0.25, 0.0, 10), (-0.25, 0.1, 100)]
)
def test_argo_promotes_when_failures_stay_within_its_limit(threshold: float, mean: float, looks: int) -> None:
    p_fail = stats.norm.cdf((threshold - mean) * math.sqrt(LOOK))
    expected = stats.binom.cdf(3, looks, p_fail)
    found = rate(argo(threshold, looks)(streams(mean, looks), np.random.default_rng(0)))
    assert found == pytest.approx(expected, abs=4.0 * standard_error(expected))


@pytest.mark.parametrize("mean", [-0.25, 0.0])
def test_flagger_promotes_when_its_steps_come_before_its_failures(mean: float) -> None:
    p = stats.norm.sf((-0.25 - mean) * math.sqrt(LOOK))
    expected = sum(math.comb(9 + j, j) * p**10 * (1.0 - p) ** j for j in range(5))
    found = rate(flagger(-0.25)(streams(mean, 20), np.random.default_rng(0)))
    assert found == pytest.approx(expected, abs=4.0 * standard_error(expected))


def test_kayenta_passes_what_it_cannot_show_to_be_worse() -> None:
    rng = np.random.default_rng(1)
    assert rate(kayenta_once(streams(0.0, 10)[:300], rng)) > 0.98
    assert rate(kayenta_once(streams(-0.25, 10)[:300], rng)) == pytest.approx(0.36, abs=0.11)
    assert rate(kayenta_once(streams(-1.0, 10)[:100], rng)) == 0.0


def test_looking_a_hundred_times_makes_a_five_per_cent_test_a_coin() -> None:
    """Armitage, McPherson & Rowe (1969): 100 looks at two-sided 5 % reject a true null in 37 %."""
    verdicts = repeated_t_test(streams(0.0, 100), np.random.default_rng(0))
    assert float(np.mean(verdicts != 0)) == pytest.approx(0.38, abs=0.05)


def test_every_rule_and_noise_of_the_study_runs_on_a_short_stream() -> None:
    for noise in OBSERVATION_NOISES.values():
        for rule in RULES.values():
            verdicts = rule(noise(np.random.default_rng(2), 5, 2_000), np.random.default_rng(3))
            assert set(verdicts.tolist()) <= {-1, 0, 1}


@pytest.mark.parametrize("name", BLOCK_NOISES)
def test_noises_have_mean_zero_and_sd_one(name: str) -> None:
    sample = BLOCK_NOISES[name](np.random.default_rng(4), 1_000, 400)
    assert sample.mean() == pytest.approx(0.0, abs=0.02)
    assert sample.std() == pytest.approx(1.0, abs=0.06)
