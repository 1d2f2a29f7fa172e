"""Latches: what takes a candidate out of the market until somebody ends that by name."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.killswitch import kill_of
from quoting_operator.api.status import Quarantine, Rollback, RollbackReason
from quoting_operator.rollout.authority import out_of_market, revoked
from quoting_operator.rollout.decision import Draft, PostEvent, Reason
from quoting_operator.rollout.observed import BreachFact, Observed
from quoting_policy.domain import KillAction

QUARANTINED = frozenset(RollbackReason) - {RollbackReason.BLIND}
"""Reasons that speak against the digest itself. Blindness speaks against our measurements."""

_MOST = 64
_LONGEST = 1024


def kill_and_latches(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Read every kill switch, and latch the breaches that sidecars have told of.

    Sidecars obey both by themselves; here they stop authority and are reported.
    """
    kill = kill_of(seen.policy, seen.switches)
    engaged = kill.action is not KillAction.NONE
    draft = draft.set(kill=kill)
    draft = draft.finding("Killed", engaged, "Engaged" if engaged else "NotEngaged", kill.reason)
    breach = next((breach for breach in seen.breaches if _counts(breach, seen, draft)), None)
    return draft if breach is None else _breached(seen, draft, breach, now)


def rolled_back(
    seen: Observed, draft: Draft, reason: RollbackReason, message: str, now: datetime, **details: object
) -> Draft:
    """Take the candidate at hand out of the market: revoke, latch, quarantine, say why. Safe to repeat."""
    pinned = seen.pinned
    if pinned is None or out_of_market(draft, pinned.digest):
        return draft
    status, message, stamp = draft.status, message[:_LONGEST], now.replace(microsecond=0)
    rollback = Rollback(
        digest=pinned.digest, reason=reason, message=message, stage=status.stage, at=stamp,
        **details,
    )  # fmt: skip
    draft = draft.status_with(rollback=rollback, blocks=None)
    if reason in QUARANTINED:
        held = Quarantine(digest=pinned.digest, reason=f"{reason}: {message}"[:_LONGEST], at=stamp)
        draft = draft.status_with(quarantined=(*status.quarantined, held)[-_MOST:])
    draft = revoked(seen, draft, f"{reason}: {message}"[:_LONGEST])
    return draft.doing(PostEvent(Reason.ROLLED_BACK, f"{reason}: {message}", warning=True))


def _counts(breach: BreachFact, seen: Observed, draft: Draft) -> bool:
    """Whether a breach is real, of the digest at hand, and not let go of since."""
    pinned = seen.pinned
    if breach.rehearsal or pinned is None or breach.digest != pinned.digest:
        return False
    released = [r.at for r in draft.status.released if r.digest == breach.digest]
    return all(breach.at > at for at in released)


def _breached(seen: Observed, draft: Draft, breach: BreachFact, now: datetime) -> Draft:
    crossed = ", ".join(breach.clamps) or "an unnamed limit"
    message = f"{crossed} in pod {breach.pod or 'unknown'}"
    return rolled_back(seen, draft, RollbackReason.BREACH, message, now, clamps=breach.clamps, pod=breach.pod)
