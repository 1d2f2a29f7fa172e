"""The plan of an attempt: its gates and its course, frozen when it starts; and what a stage asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from quoting_operator.api.gates import Gate, GateSetSpec, SharedGate, gate_entry
from quoting_operator.api.policy import PolicySpec
from quoting_operator.api.rollout import CanaryStage, Pause, Rollout
from quoting_operator.api.status import Plan, RolloutStage
from quoting_operator.gates import GateSpec, Level, Stage, level, parse_gates
from quoting_operator.gates.published import check_published
from quoting_operator.gates.sessions import check_measured
from quoting_operator.rollout.observed import first_error
from quoting_policy.domain.measures import IN_PAPER
from quoting_policy.errors import InputError

GATE_STAGE = {
    RolloutStage.PAPER: Stage.PAPER,
    RolloutStage.SHADOW: Stage.SHADOW,
    RolloutStage.CANARY: Stage.CANARY,
    RolloutStage.LIVE: Stage.LIVE,
}
"""A rollout's stage as gates name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a stage, or a canary step, asks for. block_length_s, washout_s: s. deadline: None is never.

    soak: least time in it. pause: what to wait for once the evidence is in.
    """

    block_length_s: float = 0.0
    washout_s: float = 0.0
    exposure_percent: int = 0
    min_blocks: int = 0
    soak: timedelta = timedelta(0)
    deadline: timedelta | None = None
    pause: Pause | None = None


def plan_of(spec: PolicySpec, sets: Mapping[str, Mapping[str, Any]]) -> Plan:
    """Freeze a spec's gates and course. sets: GateSet objects by name.

    Raises InputError naming the field where a gate cannot hold, or where a stage could never be passed.
    """
    entries = [gate_entry(gate) for gate in merged(spec, sets)]
    gates = parse_gates(entries, "spec.gates") if entries else ()
    for stage in (Stage.PAPER, Stage.SHADOW, Stage.CANARY):
        if not any(stage in gate.stages and not gate.watches_only and not gate.dry_run for gate in gates):
            raise InputError(
                "spec.gates", None, f"with a gate of stage {stage} that can pass",
                "add one of kind success or guardrail; without evidence nothing advances",
            )  # fmt: skip
    check_measured([gate for gate in gates if Stage.PAPER in gate.stages], IN_PAPER)
    for stage in (Stage.SHADOW, Stage.CANARY, Stage.LIVE):
        check_published([gate for gate in gates if stage in gate.stages], stage)
    rollout = spec.rollout.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Plan(gates=tuple(entries), rollout=rollout)


def merged(spec: PolicySpec, sets: Mapping[str, Mapping[str, Any]]) -> tuple[Gate, ...]:
    """Gates of the sets that a spec names, with its own added; a required gate is only ever tightened.

    Raises InputError.
    """
    found: dict[str, Gate] = {}
    for i, ref in enumerate(spec.gates_from):
        for shared_gate in _read_set(f"spec.gatesFrom[{i}]", ref.name, sets).gates:
            name = shared_gate.name
            if name in found:
                raise InputError(
                    f"spec.gatesFrom[{i}]", ref.name, f"without gate {name}: it is there already"
                )
            found[name] = shared_gate
    for i, gate in enumerate(spec.gates):
        shared = found.get(gate.name)
        if isinstance(shared, SharedGate) and shared.required:
            _only_tightened(f"spec.gates[{i}]", shared, gate)
        found[gate.name] = gate
    return tuple(Gate(**{name: getattr(g, name) for name in g.model_fields_set - {"required"}})
                 for g in found.values())  # fmt: skip


def rollout_of(plan: Plan) -> Rollout:
    """The course that was frozen."""
    return Rollout.model_validate(plan.rollout)


def terms(rollout: Rollout, stage: RolloutStage, step: int = 0) -> Terms:
    """What a stage asks for; of canary, what its step does."""
    match stage:
        case RolloutStage.PAPER:
            return Terms(deadline=None if rollout.paper is None else rollout.paper.deadline)
        case RolloutStage.SHADOW:
            shadow = rollout.shadow
            return Terms(
                block_length_s=shadow.block_length.total_seconds(),
                min_blocks=shadow.min_blocks,
                soak=shadow.min_soak or timedelta(0),
                deadline=shadow.deadline,
            )
        case RolloutStage.CANARY:
            return _canary_terms(rollout.canary, step)
        case RolloutStage.LIVE:
            live = rollout.live
            return Terms(
                block_length_s=live.block_length.total_seconds(),
                washout_s=0.0 if rollout.canary is None else rollout.canary.washout.total_seconds(),
                exposure_percent=100 - live.hold_back,
            )


def gates_of(plan: Plan, rollout: Rollout, stage: RolloutStage) -> tuple[GateSpec, ...]:
    """The gates that hold in a stage. In live those of canary go on watching, each with its own budget."""
    gates = parse_gates(list(plan.gates), "status.plan.gates") if plan.gates else ()
    if stage is not RolloutStage.LIVE:
        return tuple(gate for gate in gates if GATE_STAGE[stage] in gate.stages)
    horizon = rollout.live.guard.horizon_blocks
    return tuple(
        replace(gate, alarm_horizon_blocks=horizon)
        for gate in gates
        if not {Stage.CANARY, Stage.LIVE}.isdisjoint(gate.stages)
    )


def levels(
    plan: Plan, rollout: Rollout, stage: RolloutStage, gates: Sequence[GateSpec], attempt: int
) -> tuple[Level, ...]:
    """Error budget of each of the gates of a stage.

    The rollback budget of canary is split over its steps, each of which gathers evidence anew. Live has a
    budget of its own, since it lasts for ever.
    """
    everything = parse_gates(list(plan.gates), "status.plan.gates")
    found = [level(gate, everything, attempt=attempt) for gate in gates]
    if stage is RolloutStage.LIVE:
        deciding = max(1, sum(not gate.dry_run for gate in gates))
        return tuple(replace(each, alpha_rollback=rollout.live.guard.alpha / deciding) for each in found)
    if stage is RolloutStage.CANARY and rollout.canary is not None:
        steps = len(rollout.canary.steps)
        return tuple(replace(each, alpha_rollback=each.alpha_rollback / steps) for each in found)
    return tuple(found)


def _canary_terms(canary: CanaryStage | None, step: int) -> Terms:
    if canary is None:
        raise InputError("status.plan.rollout.canary", None, "given", "the attempt is in canary")
    at = canary.steps[min(step, len(canary.steps) - 1)]
    return Terms(
        block_length_s=canary.block_length.total_seconds(),
        washout_s=canary.washout.total_seconds(),
        exposure_percent=at.exposure,
        soak=canary.min_soak or timedelta(0),
        deadline=canary.deadline,
        pause=at.pause,
    )


def _read_set(field: str, name: str, sets: Mapping[str, Mapping[str, Any]]) -> GateSetSpec:
    if name not in sets:
        raise InputError(field, name, "the name of a GateSet of this namespace", "create it")
    try:
        return GateSetSpec.model_validate(sets[name].get("spec"))
    except ValidationError as error:
        raise InputError(field, name, "a GateSet that can be read", first_error(error, "spec")) from None


def _only_tightened(path: str, shared: SharedGate, own: Gate) -> None:
    """Refuse a policy's gate that is looser than the required one of its set."""
    for field, loose in _loosened(shared, own):
        if loose:
            raise InputError(
                f"{path}.{field}", getattr(own, _attribute(field)), "nowhere looser than in its GateSet",
                f"gate {own.name} is required there",
            )  # fmt: skip


def _loosened(shared: SharedGate, own: Gate) -> Iterable[tuple[str, bool]]:
    for field in ("metric", "kind", "horizon", "test", "quantile"):
        yield field, getattr(own, field) != getattr(shared, field)
    yield "margin", (own.margin or 0) > (shared.margin or 0)
    yield "rollbackMargin", _above(own.rollback_margin, shared.rollback_margin)
    yield "alpha", own.alpha > shared.alpha
    yield "minBlocks", own.min_blocks < shared.min_blocks
    yield "limit", _above(own.limit, shared.limit)
    yield "maxLossPerBlock", shared.max_loss_per_block is not None and own.max_loss_per_block is None
    yield "stages", not set(shared.stages) <= set(own.stages)
    yield "dryRun", own.dry_run and not shared.dry_run
    yield "quietIsGood", own.quiet_is_good and not shared.quiet_is_good


def _above(own: Any, shared: Any) -> bool:
    return shared is not None and (own is None or own > shared)


def _attribute(field: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in field)
