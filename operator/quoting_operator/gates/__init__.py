"""Pure statistics with error control: what promotes and what rolls back.

The whole life of a gate::

    specs = parse_gates(spec["gates"], "spec.gates")
    state = start(specs[0], level(specs[0], specs, attempt=1), Stage.CANARY)
    state = update(state, DifferenceBlock(index=0, value=0.4))   # or what BlockBuilder.build gives
    stored = state.to_status()                                   # JSON, at most 1 KiB
    state = from_status(specs[0], stored)                        # the same to the last bit
    decision = combine([judge(state)], soak_over=True)

Nothing here reads a clock, a file or the network.
"""

from quoting_operator.gates.blocks import (
    ArmEdge,
    Block,
    BlockBuilder,
    CountBlock,
    Counters,
    DifferenceBlock,
    Edge,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
)
from quoting_operator.gates.budget import Level, attempt_alpha, level, split_rollback
from quoting_operator.gates.planning import MeanPlan, Pilot, plan_mean, trials_to_pass
from quoting_operator.gates.spec import GateSpec, Kind, Stage, Test, parse_gate, parse_gates
from quoting_operator.gates.state import (
    EvidenceMismatchError,
    GateState,
    from_status,
    start,
    update,
    update_all,
)
from quoting_operator.gates.verdict import (
    Decision,
    GateVerdict,
    Reason,
    StageDecision,
    Verdict,
    combine,
    judge,
    outcome,
)
from quoting_policy.domain.measures import Orientation

__all__ = [
    "ArmEdge",
    "Block",
    "BlockBuilder",
    "CountBlock",
    "Counters",
    "Decision",
    "DifferenceBlock",
    "Edge",
    "EvidenceMismatchError",
    "GateSpec",
    "GateState",
    "GateVerdict",
    "Kind",
    "Level",
    "MeanPlan",
    "Orientation",
    "PairedCountBlock",
    "Pilot",
    "Reason",
    "RejectedBlock",
    "Rejection",
    "Stage",
    "StageDecision",
    "Test",
    "Verdict",
    "attempt_alpha",
    "combine",
    "from_status",
    "judge",
    "level",
    "outcome",
    "parse_gate",
    "parse_gates",
    "plan_mean",
    "split_rollback",
    "start",
    "trials_to_pass",
    "update",
    "update_all",
]
