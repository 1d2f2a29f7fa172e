"""ImplementationSpec: the hand-over contract of a policy change."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.schema import (
    ApiModel,
    Name,
    Sha256,
    StatusModel,
    Text,
    checked,
    map_list,
    rule,
)

IMMUTABLE = "^([0-9a-f]{40}|[0-9a-f]{64}|v[0-9]+[.][0-9]+[.][0-9]+([-+.][0-9A-Za-z.+-]+)?)$"
_Filled = Field(min_length=1, max_length=1024)


class Artifact(ApiModel):
    """Something that is handed over."""

    name: Name
    """Name, such as policy-module."""
    kind: Name
    """What it is: Code, Report, Weights, ..."""
    reference: str = _Filled
    """Where it is."""
    sha256: Sha256 | None = None
    """Digest of its content."""


class ExitCriterion(ApiModel):
    """Something that must have been shown for the very digest that advances."""

    name: Name
    """paper-stability is needed to leave paper; clamps-proven and rollback-rehearsed to leave shadow."""
    description: Text = ""
    """What is shown, for people."""


class ImplementationSpecSpec(ApiModel):
    """Where a change comes from, what it hands over and what must be shown."""

    model_config = checked(
        rule(
            f"self.head.matches('{IMMUTABLE}')",
            "must be a full commit hash or a version tag such as v1.2.3: a branch can change",
            ".head",
        ),
        rule(
            "!has(self.requiredKeys) || self.requiredKeys.all(k, has(self.inputs) && k in self.inputs"
            " && size(self.inputs[k]) > 0)",
            "must have every key of requiredKeys, none of them empty",
            ".inputs",
        ),
    )

    repository: str = _Filled
    """Repository of the change."""
    base: str = _Filled
    """What it was made from."""
    head: str = _Filled
    """What it is: a full commit hash or a version tag."""
    design_doc: str = _Filled
    """Document that explains it."""
    namespace: str = _Filled
    """Namespace that it is meant for."""
    risk_policy_path: str = _Filled
    """Risk policy that it was made under."""
    required_keys: tuple[Name, ...] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "set", "maxItems": 32}
    )
    """Further keys that `inputs` must have."""
    inputs: dict[str, Text] = Field(default_factory=dict, json_schema_extra={"maxProperties": 64})
    """Further inputs."""
    artifacts: tuple[Artifact, ...] = Field(default=(), json_schema_extra=map_list("name", 32))
    """What is handed over."""
    exit_criteria: tuple[ExitCriterion, ...] = Field(default=(), json_schema_extra=map_list("name", 32))
    """What must be shown."""


class CriterionState(StrEnum):
    """Whether something has been shown."""

    UNKNOWN = "Unknown"
    MET = "Met"
    NOT_MET = "NotMet"


class CriterionStatus(StatusModel):
    """State of one artifact or criterion."""

    name: str = Field(max_length=63)
    """Its name."""
    state: CriterionState
    """Whether it is met."""
    evidence: Text = ""
    """What shows it."""
    digest: str = Field(default="", max_length=64)
    """Digest of the candidate for which it holds."""


class ImplementationStatus(StatusModel):
    """What has been shown. Only the operator writes it."""

    observed_generation: int = 0
    """Generation of the spec that this status is about."""
    artifacts: tuple[CriterionStatus, ...] = Field(default=(), json_schema_extra=map_list("name", 32))
    """Artifacts."""
    exit_criteria: tuple[CriterionStatus, ...] = Field(default=(), json_schema_extra=map_list("name", 32))
    """Criteria."""


class ImplementationSpec(ApiModel):
    """The hand-over contract of a policy change."""

    metadata: ObjectMeta
    spec: ImplementationSpecSpec
    status: ImplementationStatus = ImplementationStatus()
