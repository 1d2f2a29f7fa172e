"""The last step: say what quotes and why, once, in the status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from quoting_operator.api.metadata import Condition, transitioned
from quoting_operator.api.status import (
    MOST_HISTORY,
    Effective,
    EffectiveArm,
    HistoryEntry,
    Phase,
    PodsStatus,
    PolicyStatus,
    RolloutStage,
)
from quoting_operator.gates import Decision as GatesDecision
from quoting_operator.rollout.attempt import plan_changed
from quoting_operator.rollout.authority import deserved
from quoting_operator.rollout.decision import Draft, ForgetRevision, PostEvent, Reason
from quoting_operator.rollout.evidence import waiting_for
from quoting_operator.rollout.observed import Observed, Problem
from quoting_operator.rollout.plan import gates_of, rollout_of, terms
from quoting_operator.rollout.revisions import MOST_REVISIONS, arm_digest
from quoting_operator.rollout.safety import effective_limits
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


def _at(stage: RolloutStage) -> Callable[[Observed, Draft], bool]:
    return lambda _seen, draft: draft.status.stage is stage


def _stage(_seen: Observed, draft: Draft) -> str:
    """Where the candidate stands, what quotes, and what is waited for."""
    status = draft.status
    if status.plan is None or status.stage is None:
        return _quotes(draft)
    rollout = rollout_of(status.plan)
    asked = terms(rollout, status.stage, status.step or 0)
    where = ""
    if status.stage is RolloutStage.CANARY and rollout.canary is not None:
        where = f"step {(status.step or 0) + 1} of {len(rollout.canary.steps)}, "
    share = asked.exposure_percent
    who = f"the candidate quotes {share} % of the time" if share else "the baseline quotes"
    if status.stage is RolloutStage.LIVE:
        return f"{who}, guarded by {len(gates_of(status.plan, rollout, status.stage))} gate(s)"
    missing = [*draft.holds]
    if draft.verdict is None or draft.verdict.decision is not GatesDecision.PROMOTE:
        missing.append(waiting_for(draft.verdict))
    return f"{where}{who}; waiting for: {'; '.join(missing) or 'the next pass'}"


def _rolled_back(_seen: Observed, draft: Draft) -> str:
    rollback = draft.status.rollback
    if rollback is not None and draft.pinned is not None and rollback.digest == draft.pinned.digest:
        return f"{rollback.reason}: {rollback.message}; {_quotes(draft)}"
    return f"{draft.wish[:12]} is quarantined: {draft.quarantined}; {_quotes(draft)}"


def _is_rolled_back(_seen: Observed, draft: Draft) -> bool:
    rollback, pinned = draft.status.rollback, draft.pinned
    latched = rollback is not None and pinned is not None and rollback.digest == pinned.digest
    return latched or bool(draft.quarantined)


def _paused(seen: Observed, draft: Draft) -> bool:
    by_spec = not isinstance(seen.spec, Problem) and seen.spec.paused
    advancing = draft.status.stage not in (None, RolloutStage.LIVE)
    return advancing and (by_spec or draft.status.paused is not None)


def _no_course(_seen: Observed, draft: Draft) -> str:
    name = "" if draft.pinned is None else draft.pinned.digest[:12]
    return (
        f"candidate {name} waits: spec.rollout.paper is left out, so nothing is rolled out; {_quotes(draft)}"
    )


PHASES = (
    Standing(Phase.KILLED, lambda _, draft: draft.kill.action is not KillAction.NONE, _killed),
    Standing(Phase.INVALID, lambda _, draft: bool(draft.invalid), _invalid),
    Standing(Phase.ROLLED_BACK, _is_rolled_back, _rolled_back),
    Standing(
        Phase.EXPIRED,
        lambda _, draft: bool(draft.status.expired),
        lambda _, draft: f"{draft.status.expired}; {_quotes(draft)}",
    ),
    Standing(
        Phase.PENDING,
        lambda _, draft: draft.pinned is None or (bool(draft.frozen) and draft.status.stage is None),
        lambda _, draft: f"{draft.frozen or 'no revision yet'}; nothing advances, {_quotes(draft)}",
    ),
    Standing(Phase.PAUSED, _paused, lambda seen, draft: f"{draft.status.stage}: {_stage(seen, draft)}"),
    Standing(Phase.PAPER, _at(RolloutStage.PAPER), _stage),
    Standing(Phase.SHADOW, _at(RolloutStage.SHADOW), _stage),
    Standing(Phase.CANARY, _at(RolloutStage.CANARY), _stage),
    Standing(Phase.LIVE, _at(RolloutStage.LIVE), _stage),
    Standing(Phase.PENDING, _has_candidate, _no_course),
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
    now = now.replace(microsecond=0)
    standing = next(standing for standing in PHASES if standing.applies(seen, draft))
    message = standing.message(seen, draft)[:_LONGEST]
    before = seen.status
    status = draft.status.model_copy(
        update={
            "observed_generation": seen.meta.generation,
            "phase": standing.phase,
            "message": message,
            "conditions": transitioned(before.conditions, _dated(seen, draft, now)),
            "effective": _effective(seen, draft, before.effective),
            "effective_limits": effective_limits(draft, before.effective_limits),
            "pods": PodsStatus(total=len(seen.pods), with_sidecar=sum(pod.injected for pod in seen.pods)),
        }
    )
    if _changed(before, status):
        digest = status.effective.digest if status.effective else ""
        entry = HistoryEntry(at=now, phase=standing.phase, digest=digest, message=message)
        status = status.model_copy(update={"history": (*before.history, entry)[-MOST_HISTORY:]})
        warning = standing.phase in ALARMING
        draft = draft.doing(PostEvent(Reason.PHASE_CHANGED, f"{standing.phase}: {message}", warning=warning))
    return draft.set(status=status).doing(*_forgotten(seen, draft))


ALARMING = frozenset({Phase.KILLED, Phase.INVALID, Phase.ROLLED_BACK, Phase.EXPIRED})
"""Phases that somebody should look at."""


def _name(draft: Draft) -> str:
    return "" if draft.pinned is None else draft.pinned.name


def _conditions(seen: Observed, draft: Draft) -> Draft:
    valid = not draft.invalid
    draft = draft.finding("SpecValid", valid, "Accepted" if valid else "Refused", draft.invalid)
    pinned = "" if draft.pinned is None else draft.pinned.digest
    out = draft.quarantined or draft.status.expired
    if _is_rolled_back(seen, draft) and draft.status.rollback is not None:
        out = f"{draft.status.rollback.reason}: {draft.status.rollback.message}"
    diverged = bool(pinned) and not draft.errors and (draft.wish != pinned or bool(out))
    why = draft.invalid or out or draft.frozen
    draft = draft.finding("Diverged", diverged, "WishNotFollowed" if diverged else "AsWished", why)
    draft = _baseline_proven(draft)
    changed = plan_changed(seen, draft.status)
    words = "gates or rollout were edited; the attempt goes on by its plan, `retry` begins one by the new"
    draft = draft.finding(
        "PlanChanged", changed, "Edited" if changed else "AsPlanned", words if changed else ""
    )
    bare = [pod.name for pod in seen.pods if not pod.injected]
    message = f"without a sidecar, to be created anew: {', '.join(bare[:_NAMED_PODS])}" if bare else ""
    draft = draft.finding("SidecarsInjected", not bare, "Missing" if bare else "Injected", message)
    failed = "; ".join(f"{error.step}: {error.message}" for error in draft.errors)
    return draft.finding("Reconciled", not failed, "StepFailed" if failed else "Done", failed[:_LONGEST])


def _baseline_proven(draft: Draft) -> Draft:
    if draft.pinned is None:
        return draft
    known = arm_digest(draft.pinned.content.baseline) in draft.status.proven
    if known:
        return draft.finding("BaselineUnproven", False, "Proven")
    return draft.finding("BaselineUnproven", True, "TakenAsGiven", "no rollout has proven the baseline")


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


def _effective(seen: Observed, draft: Draft, before: Effective | None) -> Effective:
    if draft.pinned is None:
        # A pinned revision that is gone stays named: nothing else may take its place.
        return Effective(arm=EffectiveArm.NONE) if before is None else before
    arm, share = EffectiveArm.BASELINE, 0
    if draft.kill.action is KillAction.HALT:
        arm = EffectiveArm.NONE
    elif (allowed := deserved(seen, _recorded(seen, draft))) is not None and draft.pinned == seen.pinned:
        share = round(allowed[0].exposure_percent)
        arm = EffectiveArm.CANDIDATE if share else EffectiveArm.BASELINE
    return Effective(arm=arm, revision=draft.pinned.name, digest=draft.pinned.digest, exposure_percent=share)


def _recorded(seen: Observed, draft: Draft) -> Draft:
    """The draft at the stage that was stored: authority for a new one is given once that is on record."""
    before = seen.status
    return draft.status_with(stage=before.stage, step=before.step, plan=before.plan)


def _changed(before: PolicyStatus, now: PolicyStatus) -> bool:
    digests = [status.effective.digest if status.effective else "" for status in (before, now)]
    return before.phase is not now.phase or digests[0] != digests[1]


def _forgotten(seen: Observed, draft: Draft) -> list[ForgetRevision]:
    keep = _name(draft)
    old = [stored.name for stored in seen.revisions if stored.name != keep]
    return [ForgetRevision(name) for name in old[:-MOST_REVISIONS]]
