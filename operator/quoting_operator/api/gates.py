"""Gates as users write them, and sets of them that policies share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.schema import (
    ApiModel,
    Duration,
    Name,
    NonNegative,
    ObjectName,
    Positive,
    checked,
    map_list,
    rule,
)


class GateKind(StrEnum):
    """What a gate decides."""

    SUCCESS = "success"
    GUARDRAIL = "guardrail"
    DETERIORATION = "deterioration"
    INTEGRITY = "integrity"


class GateStage(StrEnum):
    """Stages that a gate can hold in."""

    PAPER = "paper"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"


class GateTest(StrEnum):
    """What a block carries."""

    MEAN = "mean"
    PROPORTION = "proportion"
    QUANTILE = "quantile"
    RATE_RATIO = "rateRatio"


_MARGIN = (
    "self.kind != 'guardrail' || (has(self.test) && self.test in ['proportion', 'quantile'])"
    " || (has(self.margin) && self.margin.matches('[1-9]'))"
)


class Gate(ApiModel):
    """One question that the evidence must answer before a rollout advances."""

    model_config = checked(
        rule(_MARGIN, "must be > 0 for a guardrail: say how much worse is still acceptable", ".margin"),
        rule("self.kind == 'guardrail' || !has(self.margin)", "must be left out unless kind is guardrail"),
        rule(
            "!(self.metric in ['markout', 'realisedSpread']) || has(self.horizon)",
            "must be given for this metric: the time after a fill at which it is measured, such as 1s",
        ),
        rule(
            "(has(self.test) && self.test == 'quantile') == has(self.quantile)",
            "must be given when test is quantile, and only then",
        ),
        rule(
            "(has(self.test) && self.test == 'proportion') || !has(self.limit)",
            "must be left out unless test is proportion",
        ),
        rule(
            "!has(self.test) || self.test != 'proportion' || has(self.limit)",
            "must be given when test is proportion",
        ),
    )

    name: Name
    """Name of the gate, unique in the policy."""
    metric: str = Field(min_length=1, max_length=63, pattern="^[a-z][A-Za-z0-9]*$")
    """What is measured, for example pnl, markout, fillRatio, inventoryExcursion, decisionLatency."""
    kind: GateKind
    """success: shown better than the baseline. guardrail: shown not worse than by `margin`.
    deterioration: only ever fails. integrity: only ever fails, when the candidate goes missing."""
    horizon: Duration | None = None
    """Time after a fill at which a markout is taken."""
    margin: NonNegative | None = None
    """How much worse than the baseline is still acceptable, in the metric's unit; guardrails only."""
    rollback_margin: NonNegative | None = None
    """Shown worse than this rolls back, in the metric's unit. Default: the margin."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Largest chance that a truly bad candidate passes."""
    min_blocks: int = Field(default=20, ge=2, le=1_000_000)
    """Blocks without which it does not pass."""
    max_loss_per_block: Positive | None = None
    """No block is ever worse than by this, in the metric's unit: guards against rare large losses."""
    max_gain_per_block: Positive | None = None
    """No block is ever better than by this, in the metric's unit."""
    stages: tuple[GateStage, ...] = Field(
        default=(GateStage.PAPER, GateStage.SHADOW, GateStage.CANARY),
        min_length=1,
        json_schema_extra={"x-kubernetes-list-type": "set", "maxItems": 4},
    )
    """Stages that it holds in."""
    dry_run: bool = False
    """Report the verdict and decide nothing."""
    test: GateTest = GateTest.MEAN
    """What a block carries: a mean difference, bad events among trials, observations beyond a latency edge,
    or events of both arms with their exposures."""
    limit: float | None = Field(default=None, gt=0, lt=1)
    """Tolerated chance of a bad event; test proportion only."""
    quantile: float | None = Field(default=None, gt=0, lt=1)
    """Which quantile is held to the limit, 0.99 is the 99th percentile; test quantile only."""
    target_blocks: int = Field(default=50, ge=2, le=1_000_000)
    """Number of blocks at which the test is sharpest."""
    alarm_horizon_blocks: int = Field(default=10_000, ge=1, le=100_000_000)
    """Live blocks that share one budget of false alarms."""
    quiet_is_good: bool = False
    """Differences that are all zero may pass."""


class SharedGate(Gate):
    """A gate of a set."""

    required: bool = False
    """Policies that use the set may tighten this gate and may not loosen it."""


class GateSetRef(ApiModel):
    """A GateSet of the same namespace."""

    name: ObjectName
    """Name of the GateSet."""


class GateSetSpec(ApiModel):
    """Gates that many policies share, owned by the desk or by risk."""

    gates: tuple[SharedGate, ...] = Field(min_length=1, json_schema_extra=map_list("name", 32))
    """The gates. Each attempt of a rollout works on a copy that later changes don't touch."""


class GateSet(ApiModel):
    """Named gates that many policies share."""

    metadata: ObjectMeta
    spec: GateSetSpec


def gate_entry(gate: Gate) -> dict[str, Any]:
    """A gate as it is written in a resource, without what was left out."""
    return gate.model_dump(mode="json", by_alias=True, exclude_unset=True)
