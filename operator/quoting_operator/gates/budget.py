"""The error budget: how much false promotion and false rollback each gate of an attempt may spend.

Promotion asks every gate to pass (intersection-union), so no gate's alpha is corrected. Rollback needs
one gate to fail (union), so its alpha is split. A new attempt is a fresh test of perhaps the same policy, so
alpha is spent over attempts: alpha / (k (k + 1)) sums to alpha.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quoting_operator.gates.spec import GateSpec
from quoting_operator.gates.tmix import mixing_variance
from quoting_policy.errors import InputError

ROLLBACK_ALPHA = 0.05
"""P(any false rollback) over all gates and stages of an attempt, unless the spec says otherwise."""


@dataclass(frozen=True, slots=True)
class Level:
    """Levels of one gate in one attempt, frozen when the attempt starts.

    attempt: from 1; 0 is a stand-alone analysis that spends the gate's whole alpha. alpha: P(false pass).
    alpha_rollback: P(false fail). r2: tmix's prior variance.
    """

    attempt: int
    alpha: float
    alpha_rollback: float
    r2: float

    @property
    def pass_at(self) -> float:
        """Evidence ln E at which evidence for is enough."""
        return math.log(1.0 / self.alpha)

    @property
    def fail_at(self) -> float:
        """Evidence ln E at which evidence against is enough."""
        return math.log(1.0 / self.alpha_rollback)


def attempt_alpha(alpha: float, attempt: int) -> float:
    """alpha_k = alpha / (k (k + 1)) of attempt k >= 1; alpha itself for a stand-alone analysis (0)."""
    if attempt < 0:
        raise InputError("attempt", attempt, ">= 0", "the first attempt is 1, 0 is a stand-alone analysis")
    return alpha / (attempt * (attempt + 1)) if attempt else alpha


def split_rollback(gates: Iterable[GateSpec], total: float = ROLLBACK_ALPHA) -> float:
    """Equal share of the rollback budget for each stage of each gate that decides.

    A dry-run gate can roll nothing back and takes no share; alone, it is judged at the whole budget.
    """
    if not 0.0 < total < 0.5:
        raise InputError("rollbackAlpha", total, "in (0, 0.5)")
    return total / max(1, sum(len(gate.stages) for gate in gates if not gate.dry_run))


def level(
    gate: GateSpec, gates: Sequence[GateSpec], *, attempt: int = 0, rollback_alpha: float = ROLLBACK_ALPHA
) -> Level:
    """Levels of `gate`, one of the `gates` that are decided together."""
    alpha = attempt_alpha(gate.alpha, attempt)
    return Level(
        attempt, alpha, split_rollback(gates, rollback_alpha), mixing_variance(alpha, gate.target_blocks)
    )


def any_of_threshold(alpha: float, gates: int) -> float:
    """Evidence ln E at which "any of `gates`" is shown at level alpha: ln(G / alpha)."""
    return math.log(gates / alpha)
