"""The last steps of a pass: roll back on evidence, hold, expire, or go one step further."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.rollout import Rollout
from quoting_operator.api.status import RollbackReason, RolloutStage
from quoting_operator.gates import Decision
from quoting_operator.rollout import paper
from quoting_operator.rollout.attempt import proven, to_stage
from quoting_operator.rollout.authority import out_of_market, revoked
from quoting_operator.rollout.criteria import criteria
from quoting_operator.rollout.decision import Draft, PostEvent, Reason
from quoting_operator.rollout.evidence import MEASURED, follow_blocks, waiting_for
from quoting_operator.rollout.latches import rolled_back
from quoting_operator.rollout.observed import Observed, Problem
from quoting_operator.rollout.plan import Terms, rollout_of, terms
from quoting_operator.rollout.rehearsal import rehearse
from quoting_operator.rollout.windows import LOOK_AGAIN, opening
from quoting_operator.rollout.wish import follow_wish


def verdicts(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Take in what was measured; a gate that fails rolls back."""
    stage, pinned = draft.status.stage, seen.pinned
    if stage is None or pinned is None or out_of_market(draft, pinned.digest):
        return draft
    draft = paper.late_proof(seen, draft)
    draft = follow_blocks(seen, draft, now) if stage in MEASURED else paper.follow(seen, draft, now)
    if draft.verdict is None or draft.verdict.decision is not Decision.ROLLBACK:
        return draft
    return rolled_back(seen, draft, RollbackReason.GATE_FAILED, waiting_for(draft.verdict), now)


def conditions(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Everything besides evidence that a rollout waits for."""
    draft = criteria(seen, rehearse(seen, draft, now))
    if draft.frozen:
        draft = draft.holding(draft.frozen)
    paused = draft.status.paused
    if paused is not None:
        draft = draft.holding(f"paused by {paused.by}" + (f": {paused.reason}" if paused.reason else ""))
    if isinstance(seen.spec, Problem):
        return draft.holding("the spec cannot be read")
    if seen.spec.paused:
        draft = draft.holding("spec.paused is set")
    allowed = opening(seen.spec.windows, now)
    return draft if allowed.open else draft.holding(allowed.reason).look_at(now + LOOK_AGAIN)


def advance(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Follow the wish; where that is at hand already, go one step on, or let a deadline pass."""
    if (paper_status := paper.late_report(seen, draft.status)) is not None:
        draft = draft.status_with(paper=paper_status)
    draft = follow_wish(seen, draft, now)
    status, pinned = draft.status, draft.pinned
    if status.plan is None or status.stage is None or pinned is None or pinned != seen.pinned:
        return draft
    if out_of_market(draft, pinned.digest) or draft.restart:
        return draft
    rollout = rollout_of(status.plan)
    asked = terms(rollout, status.stage, status.step or 0)
    decided = Decision.HOLD if draft.verdict is None else draft.verdict.decision
    if decided is Decision.PROMOTE:
        draft = _evidence_in(draft, asked, now)
    if decided is Decision.PROMOTE and not draft.holds and draft.status.stage is not RolloutStage.LIVE:
        return _next(seen, draft, rollout, now)
    return _deadline(seen, draft, asked, decided, now)


def _evidence_in(draft: Draft, asked: Terms, now: datetime) -> Draft:
    """Note when the evidence was in, and wait for the pause that the step asks for."""
    status = draft.status
    if status.step_passed_at is None:
        draft = draft.status_with(step_passed_at=now.replace(microsecond=0))
        status = draft.status
    if asked.pause is None or status.step_passed_at is None:
        return draft
    if asked.pause.duration is not None:
        over = status.step_passed_at + asked.pause.duration
        return draft if now >= over else draft.holding(f"pause until {over:%H:%M:%S}").look_at(over)
    digest = status.candidate.digest if status.candidate else ""
    if any(a.digest == digest and a.step == status.step for a in status.approvals):
        return draft
    return draft.holding(f"consent to leave step {(status.step or 0) + 1} (`kubectl quoting promote`)")


def _next(seen: Observed, draft: Draft, rollout: Rollout, now: datetime) -> Draft:
    stage, step = draft.status.stage, draft.status.step or 0
    if stage is RolloutStage.PAPER:
        return to_stage(draft, RolloutStage.SHADOW, now)
    if rollout.canary is None:
        return draft.holding("spec.rollout.canary is left out: nothing leaves Shadow")
    if stage is RolloutStage.SHADOW:
        return to_stage(draft, RolloutStage.CANARY, now, 0)
    if step + 1 < len(rollout.canary.steps):
        return to_stage(draft, RolloutStage.CANARY, now, step + 1)
    assert seen.pinned is not None  # noqa: S101  there is a stage, so there is a revision
    return to_stage(draft, RolloutStage.LIVE, now).status_with(proven=proven(draft.status, seen.pinned))


def _deadline(seen: Observed, draft: Draft, asked: Terms, decided: Decision, now: datetime) -> Draft:
    """A deadline without enough evidence ends the attempt; it never promotes."""
    status = draft.status
    if decided is Decision.EXPIRED:
        return _expired(seen, draft, f"{status.stage} ended: {waiting_for(draft.verdict)}")
    if asked.deadline is None or status.stage_started_at is None:
        return draft
    over = status.stage_started_at + asked.deadline
    if now < over:
        return draft.look_at(over)
    missing = "; ".join(draft.holds[:3]) or waiting_for(draft.verdict)
    return _expired(seen, draft, f"the deadline of {status.stage} passed: {missing}")


def _expired(seen: Observed, draft: Draft, message: str) -> Draft:
    draft = draft.status_with(expired=message[:1024], blocks=None)
    return revoked(seen, draft, message).doing(PostEvent(Reason.EXPIRED, message[:1024], warning=True))
