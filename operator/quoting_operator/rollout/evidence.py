"""Evidence of the stage at hand: blocks and sessions into gates, and what the gates decide together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from quoting_operator.api.lease import DIGEST, drill_of, lapsed
from quoting_operator.api.rollout import Rollout
from quoting_operator.api.status import BlocksStatus, GateStatus, Plan, PolicyStatus, RolloutStage
from quoting_operator.gates import (
    EvidenceMismatchError,
    GateSpec,
    GateState,
    GateVerdict,
    RejectedBlock,
    StageDecision,
    combine,
    from_status,
    judge,
    start,
    update_all,
)
from quoting_operator.gates.block_reading import BlockReading, BlockRequest
from quoting_operator.rollout.decision import Draft
from quoting_operator.rollout.observed import Observed
from quoting_operator.rollout.plan import GATE_STAGE, Terms, gates_of, levels, rollout_of, terms

MEASURED = frozenset({RolloutStage.SHADOW, RolloutStage.CANARY, RolloutStage.LIVE})
"""Stages whose evidence is read block by block; paper has a Job."""


def states_of(
    status: PolicyStatus, plan: Plan, rollout: Rollout, stage: RolloutStage
) -> tuple[GateState, ...]:
    """The gates of a stage with the evidence that is stored; what is of another gate or stage starts anew."""
    gates = gates_of(plan, rollout, stage)
    budget = levels(plan, rollout, stage, gates, status.attempt)
    stored = {kept.name: kept for kept in status.gates if kept.stage == stage.value}
    return tuple(
        _restored(gate, stored.get(gate.name)) or start(gate, level, GATE_STAGE[stage])
        for gate, level in zip(gates, budget, strict=True)
    )


def follow_blocks(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Take in the blocks that were read, ask for the next ones, and let the gates of the stage decide.

    No blocks are wanted while the candidate has no authority: what it then does is not what is judged.
    """
    status = draft.status
    if status.plan is None or status.stage not in MEASURED or seen.pinned is None:
        return draft
    stage, rollout = status.stage, rollout_of(status.plan)
    asked = terms(rollout, stage, status.step or 0)
    states = states_of(status, status.plan, rollout, stage)
    if not authorised(seen, now):
        return _decided(draft.status_with(blocks=None), states, asked, now)
    blocks = status.blocks or BlocksStatus(
        next=first_block(now, asked.block_length_s), since=now.replace(microsecond=0)
    )
    request = _request(seen, stage, asked, blocks, states)
    if seen.reading is not None and seen.reading.request == request:
        reading = seen.reading.reading
        states, blocks = _absorbed(states, blocks, reading, asked)
        request = _request(seen, stage, asked, blocks, states)
        draft = _health(draft, reading)
    else:
        draft = _unchanged_health(seen, draft)
    return _decided(draft.status_with(blocks=blocks).set(request=request), states, asked, now)


def authorised(seen: Observed, now: datetime) -> bool:
    """Whether sidecars have authority for the digest at hand, not lapsed and without a drill."""
    if seen.lease is None or seen.pinned is None or drill_of(seen.lease) or lapsed(seen.lease, now):
        return False
    return (seen.lease["metadata"].get("annotations") or {}).get(DIGEST) == seen.pinned.digest


def first_block(now: datetime, block_length_s: float) -> int:
    """The first block that will be seen from its start to its end: sidecars take up authority meanwhile."""
    return math.floor(now.timestamp() / block_length_s) + 2


def block_end(index: int, block_length_s: float) -> datetime:
    """End of a block."""
    return datetime.fromtimestamp((index + 1) * block_length_s, UTC).replace(microsecond=0)


def gate_status(state: GateState, verdict: GateVerdict, stage: RolloutStage) -> GateStatus:
    """A gate as the status shows and keeps it."""
    return GateStatus(
        name=verdict.name,
        stage=stage.value,
        verdict=verdict.verdict.value,
        message=f"{verdict.reason.value}: {verdict.message}"[:1024],
        blocks=verdict.n,
        estimate=verdict.estimate,
        lower=verdict.lower,
        upper=verdict.upper,
        dry_run=verdict.dry_run,
        evidence=state.to_status(),
    )


