"""Rehearsal of a rollback: in shadow every sidecar breaches on purpose, and the way back has to work."""

from __future__ import annotations

from datetime import datetime, timedelta

from quoting_operator.api.status import ProofState, RehearsalStatus, RolloutStage
from quoting_operator.rollout.authority import out_of_market
from quoting_operator.rollout.decision import Draft, PostEvent, Reason
from quoting_operator.rollout.observed import Observed

PATIENCE = timedelta(seconds=15)
"""How long sidecars have to report, and the Lease to be gone."""

AGAIN = timedelta(seconds=60)
"""After a failure the rehearsal is repeated: a pod may have been restarting."""

WARM_UP = timedelta(seconds=3)
"""Time that sidecars have to take up the authority of shadow."""


def rehearse(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Begin, follow or end the rehearsal. It begins by itself once shadow runs on every pod."""
    pinned, status = seen.pinned, draft.status
    if status.stage is not RolloutStage.SHADOW or pinned is None or out_of_market(draft, pinned.digest):
        return draft
    rehearsal = status.rehearsal
    if rehearsal is None or (rehearsal.state is ProofState.FAILED and now >= rehearsal.requested_at + AGAIN):
        return _begun(seen, draft, now)
    if rehearsal.running:
        return _followed(seen, draft, rehearsal, now)
    failed = rehearsal.state is ProofState.FAILED
    return draft.look_at(rehearsal.requested_at + AGAIN) if failed else draft


def _begun(seen: Observed, draft: Draft, now: datetime) -> Draft:
    started = draft.status.stage_started_at
    if seen.lease is None or started is None or now < started + WARM_UP:
        return draft.look_at(None if started is None else started + WARM_UP)
    pods = tuple(pod.name for pod in seen.pods if pod.injected and pod.ready)[:256]
    if not pods:
        return draft
    number = f"{draft.status.attempt}-{draft.status.fencing + 1}"
    rehearsal = RehearsalStatus(id=number, state=ProofState.RUNNING, requested_at=now, pods=pods)
    told = PostEvent(
        Reason.REHEARSAL_STARTED, f"rehearsal {number}: {len(pods)} pod(s) are to breach on purpose"
    )
    return draft.status_with(rehearsal=rehearsal).doing(told).look_at(now, now + PATIENCE)


def _followed(seen: Observed, draft: Draft, rehearsal: RehearsalStatus, now: datetime) -> Draft:
    told = {b.pod for b in seen.breaches if b.rehearsal == rehearsal.id and b.pod in rehearsal.pods}
    before = rehearsal.complete
    rehearsal = rehearsal.model_copy(update={"reported": tuple(sorted(told | set(rehearsal.reported)))})
    took = (now - rehearsal.requested_at).total_seconds()
    if before and seen.lease is None:
        message = f"{len(rehearsal.pods)} pod(s) fell back, authority gone {took:.1f} s after the request"
        return _ended(draft, rehearsal, ProofState.PASSED, message)
    if now >= rehearsal.requested_at + PATIENCE:
        missing = ", ".join(sorted(set(rehearsal.pods) - set(rehearsal.reported))[:5])
        silent = f"no report from {missing}" if missing else "the Lease was not seen gone"
        return _ended(draft, rehearsal, ProofState.FAILED, f"{silent} within {PATIENCE.total_seconds():g} s")
    due = now if rehearsal.complete else rehearsal.requested_at + PATIENCE
    return draft.status_with(rehearsal=rehearsal).look_at(due)


def _ended(draft: Draft, rehearsal: RehearsalStatus, state: ProofState, message: str) -> Draft:
    passed = state is ProofState.PASSED
    reason = Reason.REHEARSAL_PASSED if passed else Reason.REHEARSAL_FAILED
    draft = draft.status_with(rehearsal=rehearsal.model_copy(update={"state": state, "message": message}))
    told = PostEvent(reason, f"rehearsal {rehearsal.id}: {message}", warning=not passed)
    # Time under the drill is nobody's evidence: blocks begin anew with the next grant.
    return draft.status_with(blocks=None).doing(told).look_at(rehearsal.requested_at)
