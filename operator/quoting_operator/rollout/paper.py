"""The paper stage: Jobs that replay markets and prove the clamps, and what their pods say in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from quoting_operator.api.status import (
    ConformanceStatus,
    PaperStatus,
    Plan,
    PolicyStatus,
    ProofState,
    RolloutStage,
)
from quoting_operator.gates import Decision, StageDecision, start
from quoting_operator.gates.paper import judge_paper
from quoting_operator.rollout.conformance_job import (
    conformance_inputs,
    conformance_job,
    conformance_name,
    conformance_progress,
)
from quoting_operator.rollout.decision import CreateOnce, Draft
from quoting_operator.rollout.evidence import gate_status
from quoting_operator.rollout.jobs import Workplace
from quoting_operator.rollout.observed import Json, Observed
from quoting_operator.rollout.paper_job import paper_inputs, paper_job, paper_name, report_job, report_name
from quoting_operator.rollout.paper_progress import PaperProgress, paper_progress
from quoting_operator.rollout.plan import GATE_STAGE, gates_of, levels, rollout_of
from quoting_operator.rollout.revisions import StoredRevision

_STAGE = RolloutStage.PAPER


def follow(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Start the Jobs, read what their pods say, and let the gates of paper decide."""
    status, pinned = draft.status, seen.pinned
    if status.stage is not _STAGE or status.plan is None or pinned is None:
        return draft
    if not seen.paper_image:
        return draft.holding("the operator was started without --paper-image: nothing can be replayed")
    attempt, place = status.attempt, Workplace(image=seen.paper_image)
    jobs = {job["metadata"]["name"]: job for job in seen.jobs}
    replaying = jobs.get(paper_name(seen.policy, pinned.digest, attempt))
    proving = jobs.get(conformance_name(seen.policy, pinned.digest, attempt))
    draft = _started(seen, draft, pinned, place, (replaying, proving))
    progress = paper_progress(replaying, seen.job_pods)
    draft = _proof(seen, draft, pinned, proving)
    draft = _reported(seen, draft, pinned, progress, place)
    return _judged(draft, status.plan, progress) if progress.done else draft


def _started(
    seen: Observed,
    draft: Draft,
    pinned: StoredRevision,
    place: Workplace,
    jobs: tuple[Json | None, Json | None],
) -> Draft:
    """Each Job and its inputs by a name that says attempt and digest: making them again changes nothing."""
    plan, attempt = draft.status.plan, draft.status.attempt
    # Recorded before it is done: the attempt is in the status that was stored.
    if plan is None or seen.status.attempt != attempt or seen.status.stage is not _STAGE:
        return draft
    replaying, proving = jobs
    if replaying is None and not _was(draft.status.paper):
        draft = draft.doing(
            CreateOnce("ConfigMap", paper_inputs(seen.policy, pinned, plan, attempt)),
            CreateOnce("Job", paper_job(seen.policy, pinned, plan, attempt, place)),
        )
    if proving is None and draft.status.conformance is None:
        draft = draft.doing(
            CreateOnce("ConfigMap", conformance_inputs(seen.policy, pinned, attempt)),
            CreateOnce("Job", conformance_job(seen.policy, pinned, attempt, place)),
        )
    return draft


def _was(paper: PaperStatus | None) -> bool:
    """Whether the replay was over once: a Job that somebody cleared away is not done again."""
    return paper is not None and 0 < paper.sessions <= paper.finished + paper.failed


def _proof(seen: Observed, draft: Draft, pinned: StoredRevision, proving: Json | None) -> Draft:
    known = draft.status.conformance
    if proving is None or (known is not None and known.state is not ProofState.RUNNING):
        return draft
    found = conformance_progress(proving, seen.job_pods)
    name = conformance_name(seen.policy, pinned.digest, draft.status.attempt)
    return draft.status_with(
        conformance=ConformanceStatus(job=name, state=found.state, message=found.message)
    )


def _reported(
    seen: Observed, draft: Draft, pinned: StoredRevision, progress: PaperProgress, place: Workplace
) -> Draft:
    """What status shows of the stage; the report is asked for once the evidence is in."""
    plan, attempt = draft.status.plan, draft.status.attempt
    if progress.total == 0 or plan is None:
        return draft
    report = report_name(seen.policy, pinned.digest)
    paper = PaperStatus(
        job=paper_name(seen.policy, pinned.digest, attempt),
        sessions=progress.total,
        finished=len(progress.sessions),
        failed=len(progress.failed),
        report=report if report in seen.config_maps else "",
    )
    before, draft = draft.status.paper, draft.status_with(paper=paper)
    job = report_job(seen.policy, pinned, plan, attempt, place) if progress.done else None
    told = before is not None and before == paper
    return draft if job is None or told else draft.doing(CreateOnce("Job", job))


def _judged(draft: Draft, plan: Plan, progress: PaperProgress) -> Draft:
    """Sessions into gates. Paper has no more to come: what is not shown now is not shown."""
    rollout = rollout_of(plan)
    gates = gates_of(plan, rollout, _STAGE)
    budget = levels(plan, rollout, _STAGE, gates, draft.status.attempt)
    starts = [start(gate, level, GATE_STAGE[_STAGE]) for gate, level in zip(gates, budget, strict=True)]
    judged = judge_paper(starts, progress.sessions, complete=progress.complete)
    verdict = judged.decision
    if verdict.decision is Decision.HOLD:
        verdict = StageDecision(Decision.EXPIRED, (*_missing(progress), *verdict.because))
    shown = zip(judged.states, judged.gates, strict=True)
    return draft.set(verdict=verdict).status_with(
        gates=tuple(gate_status(state, found, _STAGE) for state, found in shown)
    )


def _missing(progress: PaperProgress) -> Sequence[str]:
    lost = [f"session {index}: {why}" for index, why in progress.failed[:2]]
    return [*lost, *([progress.problem] if progress.problem and not lost else [])]


def late_proof(seen: Observed, draft: Draft) -> Draft:
    """Read the proof of the clamps in shadow too: its Job may end after the last session of paper."""
    status, pinned = draft.status, seen.pinned
    if status.stage is not RolloutStage.SHADOW or pinned is None:
        return draft
    name = conformance_name(seen.policy, pinned.digest, status.attempt)
    proving = next((job for job in seen.jobs if job["metadata"]["name"] == name), None)
    return _proof(seen, draft, pinned, proving)


def late_report(seen: Observed, status: PolicyStatus) -> PaperStatus | None:
    """The paper status with a report that came after the stage was left; None where nothing has changed."""
    paper, pinned = status.paper, seen.pinned
    if paper is None or paper.report or pinned is None:
        return None
    name = report_name(seen.policy, pinned.digest)
    return paper.model_copy(update={"report": name}) if name in seen.config_maps else None
