"""The state of one gate in one attempt: sufficient statistics only, at most 1 KiB of JSON.

`update` is the only way on. Blocks fed one by one, in bulk, or after any number of restarts go through the
same floating-point operations in the same order, so the evidence is the same to the last bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quoting_operator.gates.blocks import (
    LARGEST,
    Block,
    CountBlock,
    DifferenceBlock,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
)
from quoting_operator.gates.budget import Level
from quoting_operator.gates.count_evidence import CountEvidence, CountRule
from quoting_operator.gates.mean_evidence import MeanEvidence
from quoting_operator.gates.paired_evidence import PairedCountEvidence
from quoting_operator.gates.spec import GateSpec, Kind, Stage, Test

Evidence = MeanEvidence | CountEvidence | PairedCountEvidence


class EvidenceMismatchError(ValueError):
    """Stored evidence belongs to another gate than the spec's: archive it and start the next attempt."""


@dataclass(frozen=True, slots=True)
class GateState:
    """Everything a gate knows.

    last_index: of the last block that entered the evidence. last_rejection: why the latest block did not,
    None after an accepted one. rejected: how many blocks were rejected, by reason.
    """

    spec: GateSpec
    level: Level
    stage: Stage | None
    evidence: Evidence
    last_index: int | None = None
    last_rejection: Rejection | None = None
    rejected: tuple[tuple[Rejection, int], ...] = ()

    @property
    def unimputed(self) -> int:
        """Blocks that only the candidate missed and that no loss bound could stand in for."""
        if self.spec.kind is Kind.INTEGRITY or self.spec.max_loss_per_block is not None:
            return 0
        return dict(self.rejected).get(Rejection.CANDIDATE_MISSING, 0)

    def to_status(self) -> dict[str, Any]:
        """A JSON-ready mapping for the resource's status."""
        level = self.level
        status: dict[str, Any] = {
            "gate": self.spec.fingerprint,
            "level": [level.attempt, level.alpha, level.alpha_rollback, level.r2],
            "evidence": self.evidence.to_status(),
        }
        if self.stage is not None:
            status["stage"] = self.stage.value
        if self.last_index is not None:
            status["lastIndex"] = self.last_index
        if self.last_rejection is not None:
            status["lastRejection"] = self.last_rejection.value
        if self.rejected:
            status["rejected"] = {reason.value: count for reason, count in self.rejected}
        return status


def start(spec: GateSpec, level: Level, stage: Stage | None = None) -> GateState:
    """A gate without evidence."""
    evidence: Evidence
    match spec.test:
        case Test.MEAN:
            evidence = MeanEvidence.start(spec, level, stage)
        case Test.RATE_RATIO:
            evidence = PairedCountEvidence(CountRule.of(spec, level))
        case _:
            evidence = CountEvidence(CountRule.of(spec, level))
    return GateState(spec, level, stage, evidence)


def from_status(spec: GateSpec, status: Mapping[str, Any]) -> GateState:
    """Restore what to_status wrote; EvidenceMismatchError when the gate has changed or it is unreadable."""
    if status.get("gate") != spec.fingerprint:
        raise EvidenceMismatchError(f"gate {spec.name}: stored evidence is of {status.get('gate')}")
    try:
        return _restored(spec, status)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise EvidenceMismatchError(f"gate {spec.name}: stored evidence is unreadable: {error!r}") from error


def _restored(spec: GateSpec, status: Mapping[str, Any]) -> GateState:
    stage = Stage(status["stage"]) if "stage" in status else None
    empty = start(spec, Level(*status["level"]), stage)
    rejection = status.get("lastRejection")
    return dataclasses.replace(
        empty,
        evidence=empty.evidence.restored(status["evidence"]),
        last_index=status.get("lastIndex"),
        last_rejection=None if rejection is None else Rejection(rejection),
        rejected=tuple((Rejection(reason), count) for reason, count in status.get("rejected", {}).items()),
    )


