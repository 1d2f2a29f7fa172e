"""Verdicts: what one gate says now, and what all gates of a stage decide together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from quoting_operator.gates.blocks import Rejection
from quoting_operator.gates.state import GateState


class Verdict(StrEnum):
    """What one gate says."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    FAIL = "Fail"
    CONTINUE = "Continue"
    INCONCLUSIVE = "Inconclusive"


class Reason(StrEnum):
    """Why a gate says it."""

    EVIDENCE_AGAINST = "EvidenceAgainst"
    ALARM = "Alarm"
    CANDIDATE_MISSING = "CandidateMissing"
    ASSUMPTION_BROKEN = "AssumptionBroken"
    EVIDENCE_FOR = "EvidenceFor"
    UNREACHABLE = "Unreachable"
    DEADLINE = "Deadline"
    WATCHING = "Watching"
    TOO_FEW_BLOCKS = "TooFewBlocks"
    COLLECTING = "Collecting"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """One gate's verdict with what it rests on.

    estimate, lower, upper: in the metric's unit; None while unknown. ln_e_for, ln_e_against: now; max_for,
    max_against: their running maxima, which decide against pass_at and fail_at. healthy: the latest block was
    accepted and no assumption is broken.
    """

    name: str
    verdict: Verdict
    reason: Reason
    message: str
    n: int
    estimate: float | None
    lower: float | None
    upper: float | None
    ln_e_for: float
    ln_e_against: float
    max_for: float
    max_against: float
    pass_at: float
    fail_at: float
    healthy: bool
    dry_run: bool
    watches_only: bool


def judge(state: GateState, *, deadline_reached: bool = False, from_verdict: bool = False) -> GateVerdict:
    """What the gate says now.

    from_verdict: show the interval that agrees with the verdict instead of the asymptotic one.
    """
    verdict, reason, message = outcome(state, deadline_reached=deadline_reached)
    evidence = state.evidence
    bounds = evidence.verdict_interval() if from_verdict else evidence.interval()
    lower, upper = (None, None) if bounds is None else bounds
    return GateVerdict(
        name=state.spec.name,
        verdict=verdict,
        reason=reason,
        message=message,
        n=evidence.n,
        estimate=evidence.estimate if math.isfinite(evidence.estimate) else None,
        lower=lower,
        upper=upper if upper is None or math.isfinite(upper) else None,
        ln_e_for=evidence.ln_e_for,
        ln_e_against=evidence.ln_e_against,
        max_for=evidence.passing,
        max_against=evidence.failing,
        pass_at=state.level.pass_at,
        fail_at=state.level.fail_at,
        healthy=state.last_rejection is None and not state.unimputed and evidence.broken_assumption() is None,
        dry_run=state.spec.dry_run,
        watches_only=state.spec.watches_only,
    )


def outcome(state: GateState, *, deadline_reached: bool = False) -> tuple[Verdict, Reason, str]:
    """Verdict, reason and a sentence, without the interval and the evidence of the moment. First match wins.

    An assumption that fails (correlated blocks, bursts, a candidate that goes missing) comes before PASS:
    what was gathered under it is no evidence for. A source that is down, or a deadline, takes no PASS back.
    """
    evidence, level, spec = state.evidence, state.level, state.spec
    alarm, broken = evidence.alarm(), evidence.broken_assumption()
    convinced = evidence.passing >= level.pass_at and evidence.n >= spec.min_blocks
    missed = state.unimputed
    table = (
        (alarm is not None, Verdict.FAIL, Reason.ALARM, alarm or ""),
        (
            evidence.failing >= level.fail_at, Verdict.FAIL, Reason.EVIDENCE_AGAINST,
            f"ln E- reached {evidence.failing:.2f} >= {level.fail_at:.2f}",
        ),
        (
            missed > 0, Verdict.INCONCLUSIVE, Reason.CANDIDATE_MISSING,
            f"the candidate alone missed {missed} block(s), and no maxLossPerBlock stands in for them",
        ),
        (broken is not None, Verdict.INCONCLUSIVE, Reason.ASSUMPTION_BROKEN, broken or ""),
        (
            convinced and not spec.watches_only, Verdict.PASS, Reason.EVIDENCE_FOR,
            f"ln E+ reached {evidence.passing:.2f} >= {level.pass_at:.2f}",
        ),
        (
            state.last_rejection is Rejection.UNREACHABLE, Verdict.INCONCLUSIVE, Reason.UNREACHABLE,
            "the metrics' source gave no full answer; the evidence is frozen",
        ),
        (deadline_reached, Verdict.INCONCLUSIVE, Reason.DEADLINE, "the deadline is over"),
        (spec.watches_only, Verdict.CONTINUE, Reason.WATCHING, "this gate can fail but never pass"),
        (
            evidence.n < spec.min_blocks, Verdict.CONTINUE, Reason.TOO_FEW_BLOCKS,
            f"{evidence.n} of at least {spec.min_blocks} blocks",
        ),
    )  # fmt: skip
    for holds, verdict, reason, message in table:
        if holds:
            return verdict, reason, message
    return Verdict.CONTINUE, Reason.COLLECTING, f"ln E+ reached {evidence.passing:.2f} of {level.pass_at:.2f}"


class Decision(StrEnum):
    """What the gates of a stage decide."""

    PROMOTE = "Promote"
    HOLD = "Hold"
    ROLLBACK = "Rollback"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class StageDecision:
    """A decision and the gates or conditions it rests on."""

    decision: Decision
    because: tuple[str, ...]


def combine(
    gates: Sequence[GateVerdict],
    *,
    soak_over: bool,
    integrity_holds: bool = True,
    alarms: Sequence[str] = (),
    deadline_reached: bool = False,
) -> StageDecision:
    """Any failure or alarm rolls back; all gates must pass to promote; a deadline never promotes.

    Intersection-union: P(promote | some gate is truly bad) <= the largest alpha, without correction. Dry-run
    gates are heard and not heeded. Gates that only watch need not pass, and alone can't promote.
    alarms: detector alarms and hard limits reached.
    """
    deciding = [gate for gate in gates if not gate.dry_run]
    failed = [f"{gate.name}: {gate.message}" for gate in deciding if gate.verdict is Verdict.FAIL]
    if failed or alarms:
        return StageDecision(Decision.ROLLBACK, (*alarms, *failed))
    asked = [gate for gate in deciding if not gate.watches_only]
    waiting = [f"{gate.name}: {gate.message}" for gate in asked if gate.verdict is not Verdict.PASS]
    passed = {gate.name for gate in asked if gate.verdict is Verdict.PASS}
    waiting += [
        f"{gate.name}: data unhealthy"
        for gate in deciding
        if not gate.healthy and (gate.name in passed or gate.watches_only)
    ]
    if not asked:
        waiting.append("no gate that can pass")
    if not soak_over:
        waiting.append("minimum soak")
    if not integrity_holds:
        waiting.append("integrity")
    if not waiting:
        return StageDecision(Decision.PROMOTE, tuple(gate.name for gate in asked))
    return StageDecision(Decision.EXPIRED if deadline_reached else Decision.HOLD, tuple(waiting))
