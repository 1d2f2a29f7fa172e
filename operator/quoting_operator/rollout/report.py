"""The last step: say what quotes and why, once, in the status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from quoting_operator.api.metadata import Condition, transitioned
from quoting_operator.api.status import (
    MOST_HISTORY,
    CandidateStatus,
    Effective,
    EffectiveArm,
    HistoryEntry,
    Phase,
    PodsStatus,
    PolicyStatus,
)
from quoting_operator.rollout.decision import Draft, ForgetRevision, PostEvent, Reason
from quoting_operator.rollout.observed import Observed, Problem
from quoting_operator.rollout.revisions import MOST_REVISIONS
from quoting_operator.rollout.steps import effective_limits
from quoting_policy.domain import KillAction

_LONGEST = 1024
_NAMED_PODS = 5


class Standing(NamedTuple):
    """A phase, when it is shown, and what is said. The first that applies is shown."""

    phase: Phase
    applies: Callable[[Observed, Draft], bool]
    message: Callable[[Observed, Draft], str]


def _quotes(draft: Draft) -> str:
    return "nothing quotes" if draft.pinned is None else "the baseline quotes"


def _killed(_seen: Observed, draft: Draft) -> str:
    nobody = draft.kill.action is KillAction.HALT or draft.pinned is None
    return f"{draft.kill.reason}; {'nothing' if nobody else 'the baseline'} quotes"


def _invalid(_seen: Observed, draft: Draft) -> str:
    according = "" if draft.pinned is None else f", as revision {draft.pinned.name} says"
    return f"{draft.invalid}; {_quotes(draft)}{according}"


def _has_candidate(_seen: Observed, draft: Draft) -> bool:
    return draft.pinned is not None and draft.pinned.content.candidate is not None


def _waiting(_seen: Observed, draft: Draft) -> str:
    name = "" if draft.pinned is None else draft.pinned.digest[:12]
    return f"candidate {name} waits for the paper stage, which this version does not run; the baseline quotes"


PHASES = (
    Standing(Phase.KILLED, lambda _, draft: draft.kill.action is not KillAction.NONE, _killed),
    Standing(Phase.INVALID, lambda _, draft: bool(draft.invalid), _invalid),
    Standing(
        Phase.ROLLED_BACK,
        lambda _, draft: bool(draft.quarantined),
        lambda _, draft: f"{draft.wish[:12]} is quarantined: {draft.quarantined}; {_quotes(draft)}",
    ),
    Standing(
        Phase.PENDING,
        lambda _, draft: bool(draft.frozen) or draft.pinned is None,
        lambda _, draft: f"{draft.frozen or 'no revision yet'}; nothing advances, {_quotes(draft)}",
    ),
    Standing(
        Phase.PAUSED,
        lambda seen, draft: (
            not isinstance(seen.spec, Problem) and seen.spec.paused and _has_candidate(seen, draft)
        ),
        lambda _, _draft: "spec.paused is set; the baseline quotes",
    ),
    Standing(Phase.PENDING, _has_candidate, _waiting),
    Standing(
        Phase.BASELINE,
        lambda _, _draft: True,
        lambda _, _draft: "no candidate; the baseline quotes",
    ),
)
"""Phases by precedence."""


def report(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """The status to write, the Events that tell of changes, and old revisions to forget."""
    draft = _conditions(seen, draft)
    standing = next(standing for standing in PHASES if standing.applies(seen, draft))
    message = standing.message(seen, draft)[:_LONGEST]
    before = seen.status
    status = PolicyStatus(
        observed_generation=seen.meta.generation,
        phase=standing.phase,
        message=message,
        conditions=transitioned(before.conditions, _dated(seen, draft, now)),
        candidate=_candidate(seen, draft),
        effective=_effective(draft, before.effective),
        effective_limits=effective_limits(draft, before.effective_limits),
        pods=PodsStatus(total=len(seen.pods), with_sidecar=sum(pod.injected for pod in seen.pods)),
        attempt=_attempt(seen, draft),
        quarantined=before.quarantined,
        rollback=before.rollback,
        history=before.history,
    )
    if _changed(before, status):
        digest = status.effective.digest if status.effective else ""
        entry = HistoryEntry(at=now, phase=standing.phase, digest=digest, message=message)
        status = status.model_copy(update={"history": (*before.history, entry)[-MOST_HISTORY:]})
        warning = standing.phase in (Phase.KILLED, Phase.INVALID, Phase.ROLLED_BACK)
        draft = draft.doing(PostEvent(Reason.PHASE_CHANGED, f"{standing.phase}: {message}", warning=warning))
    return draft.set(status=status).doing(*_forgotten(seen, draft))


def _name(draft: Draft) -> str:
    return "" if draft.pinned is None else draft.pinned.name


def _conditions(seen: Observed, draft: Draft) -> Draft:
    valid = not draft.invalid
    draft = draft.finding("SpecValid", valid, "Accepted" if valid else "Refused", draft.invalid)
    pinned = "" if draft.pinned is None else draft.pinned.digest
    diverged = bool(pinned) and draft.wish != pinned and not draft.errors
    why = draft.invalid or draft.quarantined or draft.frozen
    draft = draft.finding("Diverged", diverged, "WishNotFollowed" if diverged else "AsWished", why)
    if draft.pinned is not None:
        draft = draft.finding("BaselineUnproven", True, "TakenAsGiven", "no rollout has proven the baseline")
    bare = [pod.name for pod in seen.pods if not pod.injected]
    message = f"without a sidecar, to be created anew: {', '.join(bare[:_NAMED_PODS])}" if bare else ""
    draft = draft.finding("SidecarsInjected", not bare, "Missing" if bare else "Injected", message)
    failed = "; ".join(f"{error.step}: {error.message}" for error in draft.errors)
    return draft.finding("Reconciled", not failed, "StepFailed" if failed else "Done", failed[:_LONGEST])


def _dated(seen: Observed, draft: Draft, now: datetime) -> list[Condition]:
    return [
        Condition(
            type=found.type,
            status=found.status,
            reason=found.reason,
            message=found.message[:_LONGEST],
            last_transition_time=now,
            observed_generation=seen.meta.generation,
        )
        for found in draft.findings
    ]


def _candidate(seen: Observed, draft: Draft) -> CandidateStatus | None:
    if draft.pinned is None or not _has_candidate(seen, draft):
        return None
    return CandidateStatus(digest=draft.pinned.digest)


def _effective(draft: Draft, before: Effective | None) -> Effective:
    if draft.pinned is None:
        # A pinned revision that is gone stays named: nothing else may take its place.
        return Effective(arm=EffectiveArm.NONE) if before is None else before
    arm = EffectiveArm.NONE if draft.kill.action is KillAction.HALT else EffectiveArm.BASELINE
    return Effective(arm=arm, revision=draft.pinned.name, digest=draft.pinned.digest, exposure_percent=0)


def _attempt(seen: Observed, draft: Draft) -> int:
    """One more for every new digest with a candidate."""
    candidate, before = _candidate(seen, draft), seen.status.candidate
    again = candidate is None or (before is not None and before.digest == candidate.digest)
    return seen.status.attempt + (0 if again else 1)


def _changed(before: PolicyStatus, now: PolicyStatus) -> bool:
    digests = [status.effective.digest if status.effective else "" for status in (before, now)]
    return before.phase is not now.phase or digests[0] != digests[1]


def _forgotten(seen: Observed, draft: Draft) -> list[ForgetRevision]:
    keep = _name(draft)
    old = [stored.name for stored in seen.revisions if stored.name != keep]
    return [ForgetRevision(name) for name in old[:-MOST_REVISIONS]]
