"""However blocks arrive and however often the operator restarts, the evidence is the same to the last bit."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_operator.gates import (
    Block,
    CountBlock,
    DifferenceBlock,
    EvidenceMismatchError,
    GateState,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
    Stage,
    from_status,
    judge,
    level,
    parse_gate,
    start,
    update,
    update_all,
)

GATES = {
    "success": {"kind": "success", "minBlocks": 3},
    "guardrail": {"kind": "guardrail", "margin": 0.25, "rollbackMargin": 0.1, "minBlocks": 3},
    "bounded": {"kind": "success", "maxLossPerBlock": 30, "maxGainPerBlock": 30, "minBlocks": 3},
    "proportion": {"kind": "guardrail", "test": "proportion", "limit": 0.1, "minBlocks": 3},
    "paired": {"kind": "guardrail", "test": "rateRatio", "margin": 0.2, "minBlocks": 3},
    "integrity": {"kind": "integrity"},
}


def begin(name: str, stage: Stage | None = None) -> GateState:
    gate = parse_gate({"name": name, "metric": "m", **GATES[name]})
    return start(gate, level(gate, [gate], attempt=2), stage)


def blocks(name: str) -> st.SearchStrategy[list[Block]]:
    index = st.integers(0, 60)
    values = st.floats(-20.0, 20.0)
    counts, exposures = st.integers(0, 30).map(float), st.sampled_from([1.0, 2.0, 0.7])
    accepted: dict[str, st.SearchStrategy[Block]] = {
        "proportion": st.builds(lambda i, k, m: CountBlock(i, k, k + m), index, counts, counts),
        "paired": st.builds(PairedCountBlock, index, counts, exposures, counts, exposures),
    }
    some = accepted.get(name, st.builds(DifferenceBlock, index, values))
    rejected = st.builds(RejectedBlock, index, st.sampled_from(list(Rejection)))
    stream = st.lists(st.one_of(some, some, some, rejected), max_size=50)
    return stream.map(lambda given: sorted(given, key=lambda block: block.index // 4))


@pytest.mark.parametrize("name", GATES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_by_one_in_bulk_and_with_restarts_are_the_same(name: str, data: st.DataObject) -> None:
    stream = data.draw(blocks(name))
    cut = data.draw(st.integers(0, len(stream)))
    stage = data.draw(st.sampled_from([None, Stage.LIVE]))
    singly = restarted = begin(name, stage)
    for block in stream:
        singly = update(singly, block)
        restarted = from_status(restarted.spec, json.loads(json.dumps(update(restarted, block).to_status())))
    at_once = update_all(begin(name, stage), stream)
    in_pieces = update_all(update_all(begin(name, stage), stream[:cut]), stream[cut:])
    replayed = update_all(at_once, [block for block in stream if isinstance(block, DifferenceBlock)][-1:])
    assert singly == at_once == in_pieces == restarted
    assert judge(singly) == judge(restarted)
    assert replayed.evidence == at_once.evidence


@pytest.mark.parametrize("stage", [None, Stage.LIVE])
@pytest.mark.parametrize("name", GATES)
def test_a_gate_fits_into_a_kibibyte(name: str, stage: Stage | None) -> None:
    state = begin(name, stage)
    for i in range(400):
        wobble = 1.0 + math.sin(i) / 7.0
        block: Block = DifferenceBlock(10_000_000 + 2 * i, wobble * 9.87654321e-7)
        if name == "proportion":
            block = CountBlock(10_000_000 + 2 * i, wobble, 20.0 * wobble)
        elif name == "paired":
            block = PairedCountBlock(10_000_000 + 2 * i, 30 * wobble, wobble, 31.0, 1.0 / wobble)
        state = update(state, block)
    for reason in Rejection:
        state = update(state, RejectedBlock(20_000_000 + 2 * i, reason))
    assert len(json.dumps(state.to_status())) <= 1024


def test_evidence_of_a_changed_gate_is_refused() -> None:
    state = begin("guardrail")
    changed = parse_gate({"name": "guardrail", "metric": "m", **GATES["guardrail"], "margin": 0.3})
    with pytest.raises(EvidenceMismatchError, match="guardrail"):
        from_status(changed, state.to_status())


@pytest.mark.parametrize(
    "damage", [{"evidence": {}}, {"level": [1]}, {"stage": "beta"}, {"lastRejection": "?"}, {"gate": None}]
)
def test_damaged_evidence_is_refused_and_not_guessed(damage: dict[str, object]) -> None:
    state = update(begin("success"), DifferenceBlock(0, 1.0))
    with pytest.raises(EvidenceMismatchError):
        from_status(state.spec, {**state.to_status(), **damage})


def test_renaming_or_staging_a_gate_keeps_its_evidence() -> None:
    state = update(begin("success"), DifferenceBlock(0, 1.0))
    renamed = parse_gate({"name": "other", "metric": "m", "stages": ["paper"], **GATES["success"]})
    assert from_status(renamed, state.to_status()).evidence == state.evidence


def test_feeding_the_wrong_kind_of_block_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="CountBlock"):
        update(begin("success"), CountBlock(0, 1.0, 2.0))
