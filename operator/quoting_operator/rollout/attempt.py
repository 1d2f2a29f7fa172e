"""Attempts: one digest's way through the stages, on the plan it started with."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.status import CandidateStatus, PolicyStatus, RolloutStage
from quoting_operator.rollout.decision import Draft, PostEvent, Reason
from quoting_operator.rollout.observed import Observed, Problem
from quoting_operator.rollout.plan import plan_of
from quoting_operator.rollout.revisions import StoredRevision, arm_digest
from quoting_policy.errors import InputError

NOTHING = {
    "candidate": None, "stage": None, "step": None, "stage_started_at": None, "step_started_at": None,
    "step_passed_at": None, "plan": None, "gates": (), "blocks": None, "paper": None, "conformance": None,
    "rehearsal": None, "approvals": (), "attested": (), "rollback": None, "expired": "",
}  # fmt: skip
"""Fields of the status that belong to an attempt, as they are without one."""


def begun(seen: Observed, draft: Draft, stored: StoredRevision, now: datetime, why: str = "") -> Draft:
    """With a new attempt of this revision's candidate, in paper; without a candidate, with none.

    Raises InputError where gates or course could lead nowhere; then nothing has changed.
    """
    if stored.content.candidate is None or isinstance(seen.spec, Problem):
        return draft.status_with(**NOTHING)
    plan = None
    if seen.spec.rollout.paper is not None:
        plan = plan_of(seen.spec, {found["metadata"]["name"]: found for found in seen.gate_sets})
    stamp, number = now.replace(microsecond=0), draft.status.attempt + 1
    fresh = NOTHING | {
        "candidate": CandidateStatus(digest=stored.digest),
        "attempt": number,
        "plan": plan,
        "stage": None if plan is None else RolloutStage.PAPER,
        "stage_started_at": None if plan is None else stamp,
    }
    words = f"attempt {number} of {stored.digest[:12]}" + (f": {why}" if why else "")
    return draft.status_with(**fresh).doing(PostEvent(Reason.ATTEMPT_STARTED, words)).look_at(now)


def to_stage(draft: Draft, stage: RolloutStage, now: datetime, step: int | None = None) -> Draft:
    """In this stage or canary step from now on, its evidence not begun."""
    status, stamp = draft.status, now.replace(microsecond=0)
    same = status.stage is stage
    where = f"{stage}" + ("" if step is None else f", step {step + 1}")
    gates = ", ".join(f"{gate.name} {gate.verdict}" for gate in status.gates)
    told = PostEvent(Reason.STAGE_ADVANCED, f"{where}: {gates}"[:1024])
    return draft.doing(told).look_at(now).status_with(
        stage=stage, step=step, stage_started_at=status.stage_started_at if same else stamp,
        step_started_at=stamp, step_passed_at=None, gates=(), blocks=None,
    )  # fmt: skip


def proven(status: PolicyStatus, stored: StoredRevision) -> tuple[str, ...]:
    """Arms that may become a baseline, with the candidate of this revision, which has reached Live."""
    if stored.content.candidate is None:
        return status.proven
    digest = arm_digest(stored.content.candidate)
    return (*(p for p in status.proven if p != digest), digest)[-16:]


def plan_changed(seen: Observed, status: PolicyStatus) -> bool:
    """Whether the spec's gates or course differ from what the attempt runs by."""
    if status.plan is None or isinstance(seen.spec, Problem):
        return False
    try:
        sets = {found["metadata"]["name"]: found for found in seen.gate_sets}
        return plan_of(seen.spec, sets) != status.plan
    except InputError:
        return True
