"""The steps that keep a policy safe: what the rollout relies on, and the tightest limits."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.limits import EffectiveLimits
from quoting_operator.api.limits import Limits as ApiLimits
from quoting_operator.api.status import RollbackReason, RolloutStage
from quoting_operator.rollout import risk
from quoting_operator.rollout.decision import Draft
from quoting_operator.rollout.evidence import authorised, blind_at
from quoting_operator.rollout.latches import rolled_back
from quoting_operator.rollout.observed import Observed, Problem, risk_policy_ref
from quoting_operator.rollout.plan import rollout_of, terms


def safety(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Judge what the rollout relies on: risk limits that can be read, and measurements."""
    return _blindness(seen, _risk_limits(seen, draft), now)


def _risk_limits(seen: Observed, draft: Draft) -> Draft:
    """Without readable risk limits nothing advances."""
    ref = risk_policy_ref(seen.policy)
    if ref is None:
        return draft
    found = risk.read_risk_policy(ref, seen.risk)
    if isinstance(found, Problem):
        draft = draft.set(risk=found, frozen=found.message)
        return draft.finding("RiskPolicyHealthy", False, "Unusable", found.message)
    return draft.set(risk=found).finding("RiskPolicyHealthy", True, "Merged")


def _blindness(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """A candidate in the market that nobody can measure goes back to the baseline."""
    status = draft.status
    if status.plan is None or status.stage not in (RolloutStage.CANARY, RolloutStage.LIVE):
        return draft
    if not authorised(seen, now):
        return draft  # as after our own absence: the candidate is out already, and nothing was to be seen
    rollout = rollout_of(status.plan)
    blind = blind_at(status, rollout, terms(rollout, status.stage, status.step or 0))
    if blind is None or now < blind:
        return draft.look_at(blind)
    unhealthy = next((c.message for c in seen.status.conditions if c.type == "GatesHealthy"), "")
    message = f"no block was evidence for too long{f': {unhealthy}' if unhealthy else ''}"
    return rolled_back(seen, draft, RollbackReason.BLIND, message, now)


def exposure(seen: Observed, draft: Draft, _now: datetime) -> Draft:
    """Enforce the tightest limits: sidecars put those of status on top of their pinned revision at once."""
    last = seen.status.effective_limits
    if not isinstance(seen.spec, Problem):
        return draft.set(limits=risk.held_limits(seen.spec, draft.risk, last).everywhere)
    if seen.pinned is None:
        return draft
    return draft.set(limits=risk.pinned_limits(seen.pinned.content, draft.risk, last))


def effective_limits(draft: Draft, last: EffectiveLimits | None) -> EffectiveLimits | None:
    """Limits in force, as status shows them; what held last where they could not be worked out."""
    if draft.limits is None:
        return last
    sha256 = last.risk_policy if isinstance(draft.risk, Problem) and last else ""
    if isinstance(draft.risk, risk.RiskPolicy):
        sha256 = draft.risk.sha256
    return EffectiveLimits(limits=ApiLimits.from_domain(draft.limits), risk_policy=sha256)
