"""Replicas of how other controllers decide, on one observation-level stream of paired differences.

Each rule looks every 20 observations and gives +1 (promote), -1 (roll back) or 0 (neither by the end).
Sources: Argo Rollouts analysis/analysis.go (assessMetricStatus: failureLimit, count); Flagger
pkg/controller/scheduler.go (failed-checks counter against threshold, stepWeight); Kayenta
MannWhitneyClassifier.scala (98 % interval of the shift, beyond a tolerance of 25 % of its estimate).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate_study.noise import Streams

LOOK = 20
Verdicts = NDArray[np.int64]
Rule = Callable[[Streams, np.random.Generator], Verdicts]
"""(differences, random numbers for what the arms have in common) -> a verdict for each run."""

_Z98 = 2.3263478740408408
_Z95 = 1.959963984540054
KAYENTA_TOLERANCE = 0.25
KAYENTA_WINDOW = 200


def interval_means(d: Streams) -> Streams:
    """Mean of each look's observations."""
    return d.reshape(len(d), -1, LOOK).mean(axis=2)


def argo(threshold: float, count: int, failure_limit: int = 3) -> Rule:
    """Success condition `mean >= threshold`, measured `count` times; failures over the limit abort."""

    def decide(d: Streams, _: np.random.Generator) -> Verdicts:
        failures = (interval_means(d[:, : count * LOOK]) < threshold).sum(axis=1)
        return np.where(failures <= failure_limit, 1, -1)

    return decide


def flagger(threshold: float, steps: int = 10, failed_checks: int = 5) -> Rule:
    """A good look adds a step of weight, a bad one a failed check that is never forgiven."""

    def decide(d: Streams, _: np.random.Generator) -> Verdicts:
        good = interval_means(d) >= threshold
        promoted = _first(np.cumsum(good, axis=1) >= steps)
        halted = _first(np.cumsum(~good, axis=1) >= failed_checks)
        return np.where(promoted < halted, 1, np.where(halted < promoted, -1, 0))

    return decide


def kayenta_once(d: Streams, rng: np.random.Generator) -> Verdicts:
    """One comparison of the arms' first 200 observations; whatever is not shown to be worse passes."""
    candidate, baseline = _arms(d[:, :KAYENTA_WINDOW], rng)
    return np.array([-1 if _shown_worse(c, b) else 1 for c, b in zip(candidate, baseline, strict=True)])


def kayenta_sliding(d: Streams, rng: np.random.Generator) -> Verdicts:
    """The same over a sliding window of 200, every 20 observations, uncorrected; one failure rolls back."""
    candidate, baseline = _arms(d, rng)
    ends = range(KAYENTA_WINDOW, d.shape[1] + 1, LOOK)
    return np.array(
        [
            -1 if any(_shown_worse(c[e - KAYENTA_WINDOW : e], b[e - KAYENTA_WINDOW : e]) for e in ends) else 1
            for c, b in zip(candidate, baseline, strict=True)
        ]
    )


def repeated_t_test(d: Streams, _: np.random.Generator) -> Verdicts:
    """A two-sided t-test at 5 % at every look; the first significant one decides."""
    n = np.arange(LOOK, d.shape[1] + 1, LOOK)
    s, q = np.cumsum(d, axis=1)[:, n - 1], np.cumsum(d * d, axis=1)[:, n - 1]
    t = s / np.sqrt(n) / np.sqrt((q - s * s / n) / (n - 1))
    critical = _Z95 * (
        1.0 + (_Z95**2 + 1.0) / (4.0 * (n - 1))
    )  # Cornish-Fisher, within .01 of t from 19 df on
    up, down = _first(t >= critical), _first(t <= -critical)
    return np.where(up < down, 1, np.where(down < up, -1, 0))


def _arms(d: Streams, rng: np.random.Generator) -> tuple[Streams, Streams]:
    """Two unpaired arms of equal variance whose difference is d."""
    common = rng.standard_normal(d.shape) / 2.0
    return common + d / 2.0, common - d / 2.0


def _shown_worse(candidate: Streams, baseline: Streams) -> bool:
    """Whether the 98 % Mann-Whitney interval of the shift lies below -25 % of its Hodges-Lehmann estimate."""
    n = len(candidate)
    spread = candidate.var() + baseline.var()
    if (candidate.mean() - baseline.mean()) > -1.5 * np.sqrt(spread / n):
        return False  # far from significant: spare the 40,000 pairwise differences
    shifts = np.subtract.outer(candidate, baseline).ravel()
    half = _Z98 * np.sqrt(n * n * (2 * n + 1) / 12.0)
    upper_rank = min(int(n * n / 2.0 + half), n * n - 1)
    ordered = np.partition(shifts, [n * n // 2, upper_rank])
    estimate, upper = ordered[n * n // 2], ordered[upper_rank]
    return bool(upper < -KAYENTA_TOLERANCE * abs(estimate))


def _first(hit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Index of the first hit of each run, or past the end."""
    return np.where(hit.any(axis=1), hit.argmax(axis=1), hit.shape[1])


RULES: dict[str, Rule] = {
    "Argo Rollouts, mean >= 0, 10 looks": argo(0.0, 10),
    "Argo Rollouts, mean >= -.25, 10 looks": argo(-0.25, 10),
    "Argo Rollouts, mean >= -.25, 100 looks": argo(-0.25, 100),
    "Flagger, mean >= -.25": flagger(-0.25),
    "Kayenta, once": kayenta_once,
    "Kayenta, sliding": kayenta_sliding,
    "repeated t-test": repeated_t_test,
}
