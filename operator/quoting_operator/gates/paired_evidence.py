"""Evidence of a two-arm counting gate: bad events of both arms, with exposures, against a rate ratio."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from quoting_operator.gates.betting import ln_mean_exp
from quoting_operator.gates.count_evidence import CountRule, bursts
from quoting_operator.gates.counts import Side, beta_rate, proportion_interval, rate_ratio, two_arm_share
from quoting_operator.gates.monitors import FanoSums

RATIO_GRID = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Alternatives, as multiples (or fractions) of the boundary's rate ratio, once exposures vary."""

_SAME_RATIO = 1e-9


@dataclass(frozen=True, slots=True)
class PairedCountEvidence:
    """Bad events of two arms, compared given their total.

    While the exposures' ratio is what it was in the first block, the evidence is beta-binomial. At the first
    block with another ratio (which exposures decide, not outcomes) that evidence is kept as a factor, and
    from then on each block bets with its own p0 on a grid of rate ratios.
    """

    rule: CountRule
    n: int = 0
    candidate: tuple[float, float] = (0.0, 0.0)  # events, exposure
    baseline: tuple[float, float] = (0.0, 0.0)
    ratio: float = 0.0
    carried: tuple[float, float] = (0.0, 0.0)  # ln E+ and ln E- before the ratio changed
    grid_for: tuple[float, ...] = ()
    grid_against: tuple[float, ...] = ()
    fano: FanoSums = field(default_factory=FanoSums)
    max_for: float = 0.0
    max_against: float = 0.0

    def absorb(self, candidate: tuple[float, float], baseline: tuple[float, float]) -> Self:
        """Add one block: (events, exposure) of each arm, exposures > 0."""
        ratio = candidate[1] / baseline[1]
        first = self.n == 0
        varies = bool(self.grid_for) or not (first or abs(ratio - self.ratio) <= _SAME_RATIO * self.ratio)
        carried, grid_for, grid_against = self.carried, self.grid_for, self.grid_against
        if varies:
            if not grid_for:
                carried = (self.ln_e_for, self.ln_e_against)
                grid_for = grid_against = (0.0,) * len(RATIO_GRID)
            events = (candidate[0], baseline[0])
            grid_for = _bet_on_ratios(grid_for, self.rule.p_for, ratio, events, lower=True)
            grid_against = _bet_on_ratios(grid_against, self.rule.p_against, ratio, events, lower=False)
        return dataclasses.replace(
            self,
            n=self.n + 1,
            candidate=(self.candidate[0] + candidate[0], self.candidate[1] + candidate[1]),
            baseline=(self.baseline[0] + baseline[0], self.baseline[1] + baseline[1]),
            ratio=ratio if first else self.ratio,
            carried=carried,
            grid_for=grid_for,
            grid_against=grid_against,
            fano=self.fano.plus(candidate[0], candidate[0] + baseline[0]),
        ).with_maxima()

    @property
    def estimate(self) -> float:
        """Rate ratio, candidate over baseline; NaN without a baseline event."""
        events = self.baseline[0]
        return (self.candidate[0] / self.candidate[1]) / (events / self.baseline[1]) if events else math.nan

    @property
    def passing(self) -> float:
        """Highest ln E+ since minBlocks."""
        return self.max_for

    @property
    def failing(self) -> float:
        """Highest ln E-."""
        return self.max_against

    @property
    def ln_e_for(self) -> float:
        """Evidence ln E+ now: the candidate's rate is below the boundary."""
        if self.grid_for:
            return self.carried[0] + ln_mean_exp(self.grid_for)
        return self._beta(self.rule.p_for, Side.BELOW)

    @property
    def ln_e_against(self) -> float:
        """Evidence ln E- now: the candidate's rate is above the boundary."""
        if self.grid_against:
            return self.carried[1] + ln_mean_exp(self.grid_against)
        return self._beta(self.rule.p_against, Side.ABOVE)

    def interval(self) -> tuple[float, float] | None:
        """Confidence sequence of the rate ratio, exact while exposures keep their ratio."""
        total = self.candidate[0] + self.baseline[0]
        if not self.n or not total:
            return None
        exposures = (self.candidate[1], self.baseline[1])
        share = two_arm_share(*exposures, self.rule.p_for)
        shares = proportion_interval(self.candidate[0], total, share, self.rule.level.alpha)
        return (
            None if shares is None else (rate_ratio(shares[0], *exposures), rate_ratio(shares[1], *exposures))
        )

    def verdict_interval(self) -> tuple[float, float] | None:
        """The same."""
        return self.interval()

    def alarm(self) -> str | None:
        """No alarm but the e-processes."""
        return None

    def broken_assumption(self) -> str | None:
        """Why the evidence can't be trusted to pass."""
        return bursts(self.fano)

    def to_status(self) -> dict[str, Any]:
        """The numbers to store, JSON-ready."""
        status: dict[str, Any] = {
            "n": self.n,
            "arms": [*self.candidate, *self.baseline],
            "ratio": self.ratio,
            "fano": [self.fano.blocks, self.fano.events, self.fano.trials, self.fano.squares],
            "max": [self.max_for, self.max_against],
        }
        if self.grid_for:
            status |= {
                "carried": list(self.carried),
                "for": list(self.grid_for),
                "against": list(self.grid_against),
            }
        return status

    def restored(self, status: Mapping[str, Any]) -> Self:
        """The evidence that to_status stored, on this rule."""
        arms = status["arms"]
        carried = status.get("carried", [0.0, 0.0])
        return type(self)(
            self.rule,
            status["n"],
            (arms[0], arms[1]),
            (arms[2], arms[3]),
            status["ratio"],
            (carried[0], carried[1]),
            tuple(status.get("for", ())),
            tuple(status.get("against", ())),
            FanoSums(*status["fano"]),
            *status["max"],
        )

    def _beta(self, boundary: float, side: Side) -> float:
        events = self.candidate[0] + self.baseline[0]
        if not events:
            return 0.0
        return beta_rate(self.candidate[0], events, two_arm_share(self.ratio, 1.0, boundary), side)

    def with_maxima(self) -> Self:
        """The same evidence with its running maxima raised to what it is now."""
        now = self.ln_e_for if self.n >= self.rule.min_blocks else 0.0
        return dataclasses.replace(
            self, max_for=max(self.max_for, now), max_against=max(self.max_against, self.ln_e_against)
        )


def _bet_on_ratios(
    wealth: Sequence[float],
    boundary: float,
    exposure_ratio: float,
    events: tuple[float, float],
    *,
    lower: bool,
) -> tuple[float, ...]:
    """Log-wealth of each alternative rate ratio after a block with its own exposures."""
    p0 = two_arm_share(exposure_ratio, 1.0, boundary)
    grown = []
    for w, factor in zip(wealth, RATIO_GRID, strict=True):
        p = two_arm_share(exposure_ratio, 1.0, boundary / factor if lower else boundary * factor)
        grown.append(w + events[0] * math.log(p / p0) + events[1] * math.log((1.0 - p) / (1.0 - p0)))
    return tuple(grown)
