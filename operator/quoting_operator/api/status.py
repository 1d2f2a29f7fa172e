"""What the operator says about a policy. Only the operator writes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from quoting_operator.api.limits import EffectiveLimits
from quoting_operator.api.metadata import Condition
from quoting_operator.api.schema import Anything, Sha256, StatusModel, Text, map_list


class Phase(StrEnum):
    """Where a policy stands."""

    BASELINE = "Baseline"
    PENDING = "Pending"
    PAPER = "Paper"
    SHADOW = "Shadow"
    CANARY = "Canary"
    LIVE = "Live"
    ROLLED_BACK = "RolledBack"
    PAUSED = "Paused"
    EXPIRED = "Expired"
    KILLED = "Killed"
    INVALID = "Invalid"


class EffectiveArm(StrEnum):
    """Who may quote."""

    BASELINE = "Baseline"
    CANDIDATE = "Candidate"
    NONE = "None"


class CandidateStatus(StatusModel):
    """The candidate at hand."""

    digest: Sha256
    """Digest of the revision that holds it. Evidence, approvals and authority are bound to it."""


class Effective(StatusModel):
    """What quotes, whatever the spec wishes."""

    arm: EffectiveArm
    """Who may quote. Candidate: in turns with the baseline, exposurePercent of the time."""
    revision: str = Field(default="", max_length=253)
    """ControllerRevision that sidecars are to run."""
    digest: str = Field(default="", max_length=64)
    """Its digest."""
    exposure_percent: int = 0
    """Share of the candidate, percent."""


class PodsStatus(StatusModel):
    """Pods that carry the policy's label."""

    total: int = 0
    """Pods that have not ended."""
    with_sidecar: int = 0
    """Those of them that have the sidecar."""


class GateStatus(StatusModel):
    """One gate's evidence."""

    name: str = Field(max_length=63)
    """Name of the gate."""
    stage: str = Field(default="", max_length=16)
    """Stage whose evidence it is."""
    verdict: str = Field(max_length=16)
    """Pass, Fail, Continue or Inconclusive."""
    message: Text = ""
    """Why, and what is missing."""
    blocks: int = 0
    """Blocks seen."""
    estimate: float | None = None
    """Mean difference, positive is better."""
    lower: float | None = None
    """Lower bound of its confidence interval."""
    upper: float | None = None
    """Upper bound."""
    dry_run: bool = False
    """Reports only."""
    evidence: Anything = Field(default_factory=dict)
    """Sufficient statistics."""


class Breach(StatusModel):
    """The breach that rolled a candidate back."""

    digest: Sha256
    """Of the revision."""
    clamps: tuple[str, ...] = ()
    """What was crossed."""
    pod: str = Field(default="", max_length=253)
    """Where."""
    at: datetime
    """When."""


class Quarantine(StatusModel):
    """A digest that is refused until somebody releases it by name."""

    digest: Sha256
    """Of the revision."""
    reason: Text
    """Why."""
    at: datetime
    """Since when."""


class HistoryEntry(StatusModel):
    """A change of phase."""

    at: datetime
    """When."""
    phase: Phase
    """To which phase."""
    digest: str = Field(default="", max_length=64)
    """Of the revision."""
    message: Text = ""
    """Why."""


MOST_HISTORY = 20
"""Changes of phase that are kept."""


class PolicyStatus(StatusModel):
    """What quotes and why."""

    observed_generation: int = 0
    """Generation of the spec that this status is about."""
    phase: Phase | None = None
    """Where the policy stands."""
    message: Text = ""
    """Why, in a sentence."""
    conditions: tuple[Condition, ...] = Field(default=(), json_schema_extra=map_list("type", 32))
    """Observations, for programs."""
    candidate: CandidateStatus | None = None
    """The candidate at hand."""
    effective: Effective | None = None
    """What quotes."""
    effective_limits: EffectiveLimits | None = None
    """Limits in force."""
    pods: PodsStatus | None = None
    """Pods of the policy."""
    step: int | None = None
    """Index of the canary step."""
    stage_started_at: datetime | None = None
    """When the stage began."""
    attempt: int = 0
    """Number of the attempt; a new digest is a new one."""
    gates: tuple[GateStatus, ...] = Field(default=(), json_schema_extra=map_list("name", 64))
    """Evidence."""
    breach: Breach | None = None
    """What rolled the candidate back."""
    quarantined: tuple[Quarantine, ...] = Field(default=(), json_schema_extra=map_list("digest", 64))
    """Digests that are refused."""
    history: tuple[HistoryEntry, ...] = Field(default=(), json_schema_extra={"maxItems": MOST_HISTORY})
    """Changes of phase, the latest last."""