def _restored(gate: GateSpec, stored: GateStatus | None) -> GateState | None:
    if stored is None:
        return None
    try:
        return from_status(gate, stored.evidence)
    except EvidenceMismatchError:
        return None


def _request(
    seen: Observed,
    stage: RolloutStage,
    asked: Terms,
    blocks: BlocksStatus,
    states: Sequence[GateState],
) -> BlockRequest:
    assert seen.pinned is not None  # noqa: S101  whoever asks has looked
    return BlockRequest(
        namespace=seen.meta.namespace,
        policy=seen.meta.name,
        digest=seen.pinned.digest,
        stage=GATE_STAGE[stage],
        block_length_s=asked.block_length_s,
        first=blocks.next,
        gates=tuple(state.spec for state in states),
    )


def _absorbed(
    states: Sequence[GateState], blocks: BlocksStatus, reading: BlockReading, asked: Terms
) -> tuple[tuple[GateState, ...], BlocksStatus]:
    grown = tuple(update_all(state, reading.blocks.get(state.spec.name, ())) for state in states)
    accepted = [
        block.index
        for found in reading.blocks.values()
        for block in found
        if not isinstance(block, RejectedBlock)
    ]
    last = blocks.last_accepted_at
    if accepted:
        last = block_end(max(accepted), asked.block_length_s)
    after = {"next": max(blocks.next, reading.last + 1), "last_accepted_at": last}
    return grown, blocks.model_copy(update=after)


def _health(draft: Draft, reading: BlockReading) -> Draft:
    if not reading.reachable:
        return draft.finding("GatesHealthy", False, "Unreachable", reading.problem)
    rejected = {
        block.reason
        for found in reading.blocks.values()
        for block in found
        if isinstance(block, RejectedBlock) and block.index == reading.last
    }
    if rejected:
        words = ", ".join(sorted(rejected)) + (f": {reading.problem}" if reading.problem else "")
        return draft.finding("GatesHealthy", False, "BlockRejected", words)
    return draft.finding("GatesHealthy", True, "Measured")


def _unchanged_health(seen: Observed, draft: Draft) -> Draft:
    before = next((c for c in seen.status.conditions if c.type == "GatesHealthy"), None)
    if before is None:
        return draft
    return draft.finding("GatesHealthy", before.status == "True", before.reason, before.message)


def _decided(draft: Draft, states: Iterable[GateState], asked: Terms, now: datetime) -> Draft:
    """What the gates say together; deadlines are looked at where the stage is left."""
    status = draft.status
    assert status.stage is not None  # noqa: S101  whoever decides has looked
    judged = [(state, judge(state)) for state in states]
    verdicts = [verdict for _, verdict in judged]
    able = [v.n for v in verdicts if not v.watches_only and not v.dry_run]
    since = status.step_started_at or status.stage_started_at or now
    enough = min(able, default=0) >= asked.min_blocks and now >= since + asked.soak
    verdict = combine(verdicts, soak_over=enough)
    stage = status.stage
    return draft.set(verdict=verdict).status_with(
        gates=tuple(gate_status(state, verdict, stage) for state, verdict in judged)
    )


def waiting_for(verdict: StageDecision | None) -> str:
    """What is missing, in a phrase."""
    return "evidence" if verdict is None else "; ".join(verdict.because[:3]) or "evidence"


def blind_at(status: PolicyStatus, rollout: Rollout, asked: Terms) -> datetime | None:
    """When the baseline takes over for want of measurements; None while none are expected."""
    if status.blocks is None:
        return None
    since = status.blocks.last_accepted_at or status.blocks.since
    # The first block that can be seen whole ends up to three blocks after authority was given.
    return since + timedelta(seconds=3 * asked.block_length_s) + rollout.blind_timeout
