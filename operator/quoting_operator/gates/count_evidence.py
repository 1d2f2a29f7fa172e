"""Evidence of a single-arm counting gate: bad events among trials, against a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from quoting_operator.gates.budget import Level
from quoting_operator.gates.counts import Side, beta_rate, beta_rate_raised, proportion_interval
from quoting_operator.gates.monitors import TRIP, FanoSums
from quoting_operator.gates.spec import GateSpec


@dataclass(frozen=True, slots=True)
class CountRule:
    """Boundaries of a counting gate (p0, or the rate ratio of two arms) and its levels."""

    p_for: float
    p_against: float
    level: Level
    min_blocks: int

    @classmethod
    def of(cls, spec: GateSpec, level: Level) -> Self:
        """Take the numbers from a gate."""
        return cls(spec.pass_boundary, spec.fail_boundary, level, spec.min_blocks)


@dataclass(frozen=True, slots=True)
class CountEvidence:
    """Bad events of one arm among its trials. Few of them pass (side "<"), many fail (side ">")."""

    rule: CountRule
    n: int = 0
    events: float = 0.0
    trials: float = 0.0
    fano: FanoSums = field(default_factory=FanoSums)
    max_for: float = 0.0
    max_against: float = 0.0

    def absorb(self, events: float, trials: float) -> Self:
        """Add one block."""
        rule, n = self.rule, self.n + 1
        k, m = self.events + events, self.trials + trials
        max_for = self.max_for
        if n >= rule.min_blocks:
            max_for = beta_rate_raised(k, m, rule.p_for, Side.BELOW, max_for)
        max_against = beta_rate_raised(k, m, rule.p_against, Side.ABOVE, self.max_against)
        fano = self.fano.plus(events, trials, k / m if m else 0.0)
        return type(self)(rule, n, k, m, fano, max_for, max_against)

    @property
    def estimate(self) -> float:
        """Share of bad events."""
        return self.events / self.trials if self.trials else math.nan

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
        """Evidence ln E+ now."""
        return beta_rate(self.events, self.trials, self.rule.p_for, Side.BELOW)

    @property
    def ln_e_against(self) -> float:
        """Evidence ln E- now."""
        return beta_rate(self.events, self.trials, self.rule.p_against, Side.ABOVE)

    def interval(self) -> tuple[float, float] | None:
        """Confidence sequence of the share of bad events."""
        return proportion_interval(self.events, self.trials, self.rule.p_for, self.rule.level.alpha)

    def verdict_interval(self) -> tuple[float, float] | None:
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
        return {
            "n": self.n,
            "counts": [self.events, self.trials],
            "fano": [self.fano.blocks, self.fano.chi_squared, self.fano.variance],
            "max": [self.max_for, self.max_against],
        }

    def restored(self, status: Mapping[str, Any]) -> Self:
        """The evidence that to_status stored, on this rule."""
        events, trials = status["counts"]
        max_for, max_against = status["max"]
        fano = FanoSums(*status["fano"])
        return type(self)(self.rule, status["n"], events, trials, fano, max_for, max_against)


def bursts(fano: FanoSums) -> str | None:
    """Why counts can't be trusted, or None."""
    if fano.z <= TRIP:
        return None
    return (
        f"events come in bursts, Fano factor {fano.fano:.1f}: count bursts or test the mean of block counts"
    )
