"""How a gate's metric is read from the sealed counters that sidecars publish, and which gates can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quoting_operator.gates.sessions import session_metric
from quoting_operator.gates.spec import GateSpec, Kind, Stage, Test
from quoting_policy.domain.measures import HORIZONS_S
from quoting_policy.errors import InputError

MEAN_ONLY = frozenset({Test.MEAN})


@dataclass(frozen=True, slots=True)
class Formula:
    """One arm's value in a block: factor x (gain - loss) / per, of what the counters grew by.

    gain, loss, per: counters, with the horizon where they have one (``markout_gain_1s``). tests: what a gate
    can ask of it. One with all of them has bad events in gain and trials in per.
    """

    gain: str
    per: str
    loss: str = ""
    factor: float = 1.0
    tests: frozenset[Test] = MEAN_ONLY

    @property
    def counters(self) -> tuple[str, ...]:
        """Names of the counters that it needs."""
        return tuple(filter(None, (self.gain, self.loss, self.per)))


EXPOSURE = "exposure_seconds"
ANSWERED = Formula("quotes", per="decisions")
"""Share of what an arm was asked that it answered itself: whether it was there at all."""

PUBLISHED = {
    "pnl": Formula("pnl_gain", loss="pnl_loss", per=EXPOSURE),
    "edge": Formula("edge_gain", loss="edge_loss", per=EXPOSURE),
    **{
        f"markout_{horizon:g}s": Formula(
            f"markout_gain_{horizon:g}s", loss=f"markout_loss_{horizon:g}s", per=EXPOSURE
        )
        for horizon in HORIZONS_S
    },
    **{
        f"realisedSpread_{horizon:g}s": Formula(
            f"markout_gain_{horizon:g}s", loss=f"markout_loss_{horizon:g}s", per="filled_lots", factor=2.0
        )
        for horizon in HORIZONS_S
    },
    "inventoryExcursion": Formula("excursion_seconds", per=EXPOSURE),
    "meanInventory": Formula("inventory_lot_seconds", per=EXPOSURE),
    "decisionLatency": Formula("slow_decisions", per="decisions", tests=frozenset(Test)),
}
"""Metric -> how it is read; which way is better is in :data:`quoting_policy.domain.measures.MEASURES`."""

TRACKS = {
    Stage.SHADOW: ("shadow_candidate", "shadow_baseline"),
    Stage.CANARY: ("candidate", "baseline"),
    Stage.LIVE: ("candidate", "baseline"),
}
"""Stage -> the accounts that stand for candidate and baseline. In shadow both are followed by the same fill
rules: modelled fills against real ones would measure the model."""


def formula_of(gate: GateSpec) -> Formula:
    """How the gate's metric is read. Raises InputError where no sidecar publishes it."""
    if gate.kind is Kind.INTEGRITY:
        return ANSWERED
    metric = session_metric(gate)
    formula = PUBLISHED.get(metric)
    if formula is None:
        raise InputError(
            f"gate {gate.name}: metric",
            metric,
            f"one of {', '.join(PUBLISHED)} outside paper",
            "what paper alone measures needs stages: [paper]",
        )
    if gate.test not in formula.tests:
        raise InputError(
            f"gate {gate.name}: test",
            gate.test.value,
            f"one of {', '.join(test for test in Test if test in formula.tests)} for {metric} outside paper",
        )
    return formula


def check_published(gates: Sequence[GateSpec], stage: Stage) -> None:
    """Refuse gates of this stage that no sidecar publishes counters for: they could never pass.

    Raises InputError. stage: shadow, canary or live.
    """
    for gate in gates:
        if stage in gate.stages:
            formula_of(gate)


def counters_for(gates: Iterable[GateSpec]) -> frozenset[str]:
    """Names of all counters that blocks of these gates are made of."""
    needed = {EXPOSURE, *ANSWERED.counters}
    for gate in gates:
        needed.update(formula_of(gate).counters)
    return frozenset(needed)
