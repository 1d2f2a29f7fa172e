"""How far an own order has come in the queue, as far as an L2 feed lets one tell.

L2 shows the size of a level, not who left it. Prints are known to take from the front; a cancel may have
stood anywhere. Each model is an answer to: of a decrease that no print explains, how much stood behind us?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quoting_policy.data.compiled import compiled, inner
from quoting_policy.errors import InputError

CONSERVATIVE, POWER, LOGARITHM, POWER_OF_SUM, LOGARITHM_OF_SUM, POWER_OF_FRONT = range(6)


@dataclass(frozen=True, slots=True)
class Conservative:
    """Every cancel stood behind us: only prints move us forward (hftbacktest's "risk adverse" model).

    Pessimistic, the safe choice where the truth is unknown.
    """

    code: ClassVar[int] = CONSERVATIVE
    power: float = 1.0


@dataclass(frozen=True, slots=True)
class PowerProbability:
    """A cancel stood behind us with probability f(back)/(f(back)+f(front)), f(x) = xⁿ.

    Source: E. Rigtorp, "Estimating order queue position" (2013). n > 1 makes the longer part take nearly
    all cancels. power: n, > 0.
    """

    power: float = 2.0
    code: ClassVar[int] = POWER

    def __post_init__(self) -> None:
        _positive(self.power)


@dataclass(frozen=True, slots=True)
class LogProbability:
    """As PowerProbability with f(x) = ln(1+x): between even odds and proportion (Rigtorp 2013).

    Where the estimate of what is ahead of us has fallen below nothing, every cancel stood behind us.
    """

    code: ClassVar[int] = LOGARITHM
    power: float = 1.0


@dataclass(frozen=True, slots=True)
class PowerOfSumProbability:
    """A cancel stood behind us with probability f(back)/f(back+front), f(x) = xⁿ. power: n, > 0.

    n = 1: every unit of the level is equally likely to leave.
    """

    power: float = 1.0
    code: ClassVar[int] = POWER_OF_SUM

    def __post_init__(self) -> None:
        _positive(self.power)


@dataclass(frozen=True, slots=True)
class LogOfSumProbability:
    """A cancel stood behind us with probability f(back)/f(back+front), f(x) = ln(1+x)."""

    code: ClassVar[int] = LOGARITHM_OF_SUM
    power: float = 1.0


@dataclass(frozen=True, slots=True)
class PowerOfFrontProbability:
    """A cancel stood behind us with probability 1 - (front/(front+back))ⁿ. power: n, > 0."""

    power: float = 3.0
    code: ClassVar[int] = POWER_OF_FRONT

    def __post_init__(self) -> None:
        _positive(self.power)


QueueModel = (
    Conservative | PowerProbability | LogProbability | PowerOfSumProbability | LogOfSumProbability
    | PowerOfFrontProbability
)  # fmt: skip


def _positive(power: float) -> None:
    if not 0 < power < np.inf:
        raise InputError("power", power, "> 0 and finite")


@inner
def _behind(model: int, power: float, front: float, back: float) -> float:
    """Probability that a cancel stood behind us; front, back in lots."""
    if model == POWER:
        return back**power / (back**power + front**power)
    if model == LOGARITHM:
        return np.log1p(back) / (np.log1p(back) + np.log1p(front))
    if model == POWER_OF_SUM:
        return back**power / (back + front) ** power
    if model == LOGARITHM_OF_SUM:
        return np.log1p(back) / np.log1p(back + front)
    return 1.0 - (front / (front + back)) ** power


@compiled
def advance(
    model: int, power: float, scale: float, front: float, traded: float, before: float, now: float
) -> float:
    """Units ahead of us after the level's size went from ``before`` to ``now``.

    traded: units printed at the level since its last size; ``front`` has lost them already. scale: units in
    one of the quantity's own units (1000 where a unit is 0.001 BTC): the logarithms aren't free of scale.
    """
    if model == CONSERVATIVE:
        return min(front, now)
    left = before - now - traded
    if left < 0.0:
        return min(front, now)
    back = before - front
    probability = _behind(model, power, front / scale, back / scale)
    if not np.isfinite(probability):
        probability = 1.0
    return min(front - (1.0 - probability) * left + min(back - probability * left, 0.0), now)
