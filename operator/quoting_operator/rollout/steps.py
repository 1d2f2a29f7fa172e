"""The steps of a reconcile pass. Each is a pure function of what is seen, decided so far, and now."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.killswitch import kill_of
from quoting_operator.api.limits import EffectiveLimits
from quoting_operator.api.limits import Limits as ApiLimits
from quoting_operator.api.status import Phase
from quoting_operator.rollout import revisions, risk
from quoting_operator.rollout.decision import Draft, PostEvent, Reason, RevokeAuthority, StoreRevision
from quoting_operator.rollout.observed import Observed, Problem, risk_policy_ref
from quoting_policy.domain import KillAction, Revision
from quoting_policy.errors import InputError


def kill_and_latches(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Read every kill switch. Sidecars obey them by themselves; here they stop authority and are reported."""
    kill = kill_of(seen.policy, seen.switches)
    engaged = kill.action is not KillAction.NONE
    draft = draft.set(kill=kill)
    return draft.finding("Killed", engaged, "Engaged" if engaged else "NotEngaged", kill.reason)


def authority(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Revoke authority that nothing deserves.

    No stage that this version runs gives a candidate authority, so any Lease is a leftover.
    """
    if seen.lease is None:
        return draft
    told = PostEvent(Reason.AUTHORITY_REVOKED, "no stage gives the candidate authority", warning=True)
    return draft.doing(RevokeAuthority(), told)


def safety(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Judge what the rollout relies on: without readable risk limits nothing advances."""
    ref = risk_policy_ref(seen.policy)
    if ref is None:
        return draft
    found = risk.read_risk_policy(ref, seen.risk)
    if isinstance(found, Problem):
        draft = draft.set(risk=found, frozen=found.message)
        return draft.finding("RiskPolicyHealthy", False, "Unusable", found.message)
    return draft.set(risk=found).finding("RiskPolicyHealthy", True, "Merged")


def exposure(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Enforce the tightest limits: sidecars put those of status on top of their pinned revision at once."""
    last = seen.status.effective_limits
    if not isinstance(seen.spec, Problem):
        return draft.set(limits=risk.held_limits(seen.spec, draft.risk, last).everywhere)
    if seen.pinned is None:
        return draft
    return draft.set(limits=risk.pinned_limits(seen.pinned.content, draft.risk, last))


def advance(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Take what the spec wishes for, if it may be: pin it as a new revision, or say why not."""
    if isinstance(seen.spec, Problem):
        return draft.set(invalid=seen.spec.message)
    held = risk.held_limits(seen.spec, draft.risk, seen.status.effective_limits)
    try:
        wish = revisions.wanted(seen.spec, held.everywhere, held.by_instrument, held.portfolio)
        digest = wish.digest()
    except InputError as error:
        return draft.set(invalid=str(error))
    if seen.pinned is not None and revisions.only_tightens(seen.pinned.content, wish):
        return draft.set(wish=seen.pinned.digest)
    draft = draft.set(wish=digest)
    if why := _baseline_refused(seen, wish):
        return draft.set(invalid=why)
    if found := next((q for q in seen.status.quarantined if q.digest == digest), None):
        return draft.set(quarantined=found.reason)
    return draft if draft.frozen else _pin(seen, draft, wish, digest)


def _baseline_refused(seen: Observed, wish: Revision) -> str:
    """Why this baseline may not take the place of the one that quotes; empty if it may."""
    pinned, effective = seen.pinned, seen.status.effective
    if pinned is None and effective is not None and effective.digest not in ("", wish.digest()):
        return f"revision {effective.revision} is gone or altered; only its own content can take its place"
    if not seen.revisions or any(wish.baseline == stored.content.baseline for stored in seen.revisions):
        return ""
    live = None if pinned is None or seen.status.phase is not Phase.LIVE else pinned.content.candidate
    if live is not None and wish.baseline == live:
        return ""
    return (
        "spec.baseline: only a candidate that has reached Live, or an earlier baseline, may become the"
        " baseline; put the new policy under spec.candidate"
    )


def _pin(seen: Observed, draft: Draft, wish: Revision, digest: str) -> Draft:
    name = revisions.revision_name(seen.meta.name, digest)
    stored = next((r for r in seen.revisions if r.digest == digest), None)
    if stored is None:
        number = max((r.number for r in seen.revisions), default=0) + 1
        stored = revisions.StoredRevision(name=name, number=number, digest=digest, content=wish)
        draft = draft.doing(StoreRevision(stored))
    told = PostEvent(Reason.REVISION_ACCEPTED, f"sidecars are to run revision {stored.name}")
    return draft.set(pinned=stored).doing(told)


def effective_limits(draft: Draft, last: EffectiveLimits | None) -> EffectiveLimits | None:
    """Limits in force, as status shows them; what held last where they could not be worked out."""
    if draft.limits is None:
        return last
    sha256 = last.risk_policy if isinstance(draft.risk, Problem) and last else ""
    if isinstance(draft.risk, risk.RiskPolicy):
        sha256 = draft.risk.sha256
    return EffectiveLimits(limits=ApiLimits.from_domain(draft.limits), risk_policy=sha256)
