"""What the spec wishes for, whether it may be followed, and the revision that is pinned for it."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.status import RolloutStage
from quoting_operator.rollout import revisions, risk
from quoting_operator.rollout.attempt import begun
from quoting_operator.rollout.authority import out_of_market, revoked
from quoting_operator.rollout.decision import Draft, PostEvent, Reason, StoreRevision
from quoting_operator.rollout.observed import Observed, Problem
from quoting_operator.rollout.revisions import StoredRevision, arm_digest
from quoting_policy.domain import Revision
from quoting_policy.errors import InputError


def follow_wish(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Pin what the spec wishes for as a new revision and begin its attempt, or say why not."""
    if isinstance(seen.spec, Problem):
        return draft.set(invalid=seen.spec.message)
    held = risk.held_limits(seen.spec, draft.risk, seen.status.effective_limits)
    try:
        wish = revisions.wanted(seen.spec, held.everywhere, held.by_instrument, held.portfolio)
        digest = wish.digest()
    except InputError as error:
        return draft.set(invalid=str(error))
    if seen.pinned is not None and revisions.only_tightens(seen.pinned.content, wish):
        return _unchanged(seen, draft.set(wish=seen.pinned.digest), seen.pinned, now)
    draft = draft.set(wish=digest)
    if why := _baseline_refused(seen, draft, wish) or _live_replaced(seen, draft, wish):
        return draft.set(invalid=why)
    if found := next((q for q in draft.status.quarantined if q.digest == digest), None):
        return draft.set(quarantined=found.reason)
    return draft if draft.frozen else _pinned(seen, draft, wish, digest, now)


def _unchanged(seen: Observed, draft: Draft, pinned: StoredRevision, now: datetime) -> Draft:
    """The revision at hand is wished. Its attempt begins if it has none, or anew where that was asked."""
    found = next((q for q in draft.status.quarantined if q.digest == pinned.digest), None)
    if found is not None:
        return draft.set(quarantined=found.reason)
    candidate = draft.status.candidate
    missing = pinned.content.candidate is not None and (
        candidate is None or candidate.digest != pinned.digest or _can_begin(seen, draft)
    )
    if not (missing or draft.restart) or draft.frozen:
        return draft
    return _attempted(seen, revoked(seen, draft, "a new attempt begins"), pinned, now)


def _can_begin(seen: Observed, draft: Draft) -> bool:
    """An attempt that had no course has been given one."""
    return (
        draft.status.stage is None
        and not isinstance(seen.spec, Problem)
        and seen.spec.rollout.paper is not None
    )


def _baseline_refused(seen: Observed, draft: Draft, wish: Revision) -> str:
    """Why this baseline may not take the place of the one that quotes; empty if it may."""
    pinned, effective = seen.pinned, seen.status.effective
    if pinned is None and effective is not None and effective.digest not in ("", wish.digest()):
        return f"revision {effective.revision} is gone or altered; only its own content can take its place"
    if not seen.revisions or any(wish.baseline == stored.content.baseline for stored in seen.revisions):
        return ""
    if arm_digest(wish.baseline) in draft.status.proven:
        return ""
    return (
        "spec.baseline: only a candidate that has reached Live, an earlier baseline, or a content approved by"
        " name may become the baseline; put the new policy under spec.candidate"
    )


def _live_replaced(seen: Observed, draft: Draft, wish: Revision) -> str:
    """Why a live candidate is not dropped by an edit that asks for something else; empty if it may be."""
    pinned, status = seen.pinned, draft.status
    if pinned is None or status.stage is not RolloutStage.LIVE or out_of_market(draft, pinned.digest):
        return ""
    if wish.candidate is None or wish.baseline == pinned.content.candidate:
        return ""
    return (
        "spec: this change would drop the live candidate; adopt it first (spec.baseline: its content,"
        " spec.candidate: the next one), or take it out with `kubectl quoting abort`"
    )


def _pinned(seen: Observed, draft: Draft, wish: Revision, digest: str, now: datetime) -> Draft:
    name = revisions.revision_name(seen.meta.name, digest)
    stored = next((r for r in seen.revisions if r.digest == digest), None)
    stores: tuple[StoreRevision, ...] = ()
    if stored is None:
        number = max((r.number for r in seen.revisions), default=0) + 1
        stored = StoredRevision(name=name, number=number, digest=digest, content=wish)
        stores = (StoreRevision(stored),)
    begins = _attempted(seen, draft, stored, now)
    if begins.invalid:
        return begins
    told = PostEvent(Reason.REVISION_ACCEPTED, f"sidecars are to run revision {stored.name}")
    return revoked(seen, begins, "another revision is pinned").doing(*stores, told).set(pinned=stored)


def _attempted(seen: Observed, draft: Draft, stored: StoredRevision, now: datetime) -> Draft:
    try:
        return begun(seen, draft, stored, now, draft.restart)
    except InputError as error:
        return draft.set(invalid=str(error))
