"""Evidence of paper sessions as blocks: what the messages of finished sessions say to a gate.

A message carries block differences, so folding sessions in order of their index gives the state that feeding
all their blocks one by one gives, to the last bit, whatever order the sessions were finished in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from quoting_operator.gates.blocks import Block, DifferenceBlock, RejectedBlock, Rejection
from quoting_operator.gates.spec import GateSpec, Kind, Test
from quoting_operator.gates.state import GateState, update_all
from quoting_policy.domain.session import (
    ACCEPTED,
    BASELINE_MISSING,
    BOTH_MISSING,
    CANDIDATE_MISSING,
    INDEX_STRIDE,
    SessionEvidence,
)
from quoting_policy.errors import InputError

_MISSING = {
    CANDIDATE_MISSING: Rejection.CANDIDATE_MISSING,
    BASELINE_MISSING: Rejection.BASELINE_MISSING,
    BOTH_MISSING: Rejection.BOTH_MISSING,
}
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0}


def session_metric(gate: GateSpec) -> str:
    """The name under which a session's evidence has the gate's metric, for example ``markout_0.1s``."""
    if gate.horizon is None:
        return gate.metric
    match = re.fullmatch(r"([0-9.]+)(ms|s|m)", gate.horizon)
    if match is None:
        raise InputError(f"gate {gate.name}: horizon", gate.horizon, "a time such as 100ms, 1s or 1m")
    return f"{gate.metric}_{float(match[1]) * _UNITS[match[2]]:g}s"


def check_measured(gates: Sequence[GateSpec], metrics: Sequence[str]) -> None:
    """Refuse gates that paper sessions hold no differences for: they could never pass."""
    for gate in gates:
        if gate.kind is Kind.INTEGRITY:
            continue
        if gate.test is not Test.MEAN:
            raise InputError(
                f"gate {gate.name}: test",
                gate.test,
                "mean in the paper stage",
                "leave paper out of its stages",
            )
        if session_metric(gate) not in metrics:
            raise InputError(
                f"gate {gate.name}: metric", session_metric(gate), f"one of {', '.join(metrics)}"
            )


def session_blocks(gate: GateSpec, evidence: SessionEvidence) -> Iterator[Block]:
    """The blocks of one session for a gate, in order. A metric that is not there is a rejected block."""
    metric = session_metric(gate)
    values = evidence.differences.get(metric)
    for i, status in enumerate(evidence.status):
        index = evidence.index * INDEX_STRIDE + i
        if status != ACCEPTED:
            yield RejectedBlock(index, _MISSING[status])
        elif gate.kind is Kind.INTEGRITY:
            yield DifferenceBlock(index, 0.0)
        elif values is None:
            yield RejectedBlock(index, Rejection.SERIES_CHANGED)
        elif not math.isfinite(values[i]):
            yield RejectedBlock(index, Rejection.NO_EXPOSURE)
        else:
            yield DifferenceBlock(index, values[i])


def absorb_sessions(state: GateState, sessions: Iterable[SessionEvidence]) -> GateState:
    """The gate's state after these sessions. Raises InputError where two have the same index."""
    ordered = sorted(sessions, key=lambda evidence: evidence.index)
    indices = [evidence.index for evidence in ordered]
    if len(set(indices)) != len(indices):
        raise InputError("sessions", indices, "each index once")
    for evidence in ordered:
        state = update_all(state, session_blocks(state.spec, evidence))
    return state
