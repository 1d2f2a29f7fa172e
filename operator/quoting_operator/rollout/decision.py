"""What a reconcile pass decides: actions, the new status, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from quoting_operator.api.implementation import ImplementationStatus
from quoting_operator.api.metadata import Truth
from quoting_operator.api.status import PolicyStatus
from quoting_operator.gates import StageDecision
from quoting_operator.gates.block_reading import BlockRequest
from quoting_operator.rollout.observed import Problem
from quoting_operator.rollout.revisions import StoredRevision
from quoting_operator.rollout.risk import RiskPolicy
from quoting_policy.domain import Kill, KillAction, Limits


class Reason(StrEnum):
    """Reasons of Events: every one that we post."""

    PHASE_CHANGED = "PhaseChanged"
    REVISION_ACCEPTED = "RevisionAccepted"
    ATTEMPT_STARTED = "AttemptStarted"
    STAGE_ADVANCED = "StageAdvanced"
    AUTHORITY_GRANTED = "AuthorityGranted"
    AUTHORITY_REVOKED = "AuthorityRevoked"
    ROLLED_BACK = "RolledBack"
    EXPIRED = "Expired"
    REHEARSAL_STARTED = "RehearsalStarted"
    REHEARSAL_PASSED = "RehearsalPassed"
    REHEARSAL_FAILED = "RehearsalFailed"
    COMMAND_DONE = "CommandDone"
    COMMAND_REFUSED = "CommandRefused"


@dataclass(frozen=True, slots=True)
class RevokeAuthority:
    """Delete the policy's Lease. Safe to repeat."""


@dataclass(frozen=True, slots=True)
class GrantAuthority:
    """Write the policy's Lease, if it is still the one that was seen."""

    lease: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateOnce:
    """Create an object whose name says its content; that it exists already is fine.

    kind: Job or ConfigMap.
    """

    kind: str
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WriteImplementation:
    """Write the status of an ImplementationSpec."""

    name: str
    status: ImplementationStatus


@dataclass(frozen=True, slots=True)
class StoreRevision:
    """Create the ControllerRevision; that it exists already is fine, its name is its content's digest."""

    revision: StoredRevision


@dataclass(frozen=True, slots=True)
class ForgetRevision:
    """Delete a ControllerRevision that is no longer kept."""

    name: str


@dataclass(frozen=True, slots=True)
class PostEvent:
    """Tell people."""

    reason: Reason
    message: str
    warning: bool = False


Action = (
    RevokeAuthority
    | GrantAuthority
    | CreateOnce
    | WriteImplementation
    | StoreRevision
    | ForgetRevision
    | PostEvent
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition, before it has a time."""

    type: str
    status: Truth
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class StepError:
    """A step that failed."""

    step: str
    message: str


UNREAD = Kill(action=KillAction.BASELINE, reason="the kill switches have not been read")
"""What holds until they have been: no candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A decision in the making; each step returns a new one.

    risk: None where the policy refers to none.
    limits: for every instrument, None while nothing is known. pinned: what sidecars are to run. wish: digest
    that the spec asks for, empty where it asks for nothing usable. invalid, frozen, quarantined: why the wish
    is not followed. restart: why a new attempt of the digest at hand begins. verdict: of the stage's gates.
    holds: what else keeps the rollout from advancing. request: blocks to be read. due: when to look again.
    """

    kill: Kill = UNREAD
    risk: RiskPolicy | Problem | None = None
    limits: Limits | None = None
    pinned: StoredRevision | None = None
    wish: str = ""
    invalid: str = ""
    frozen: str = ""
    quarantined: str = ""
    restart: str = ""
    verdict: StageDecision | None = None
    holds: tuple[str, ...] = ()
    request: BlockRequest | None = None
    due: tuple[datetime, ...] = ()
    findings: tuple[Finding, ...] = ()
    actions: tuple[Action, ...] = ()
    errors: tuple[StepError, ...] = ()
    status: PolicyStatus = field(default_factory=PolicyStatus)

    def doing(self, *actions: Action) -> Self:
        """With more to do."""
        return replace(self, actions=(*self.actions, *actions))

    def finding(self, kind: str, status: bool, reason: str, message: str = "") -> Self:
        """With one more condition."""
        found = Finding(kind, Truth.TRUE if status else Truth.FALSE, reason, message)
        return replace(self, findings=(*self.findings, found))

    def holding(self, *reasons: str) -> Self:
        """With more reasons not to advance, each told once."""
        return replace(self, holds=tuple(dict.fromkeys(filter(None, (*self.holds, *reasons)))))

    def look_at(self, *moments: datetime | None) -> Self:
        """With more moments at which something changes by itself."""
        return replace(self, due=(*self.due, *(moment for moment in moments if moment is not None)))

    def status_with(self, **values: Any) -> Self:
        """With these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=values))

    def set(self, **values: Any) -> Self:
        """With these fields changed."""
        return replace(self, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, in order, and then the status to write if it differs.

    due: when to look again though nothing happens. request: blocks to be read in the meantime. errors: steps
    that failed; the pass is to be repeated.
    """

    actions: tuple[Action, ...]
    status: PolicyStatus
    due: datetime | None = None
    request: BlockRequest | None = None
    errors: tuple[StepError, ...] = ()
