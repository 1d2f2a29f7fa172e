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

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PairedCountEvidence:
    """Bad events of two arms, compared given their total.

    While the exposures' ratio is what it was in the first block, the evidence is beta-binomial. At the first
    block with another ratio (which exposures decide, not outcomes) that evidence is kept as a factor, and
    from then on each block bets with its own p0 on a grid of rate ratios.

    events: of candidate and baseline. ratio: candidate's over baseline's exposure in the first block. mantel:
    numerator and denominator of the Mantel-Haenszel rate ratio, which a drifting market does not confound.
    carried: ln E+ and ln E- when the ratio changed.
    """

    rule: CountRule
    n: int = 0
    events: Pair = (0.0, 0.0)
    ratio: float = 0.0
    mantel: Pair = (0.0, 0.0)
    carried: Pair = (0.0, 0.0)
    grid_for: tuple[float, ...] = ()
    grid_against: tuple[float, ...] = ()
    fano: FanoSums = field(default_factory=FanoSums)
    max_for: float = 0.0
    max_against: float = 0.0

    def absorb(self, events: Pair, exposures: Pair) -> Self:
        """Add one block: events >= 0 and exposures > 0 of candidate and baseline."""
        ratio = exposures[0] / exposures[1]
        grown = self._with_bets(events, ratio) if self._varies(ratio) else self
        baseline_share = 1.0 / (1.0 + ratio)
        mantel = (
            self.mantel[0] + events[0] * baseline_share,
            self.mantel[1] + events[1] * (1.0 - baseline_share),
        )
        grown = dataclasses.replace(
            grown,
            n=self.n + 1,
            events=(self.events[0] + events[0], self.events[1] + events[1]),
            ratio=self.ratio if self.n else ratio,
            mantel=mantel,
            fano=self.fano.plus(events[0], events[0] + events[1], _expected_share(mantel, ratio)),
        )
        now = grown.ln_e_for if grown.n >= self.rule.min_blocks else 0.0
        return dataclasses.replace(
            grown, max_for=max(self.max_for, now), max_against=max(self.max_against, grown.ln_e_against)
        )

    @property
    def estimate(self) -> float:
        """Rate ratio, candidate over baseline; NaN without a baseline event."""
        return self.mantel[0] / self.mantel[1] if self.mantel[1] else math.nan

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

    def interval(self) -> Pair | None:
        """Confidence sequence of the rate ratio; None once exposures have varied, or without an event."""
        total = self.events[0] + self.events[1]
        if not total or self.grid_for:
            return None
        centre = two_arm_share(self.ratio, 1.0, self.rule.p_for)
        shares = proportion_interval(self.events[0], total, centre, self.rule.level.alpha)
        if shares is None:
            return None
        return rate_ratio(shares[0], self.ratio, 1.0), rate_ratio(shares[1], self.ratio, 1.0)

    def verdict_interval(self) -> Pair | None:
        """The same: it is exact already."""
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
            "events": list(self.events),
            "ratio": self.ratio,
            "mantel": list(self.mantel),
            "fano": [self.fano.blocks, self.fano.chi_squared, self.fano.variance],
            "max": [self.max_for, self.max_against],
        }
        if self.grid_for:
            status["carried"] = list(self.carried)
            status["bets"] = [*self.grid_for, *self.grid_against]
        return status

    def restored(self, status: Mapping[str, Any]) -> Self:
        """The evidence that to_status stored, on this rule."""
        bets = status.get("bets", ())
        half = len(bets) // 2
        return dataclasses.replace(
            self,
            n=status["n"],
            events=tuple(status["events"]),
            ratio=status["ratio"],
            mantel=tuple(status["mantel"]),
            carried=tuple(status.get("carried", (0.0, 0.0))),
            grid_for=tuple(bets[:half]),
            grid_against=tuple(bets[half:]),
            fano=FanoSums(*status["fano"]),
            max_for=status["max"][0],
            max_against=status["max"][1],
        )

    def _varies(self, ratio: float) -> bool:
        return bool(self.grid_for) or (self.n > 0 and abs(ratio - self.ratio) > _SAME_RATIO * self.ratio)

    def _with_bets(self, events: Pair, ratio: float) -> Self:
        """Bet this block on each alternative; the first such block keeps the evidence so far as a factor."""
        started = bool(self.grid_for)
        fresh = (0.0,) * len(RATIO_GRID)
        return dataclasses.replace(
            self,
            carried=self.carried if started else (self.ln_e_for, self.ln_e_against),
            grid_for=_bet_on_ratios(
                self.grid_for or fresh, events, ratio, self.rule.p_for, [1.0 / g for g in RATIO_GRID]
            ),
            grid_against=_bet_on_ratios(
                self.grid_against or fresh, events, ratio, self.rule.p_against, RATIO_GRID
            ),
        )

    def _beta(self, boundary: float, side: Side) -> float:
        total = self.events[0] + self.events[1]
        if not total:
            return 0.0
        return beta_rate(self.events[0], total, two_arm_share(self.ratio, 1.0, boundary), side)


def _bet_on_ratios(
    wealth: Sequence[float],
    events: Pair,
    exposure_ratio: float,
    boundary: float,
    factors: Sequence[float],
) -> tuple[float, ...]:
    """Log-wealth of each alternative rate ratio after a block with its own exposures."""
    p0 = two_arm_share(exposure_ratio, 1.0, boundary)
    grown = []
    for w, factor in zip(wealth, factors, strict=True):
        p = two_arm_share(exposure_ratio, 1.0, boundary * factor)
        grown.append(w + events[0] * math.log(p / p0) + events[1] * math.log((1.0 - p) / (1.0 - p0)))
    return tuple(grown)


def _expected_share(mantel: Pair, exposure_ratio: float) -> float:
    """The candidate's expected share of a block's events, by the rate ratio over all blocks so far."""
    if not (mantel[0] and mantel[1]):
        return 0.0
    return two_arm_share(exposure_ratio, 1.0, mantel[0] / mantel[1])
