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


class RolloutStage(StrEnum):
    """Where the candidate of an attempt stands, whatever the phase says besides."""

    PAPER = "Paper"
    SHADOW = "Shadow"
    CANARY = "Canary"
    LIVE = "Live"


class RollbackReason(StrEnum):
    """Why the candidate was taken out of the market for good."""

    BREACH = "Breach"
    GATE_FAILED = "GateFailed"
    BLIND = "Blind"
    ABORTED = "Aborted"
    REHEARSAL_FAILED = "RehearsalFailed"


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


class Rollback(StatusModel):
    """The rollback that holds for the digest at hand until somebody ends it by name."""

    digest: Sha256
    """Of the revision."""
    reason: RollbackReason
    """Kind of reason."""
    message: Text
    """What happened, for people."""
    clamps: tuple[str, ...] = ()
    """What was crossed, where a breach was the reason."""
    pod: str = Field(default="", max_length=253)
    """Where, for a breach."""
    stage: RolloutStage | None = None
    """Stage that the candidate was in."""
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


class ReleasedDigest(StatusModel):
    """A digest whose rollback somebody has ended: breaches before that moment count no more."""

    digest: Sha256
    """Of the revision."""
    by: str = Field(max_length=253)
    """Who."""
    reason: Text
    """Why."""
    at: datetime
    """When."""


class Approval(StatusModel):
    """A person's consent that this very digest goes on from a step that waits for one."""

    digest: Sha256
    """Of the revision."""
    step: int
    """Index of the canary step that it is about."""
    by: str = Field(max_length=253)
    """Who."""
    reason: Text = ""
    """Why."""
    at: datetime
    """When."""


class Attestation(StatusModel):
    """A person's statement that an exit criterion is met for a digest, where nothing here can check it."""

    criterion: str = Field(max_length=63)
    """Name of the criterion."""
    digest: Sha256
    """Of the revision."""
    by: str = Field(max_length=253)
    """Who."""
    reason: Text = ""
    """What shows it."""
    at: datetime
    """When."""


class CommandStatus(StatusModel):
    """The last command of its kind, and what became of it."""

    verb: str = Field(max_length=63)
    """What was asked for."""
    id: str = Field(max_length=63)
    """Of the command; the same one is carried out once."""
    by: str = Field(max_length=253)
    """Who."""
    reason: Text = ""
    """Why."""
    at: datetime
    """When it was carried out or refused."""
    done: bool
    """False: refused."""
    message: Text = ""
    """What was done, or why not."""


class ProofState(StrEnum):
    """State of something that has to be shown."""

    RUNNING = "Running"
    PASSED = "Passed"
    FAILED = "Failed"


class PaperStatus(StatusModel):
    """The Job that replays recorded or generated markets."""

    job: str = Field(default="", max_length=253)
    """Name of the Job."""
    sessions: int = 0
    """Sessions asked for."""
    finished: int = 0
    """Sessions whose evidence is in."""
    failed: int = 0
    """Sessions that could not be replayed."""
    report: str = Field(default="", max_length=253)
    """ConfigMap with the report; empty while there is none."""


class ConformanceStatus(StatusModel):
    """Proof that the clamps hold for this digest."""

    job: str = Field(default="", max_length=253)
    """Name of the Job."""
    state: ProofState
    """Running, Passed or Failed."""
    message: Text = ""
    """What was found."""


class RehearsalStatus(StatusModel):
    """Rehearsal of a rollback: a breach on purpose, in shadow, where no quote is touched."""

    id: str = Field(max_length=63)
    """Of this rehearsal; sidecars carry out each one once."""
    state: ProofState
    """Running, Passed or Failed."""
    requested_at: datetime
    """When the sidecars were asked to breach."""
    pods: tuple[str, ...] = Field(default=(), json_schema_extra={"maxItems": 256})
    """Pods that have to report."""
    reported: tuple[str, ...] = Field(default=(), json_schema_extra={"maxItems": 256})
    """Pods that have reported."""
    message: Text = ""
    """What was seen."""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state is ProofState.RUNNING

    @property
    def complete(self) -> bool:
        """Whether every pod that has to report has done so."""
        return set(self.pods) <= set(self.reported)


class BlocksStatus(StatusModel):
    """How far the blocks of the step at hand are judged."""

    next: int
    """Number of the first block that is not judged yet; blocks are counted from the epoch."""
    since: datetime
    """When blocks began to be asked for."""
    last_accepted_at: datetime | None = None
    """End of the last block that was evidence; blindness is measured from it."""


class Plan(StatusModel):
    """What an attempt runs by, frozen when it starts; later edits of gates and rollout wait for the next."""

    gates: tuple[Anything, ...] = Field(default=(), json_schema_extra={"maxItems": 64})
    """Gates of the policy and of its sets, as they were."""
    rollout: Anything = Field(default_factory=dict)
    """spec.rollout as it was."""


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
    stage: RolloutStage | None = None
    """Stage of the candidate."""
    step: int | None = None
    """Index of the canary step."""
    stage_started_at: datetime | None = None
    """When the stage began."""
    step_started_at: datetime | None = None
    """When the canary step began."""
    step_passed_at: datetime | None = None
    """When its evidence was in; a timed pause counts from it."""
    attempt: int = 0
    """Number of the attempt; a new digest is a new one."""
    fencing: int = 0
    """Number of the last grant of authority; it only rises."""
    plan: Plan | None = None
    """What the attempt runs by."""
    gates: tuple[GateStatus, ...] = Field(default=(), json_schema_extra=map_list("name", 64))
    """Evidence of the stage, or of the canary step, at hand."""
    blocks: BlocksStatus | None = None
    """How far blocks are judged."""
    paper: PaperStatus | None = None
    """The paper stage."""
    conformance: ConformanceStatus | None = None
    """Proof of the clamps."""
    rehearsal: RehearsalStatus | None = None
    """Rehearsal of a rollback."""
    approvals: tuple[Approval, ...] = Field(default=(), json_schema_extra={"maxItems": 32})
    """Consents given in this attempt."""
    attested: tuple[Attestation, ...] = Field(default=(), json_schema_extra=map_list("criterion", 32))
    """Exit criteria that people have stated to be met."""
    paused: CommandStatus | None = None
    """Who paused the rollout by command; spec.paused pauses too."""
    rollback: Rollback | None = None
    """What rolled the candidate back."""
    expired: Text = ""
    """Which deadline passed without enough evidence; empty if none did."""
    quarantined: tuple[Quarantine, ...] = Field(default=(), json_schema_extra=map_list("digest", 64))
    """Digests that are refused."""
    released: tuple[ReleasedDigest, ...] = Field(default=(), json_schema_extra=map_list("digest", 16))
    """Digests that were let go again."""
    proven: tuple[Sha256, ...] = Field(default=(), json_schema_extra={"maxItems": 16})
    """sha256 of the content of arms that have reached Live or were approved as a baseline by name."""
    commands: tuple[CommandStatus, ...] = Field(default=(), json_schema_extra=map_list("verb", 16))
    """The last command of each kind."""
    history: tuple[HistoryEntry, ...] = Field(default=(), json_schema_extra={"maxItems": MOST_HISTORY})
    """Changes of phase, the latest last."""
