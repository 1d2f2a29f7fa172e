"""What a reconcile pass decides: actions, the new status, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from quoting_operator.api.metadata import Truth
from quoting_operator.api.status import PolicyStatus
from quoting_operator.rollout.observed import Problem
from quoting_operator.rollout.revisions import StoredRevision
from quoting_operator.rollout.risk import RiskPolicy
from quoting_policy.domain import Kill, KillAction, Limits


class Reason(StrEnum):
    """Reasons of Events: every one that we post."""

    PHASE_CHANGED = "PhaseChanged"
    REVISION_ACCEPTED = "RevisionAccepted"
    AUTHORITY_REVOKED = "AuthorityRevoked"
    STEP_FAILED = "StepFailed"


@dataclass(frozen=True, slots=True)
class RevokeAuthority:
    """Delete the policy's Lease. Safe to repeat."""


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


Action = RevokeAuthority | StoreRevision | ForgetRevision | PostEvent


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
    that the spec asks for, empty where it asks for nothing usable. refused: why the wish is not followed.
    """

    kill: Kill = UNREAD
    risk: RiskPolicy | Problem | None = None
    limits: Limits | None = None
    pinned: StoredRevision | None = None
    wish: str = ""
    invalid: str = ""
    frozen: str = ""
    quarantined: str = ""
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

    def set(self, **values: Any) -> Self:
        """With these fields changed."""
        return replace(self, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, in order, and then the status to write if it differs.

    due: when to look again though nothing happens. errors: steps that failed; the pass is to be repeated.
    """

    actions: tuple[Action, ...]
    status: PolicyStatus
    due: datetime | None = None
    errors: tuple[StepError, ...] = ()
