"""QuotingPolicy."""

from __future__ import annotations

from pydantic import Field

from quoting_operator.api.gates import Gate, GateSetRef
from quoting_operator.api.killswitch import PolicyKillSwitch
from quoting_operator.api.limits import Instrument, Limits, Portfolio, RiskPolicyRef
from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.rollout import WINDOWS, Rollout, Window
from quoting_operator.api.schema import (
    Anything,
    ApiModel,
    NonNegative,
    ObjectName,
    Positive,
    Sha256,
    checked,
    map_list,
    rule,
)
from quoting_operator.api.status import PolicyStatus
from quoting_policy.domain import BreachThresholds, RefreshRules

POLICY_LABEL = "quoting.dev/policy"
"""Label of a pod that names its policy, and of everything that belongs to a policy."""

RISK_LABEL = "quoting.dev/risk-policy"
"""Label, with the value ``true``, of ConfigMaps that hold risk limits."""


class ConfigMapKey(ApiModel):
    """A key of a ConfigMap in the policy's namespace."""

    name: ObjectName
    """Name of the ConfigMap."""
    key: ObjectName
    """Key whose value is meant."""


class WeightsSource(ApiModel):
    """Learned weights."""

    config_map_key_ref: ConfigMapKey
    """Where they are, as an .npz file under binaryData."""
    sha256: Sha256
    """Their sha256, checked before they are used."""


class SecretKey(ApiModel):
    """A key of a Secret in the policy's namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: ObjectName
    """Key whose value is meant."""


class ParamsSource(ApiModel):
    """Parameters that are nobody's business. The operator cannot read them: the kubelet mounts the Secret."""

    secret_key_ref: SecretKey
    """Where they are: YAML or JSON, names with their values, at most 16 KiB."""
    sha256: Sha256
    """Their sha256, which is all of them that is ever shown. Others have another one: a new candidate."""


class Arm(ApiModel):
    """A quoting policy: a model and its parameters."""

    model: str = Field(min_length=1, max_length=63)
    """Name of the model; `quoting models` lists them."""
    params: Anything = Field(default_factory=dict)
    """The model's parameters; `quoting models` lists names, units and bounds."""
    params_from: ParamsSource | None = None
    """Parameters from a Secret, over those in params."""
    weights_from: WeightsSource | None = None
    """Weights, for a model that has them."""

    model_config = checked(
        rule(
            "self.model != 'MLP' || has(self.weightsFrom)",
            "weightsFrom must be given: this model has learned weights",
        ),
    )


class Breach(ApiModel):
    """From where on a candidate is not trusted any more."""

    raw_price: Positive | None = None
    """Distance of a raw price from the mid, as a multiple of limits.priceBand."""
    raw_size: Positive | None = None
    """Raw quantity, as a multiple of limits.maxOrderQty."""
    time_budget_us: Positive | None = None
    """Processor time of one quote, microseconds."""

    def to_domain(self) -> BreachThresholds:
        """The engine's thresholds; what is left out has the engine's default."""
        return BreachThresholds(**{name: float(value) for name, value in self if value is not None})


class Refresh(ApiModel):
    """When a live order is worth replacing."""

    max_age_s: Positive | None = None
    """An older order is replaced, seconds."""
    tolerance_ticks: int | None = Field(default=None, ge=0, le=1_000_000)
    """A smaller move of its price is not worth the queue position, ticks."""
    hold_s: NonNegative | None = None
    """An order stays at least so long, unless it must go, seconds."""
    fill_delay_s: NonNegative | None = None
    """After a fill no order is replaced for so long, seconds."""
    size_tolerance: NonNegative | None = None
    """Relative difference of size that is not worth it."""

    def to_domain(self) -> RefreshRules:
        """The engine's rules; what is left out has the engine's default."""
        times = ("max_age_s", "hold_s", "fill_delay_s", "size_tolerance")
        given = {name: float(getattr(self, name)) for name in times if getattr(self, name) is not None}
        return RefreshRules(**given, tolerance_ticks=self.tolerance_ticks or 0)


class ImplementationRef(ApiModel):
    """The ImplementationSpec that hands the candidate over."""

    name: ObjectName
    """Name of the ImplementationSpec, in the same namespace."""


class PolicySpec(ApiModel):
    """What is wished. Sidecars run pinned revisions of it, never this text itself."""

    instruments: tuple[Instrument, ...] = Field(min_length=1, json_schema_extra=map_list("symbol", 256))
    """What is quoted."""
    baseline: Arm
    """The policy that quotes whenever the candidate may not."""
    candidate: Arm | None = None
    """The policy that is to be rolled out. Left out: the baseline quotes and nothing is rolled out."""
    implementation_ref: ImplementationRef | None = None
    """The hand-over of the candidate; its artifacts and criteria must be met."""
    limits: Limits = Limits()
    """Hard limits for every instrument."""
    portfolio: Portfolio = Portfolio()
    """Hard limits on all instruments together."""
    breach: Breach = Breach()
    """From where on the candidate is not trusted any more."""
    refresh: Refresh = Refresh()
    """When a live order is worth replacing."""
    risk_policy_ref: RiskPolicyRef | None = None
    """The risk officer's limits. They only tighten."""
    rollout: Rollout = Rollout()
    """How the candidate is rolled out."""
    gates_from: tuple[GateSetRef, ...] = Field(default=(), json_schema_extra=map_list("name", 16))
    """GateSets whose gates hold here."""
    gates: tuple[Gate, ...] = Field(default=(), json_schema_extra=map_list("name", 32))
    """Gates of this policy."""
    kill_switch: PolicyKillSwitch = PolicyKillSwitch(engaged=False)
    """Takes the candidate, or all quotes, out of the market, at once and without the operator."""
    paused: bool = False
    """The rollout does not advance. It is guarded all the same."""
    windows: tuple[Window, ...] = Field(default=(), json_schema_extra=WINDOWS)
    """When the rollout may advance."""


class QuotingPolicy(ApiModel):
    """A quoting policy and how a better one takes its place."""

    metadata: ObjectMeta
    spec: PolicySpec
    status: PolicyStatus = PolicyStatus()

    model_config = checked(
        rule(
            "size(self.metadata.name) <= 63",
            "metadata.name must have at most 63 characters: pods name their policy in a label",
        ),
    )
