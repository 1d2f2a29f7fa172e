"""Betting against a mean when the worst difference is bounded: bet_lb, and its mirror, the harm bet.

Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", arXiv 2010.09686, with a
fixed grid of stakes instead of one adaptive stake, so that the wealth is a function of the blocks alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quoting_policy.errors import InputError

STAKES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
"""Fractions of the wealth put at risk; the evidence is the mean of their wealths."""


@dataclass(frozen=True, slots=True)
class BetState:
    """Log-wealths against "mean D <= boundary", for differences that never fall below -loss_bound.

    boundary, loss_bound: in the metric's unit, loss_bound + boundary > 0. maximum: of ln E, at least 0.
    """

    boundary: float
    loss_bound: float
    ln_wealth: tuple[float, ...] = (0.0,) * len(STAKES)
    maximum: float = 0.0

    def __post_init__(self) -> None:
        if not self.loss_bound + self.boundary > 0.0:
            raise InputError(
                "loss_bound", self.loss_bound, f"> {-self.boundary}", "raise it above the margin"
            )

    @property
    def ln_e(self) -> float:
        """Evidence ln E now."""
        return ln_mean_exp(self.ln_wealth)


def bet_update(state: BetState, d: float) -> BetState:
    """Bet on one difference; one below -loss_bound counts as -loss_bound (the caller fails the gate)."""
    return bet_over(state, (d,))


def bet_over(state: BetState, differences: Sequence[float]) -> BetState:
    """`bet_update` folded over many differences, to the last bit."""
    wealth, maximum = list(state.ln_wealth), state.maximum
    floor, scale = -state.loss_bound, state.loss_bound + state.boundary
    for d in differences:
        z = (max(d, floor) - state.boundary) / scale
        wealth = [w + math.log1p(stake * z) for w, stake in zip(wealth, STAKES, strict=True)]
        if max(wealth) > maximum:  # the mean wealth is below the highest
            maximum = max(maximum, ln_mean_exp(wealth))
    return BetState(state.boundary, state.loss_bound, tuple(wealth), maximum)


def harm_bet(boundary: float, gain_bound: float) -> BetState:
    """The bet against "mean D >= boundary" for differences that never exceed gain_bound.

    It is bet_lb on -D: feed it -D.
    """
    return BetState(-boundary, gain_bound)


def ln_mean_exp(values: Sequence[float]) -> float:
    """Logarithm of the mean of exp(values): merging e-values by their average, valid under any dependence."""
    top = max(values)
    return top + math.log(math.fsum(math.exp(v - top) for v in values) / len(values))
