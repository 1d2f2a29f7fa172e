"""Change detection for a live policy: SR and CUSUM e-detectors, and the classical CUSUM.

Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
arXiv 2203.03532. The harm bet needs a real bound on gains: capping gains instead raises false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from quoting_operator.gates.betting import STAKES
from quoting_policy.errors import InputError

_CEILING = 1e300


@dataclass(frozen=True, slots=True)
class DetectorState:
    """One statistic a stake against "no harm": mean D >= boundary, with D <= gain_bound.

    threshold: the alarm's c. T blocks without harm raise a false alarm with probability <= T / c.
    alarmed: latched.
    """

    boundary: float
    gain_bound: float
    threshold: float
    statistics: tuple[float, ...] = (0.0,) * len(STAKES)
    alarmed: bool = False

    def __post_init__(self) -> None:
        if not self.gain_bound > self.boundary:
            raise InputError(
                "gain_bound", self.gain_bound, f"> {self.boundary}", "give the best block possible"
            )

    @property
    def statistic(self) -> float:
        """Average over stakes, to compare with the threshold."""
        return math.fsum(self.statistics) / len(self.statistics)


def alarm_threshold(alpha: float, horizon_blocks: int) -> float:
    """Threshold c that keeps P(false alarm within horizon_blocks) <= alpha."""
    return horizon_blocks / alpha


def sr_update(state: DetectorState, d: float) -> DetectorState:
    """Shiryaev-Roberts e-detector: M <- (M + 1)(1 + stake Z)."""
    return _step(state, d, lambda m: m + 1.0)


def e_cusum_update(state: DetectorState, d: float) -> DetectorState:
    """CUSUM e-detector: M <- max(M, 1)(1 + stake Z)."""
    return _step(state, d, lambda m: max(m, 1.0))


def _step(state: DetectorState, d: float, restart: Callable[[float], float]) -> DetectorState:
    z = (state.boundary - min(d, state.gain_bound)) / (state.gain_bound - state.boundary)
    statistics = tuple(
        min(restart(m) * (1.0 + stake * z), _CEILING)
        for m, stake in zip(state.statistics, STAKES, strict=True)
    )
    alarmed = state.alarmed or math.fsum(statistics) / len(statistics) >= state.threshold
    return DetectorState(state.boundary, state.gain_bound, state.threshold, statistics, alarmed)


@dataclass(frozen=True, slots=True)
class CusumState:
    """Classical CUSUM for a drop of the mean; needs a known sd and light tails.

    boundary: mean without harm. sd: of one block's difference, > 0. slack: k, half the drop to be seen, in
    sd. threshold: h, in sd.
    """

    boundary: float
    sd: float
    slack: float
    threshold: float
    statistic: float = 0.0
    alarmed: bool = False


def cusum_update(state: CusumState, d: float) -> CusumState:
    """W <- max(0, W - (D - boundary)/sd - k)."""
    statistic = max(0.0, state.statistic - (d - state.boundary) / state.sd - state.slack)
    alarmed = state.alarmed or statistic > state.threshold
    return CusumState(state.boundary, state.sd, state.slack, state.threshold, statistic, alarmed)


def cusum_run_length(slack: float, threshold: float) -> float:
    """Average blocks to a false alarm on Gaussian differences (Siegmund 1985, eq. 2.56 with h + 1.166)."""
    effective = threshold + 1.166
    return (math.expm1(2.0 * slack * effective) - 2.0 * slack * effective) / (2.0 * slack**2)


def cusum_threshold(slack: float, run_length: float) -> float:
    """Threshold h whose average run length is `run_length` blocks, by bisection."""
    low, high = 0.0, 1.0
    while cusum_run_length(slack, high) < run_length:
        high *= 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cusum_run_length(slack, middle) < run_length else (low, middle)
    return 0.5 * (low + high)
