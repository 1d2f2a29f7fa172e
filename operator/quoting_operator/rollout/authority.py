"""Authority: what the candidate may do now, and when it is renewed, changed or revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from quoting_operator.api.lease import drill_of, fencing_of, lease_of, renewed_time, same_terms
from quoting_operator.api.status import RolloutStage
from quoting_operator.rollout.decision import Draft, GrantAuthority, PostEvent, Reason, RevokeAuthority
from quoting_operator.rollout.observed import Observed
from quoting_operator.rollout.plan import rollout_of, terms
from quoting_policy.domain import Authority, KillAction, Stage

_STAGES = {
    RolloutStage.SHADOW: Stage.SHADOW,
    RolloutStage.CANARY: Stage.CANARY,
    RolloutStage.LIVE: Stage.LIVE,
}

RENEWALS = 3
"""Renewals in the lifetime of a Lease: two may fail."""


def deserved(seen: Observed, draft: Draft) -> tuple[Authority, str] | None:
    """The authority that the *recorded* state deserves, and the drill that goes with it; None: none.

    The stage comes from the status as it was stored, so that whoever follows can see why it was given.
    """
    status, pinned = draft.status, seen.pinned
    stage = None if status.stage is None else _STAGES.get(status.stage)
    if stage is None or pinned is None or status.plan is None or status.stage is None:
        return None
    if pinned.content.candidate is None or out_of_market(draft, pinned.digest):
        return None
    if draft.kill.action is not KillAction.NONE:
        return None
    rehearsal = status.rehearsal
    rehearsing = rehearsal is not None and rehearsal.running
    if rehearsing and rehearsal is not None and rehearsal.complete:
        return None
    rollout = rollout_of(status.plan)
    asked = terms(rollout, status.stage, status.step or 0)
    authority = Authority(
        digest=pinned.digest,
        stage=stage,
        exposure_percent=float(asked.exposure_percent),
        block_length_s=asked.block_length_s,
        washout_s=asked.washout_s,
        lifetime_s=rollout.lease_duration.total_seconds(),
    )
    drill = rehearsal.id if rehearsing and rehearsal is not None and stage is Stage.SHADOW else ""
    return authority, drill


def out_of_market(draft: Draft, digest: str) -> bool:
    """Whether this digest is kept out until somebody ends that by name."""
    status = draft.status
    rolled_back = status.rollback is not None and status.rollback.digest == digest
    return rolled_back or bool(status.expired) or any(q.digest == digest for q in status.quarantined)


def authority(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Renew, change or revoke. A Lease that nothing deserves is a leftover and goes."""
    found = deserved(seen, draft)
    if found is None:
        return revoked(seen, draft, "nothing gives the candidate authority")
    wanted, drill = found
    lease, third = seen.lease, timedelta(seconds=wanted.lifetime_s / RENEWALS)
    if lease is not None and same_terms(lease, wanted) and drill_of(lease) == drill:
        renewed = renewed_time(lease)
        # A renewal from the future is a clock that was set back: renew, or it would never be due.
        if renewed is not None and timedelta(0) <= now - renewed < third:
            return draft.look_at(renewed + third)
        again = lease_of(seen.policy, wanted, fencing_of(lease), now, drill, lease)
        return draft.doing(GrantAuthority(again)).look_at(now + third)
    fencing = max(draft.status.fencing, 0 if lease is None else fencing_of(lease)) + 1
    granted = GrantAuthority(lease_of(seen.policy, wanted, fencing, now, drill, lease))
    told = PostEvent(Reason.AUTHORITY_GRANTED, _words(wanted, drill))
    return draft.status_with(fencing=fencing).doing(granted, told).look_at(now + third)


def revoked(seen: Observed, draft: Draft, why: str) -> Draft:
    """Without authority: what was decided to be granted is dropped, and the Lease goes."""
    draft = draft.set(actions=tuple(a for a in draft.actions if not isinstance(a, GrantAuthority)))
    if seen.lease is None or RevokeAuthority() in draft.actions:
        return draft
    return draft.doing(RevokeAuthority(), PostEvent(Reason.AUTHORITY_REVOKED, why, warning=True))


def _words(wanted: Authority, drill: str) -> str:
    if drill:
        return f"rehearsal {drill}: sidecars are to breach on purpose, in shadow"
    if wanted.stage is Stage.SHADOW:
        return "Shadow: the candidate is computed beside the baseline, which quotes"
    return f"{wanted.stage}: the candidate may quote {wanted.exposure_percent:g} % of the time"