def update(state: GateState, block: Block) -> GateState:
    """The state after one more block. A block not newer than the last accepted one changes nothing."""
    if state.last_index is not None and block.index <= state.last_index:
        return state
    if isinstance(block, RejectedBlock):
        return _reject(state, block.index, block.reason)
    if state.spec.kind is Kind.INTEGRITY:
        return dataclasses.replace(state, last_rejection=None)
    grown = _absorbed(state, block)
    if isinstance(grown, Rejection):
        return _reject(state, block.index, grown)
    return GateState(state.spec, state.level, state.stage, grown, block.index, None, state.rejected)


def update_all(state: GateState, blocks: Iterable[Block]) -> GateState:
    """The state after many blocks: what `update` folded over them gives, to the last bit, but faster."""
    run: list[DifferenceBlock] = []
    for block in blocks:
        if isinstance(block, DifferenceBlock) and _summable(state, block.value):
            run.append(block)
        else:
            state = update(_absorb_run(state, run), block)
            run = []
    return _absorb_run(state, run)


def _summable(state: GateState, value: float) -> bool:
    evidence = state.evidence
    return isinstance(evidence, MeanEvidence) and evidence.summable and abs(value) < LARGEST


def _absorb_run(state: GateState, run: Sequence[DifferenceBlock]) -> GateState:
    """Absorb finite differences at once, less those that are not newer than what is already in."""
    if not isinstance(state.evidence, MeanEvidence):
        return state
    last, values, adjacent = state.last_index, [], []
    for block in run:
        if last is None or block.index > last:
            values.append(block.value)
            adjacent.append(block.index - 1 == last)
            last = block.index
    if not values:
        return state
    grown = state.evidence.absorb_run(values, adjacent)
    return GateState(state.spec, state.level, state.stage, grown, last, None, state.rejected)


def _absorbed(state: GateState, block: Block) -> Evidence | Rejection:
    evidence = state.evidence
    if isinstance(block, DifferenceBlock) and isinstance(evidence, MeanEvidence):
        if not abs(block.value) < LARGEST:
            return Rejection.NOT_FINITE
        return evidence.absorb(block.value, adjacent=block.index - 1 == state.last_index)
    if isinstance(block, CountBlock) and isinstance(evidence, CountEvidence):
        consistent = 0.0 <= block.events <= block.trials < math.inf
        return evidence.absorb(block.events, block.trials) if consistent else Rejection.INCONSISTENT
    if isinstance(block, PairedCountBlock) and isinstance(evidence, PairedCountEvidence):
        return _absorbed_pair(evidence, block)
    raise TypeError(f"gate {state.spec.name} tests a {state.spec.test}, not a {type(block).__name__}")


def _absorbed_pair(evidence: PairedCountEvidence, block: PairedCountBlock) -> Evidence | Rejection:
    events = (block.candidate_events, block.baseline_events)
    exposures = (block.candidate_exposure, block.baseline_exposure)
    if not all(0.0 <= k < math.inf for k in events):
        return Rejection.INCONSISTENT
    if not all(0.0 < t < math.inf for t in exposures):
        return Rejection.NO_EXPOSURE
    return evidence.absorb(events, exposures)


def _reject(state: GateState, index: int, reason: Rejection) -> GateState:
    """Count the rejection. What only one arm missed is evidence (integrity) or the worst case (-L)."""
    if reason is Rejection.DUPLICATE:
        return state
    counts = dict(state.rejected)
    counts[reason] = counts.get(reason, 0) + 1
    last_index, evidence = state.last_index, state.evidence
    if state.spec.kind is Kind.INTEGRITY and isinstance(evidence, CountEvidence):
        if reason in (Rejection.CANDIDATE_MISSING, Rejection.BASELINE_MISSING):
            last_index = index
            evidence = evidence.absorb(float(reason is Rejection.CANDIDATE_MISSING), 1.0)
    elif reason is Rejection.CANDIDATE_MISSING and isinstance(evidence, MeanEvidence) and evidence.loss_bet:
        last_index, evidence = index, evidence.impute()
    return GateState(
        state.spec, state.level, state.stage, evidence, last_index, reason, tuple(sorted(counts.items()))
    )
