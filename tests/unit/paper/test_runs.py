"""Runs resume, repeat, and are the same in parallel; sessions combine to the evidence of all blocks."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from quoting_operator.gates import Stage, level, parse_gates, start, update
from quoting_operator.gates.sessions import absorb_sessions, check_measured, session_blocks
from quoting_policy.domain.session import decode, encode
from quoting_policy.errors import InputError
from quoting_policy.paper import parts, run
from quoting_policy.paper.differences import METRICS
from tests.unit.paper.market import SKEWED, WIDE, pairing, sessions

PAIRING = pairing(WIDE, SKEWED)


def same(one, other) -> bool:
    arrays = ("counts", "own", "orders", "curves", "fills", "markout")
    return one.evidence == other.evidence and all(
        np.array_equal(getattr(one.arms[label], name), getattr(other.arms[label], name), equal_nan=True)
        and one.arms[label].clamps == other.arms[label].clamps
        for label in one.arms
        for name in arrays
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return sessions(tmp_path_factory.mktemp("tapes"), 2)


@pytest.fixture(scope="module")
def uninterrupted(two):
    return run.run_sessions(two, PAIRING, None, 1, lambda *_: None)


def test_a_rerun_reads_what_is_done_and_gives_the_same(two, uninterrupted, tmp_path):
    parts.save(uninterrupted[0], tmp_path)  # as if killed after the first session
    seen = []
    again = run.run_sessions(
        two, PAIRING, tmp_path, 1, lambda session, cached: seen.append((session.index, cached))
    )
    assert seen == [(0, True), (1, False)]
    assert all(map(same, again, uninterrupted))


def test_parallel_gives_what_serial_gives(two, uninterrupted):
    parallel = run.run_sessions(list(reversed(two)), PAIRING, None, 2, lambda *_: None)
    assert all(map(same, reversed(parallel), uninterrupted))


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:2000] + b"\x00\xff" + b[2002:], lambda _: b""]
)
def test_a_damaged_part_is_made_again(two, uninterrupted, tmp_path, damage):
    path = parts.save(uninterrupted[0], tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert parts.load(tmp_path, uninterrupted[0].key) is None


def test_a_part_under_anothers_name_is_not_taken(uninterrupted, tmp_path):
    path = parts.save(uninterrupted[0], tmp_path)
    path.rename(parts.path_of(tmp_path, uninterrupted[1].key))
    assert parts.load(tmp_path, uninterrupted[1].key) is None


def test_a_half_written_part_is_not_seen(two, tmp_path):
    key = PAIRING.key(two[0])
    (tmp_path / f"{parts.path_of(tmp_path, key).name}.1.partial").write_bytes(b"half")
    assert parts.load(tmp_path, key) is None


@pytest.mark.parametrize(
    "change",
    [
        {"desk": PAIRING.desk.model_copy(update={"seed": 1})},
        {"desk": PAIRING.desk.model_copy(update={"limits": {"maxPosition": 29.0}})},
        {"candidates": (WIDE,)},
        {"baseline": SKEWED},
    ],
)
def test_the_key_changes_with_everything_that_could_change_the_result(two, change):
    assert dataclasses.replace(PAIRING, **change).key(two[0]) != PAIRING.key(two[0])


GATES = parse_gates(
    [
        {"name": "pnl", "metric": "pnl", "kind": "success", "maxLossPerBlock": 5},
        {
            "name": "spread",
            "metric": "realisedSpread",
            "horizon": "100ms",
            "kind": "guardrail",
            "margin": 0.5,
        },
        {"name": "integrity", "metric": "integrity", "kind": "integrity"},
    ]
)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_sessions_in_any_order_combine_to_the_evidence_of_all_blocks_in_order(uninterrupted, gate):
    messages = [encode(part.evidence[1]) for part in uninterrupted]
    empty = start(gate, level(gate, GATES), Stage.PAPER)
    combined = absorb_sessions(empty, [decode(message) for message in reversed(messages)])
    one_by_one = empty
    for part in uninterrupted:
        for block in session_blocks(gate, part.evidence[1]):
            one_by_one = update(one_by_one, block)
    assert combined == one_by_one
    assert combined.evidence.n > 5 or gate.name == "integrity"


def test_a_session_counted_twice_is_refused(uninterrupted):
    gate = GATES[0]
    with pytest.raises(InputError, match="each index once"):
        absorb_sessions(start(gate, level(gate, GATES)), [uninterrupted[0].evidence[0]] * 2)


def test_a_missing_candidate_never_passes(uninterrupted):
    evidence = [
        msgspec.structs.replace(item, status="c" * len(item.status))
        for item in (part.evidence[0] for part in uninterrupted)
    ]
    gate = GATES[1]
    state = absorb_sessions(start(gate, level(gate, GATES)), evidence)
    assert state.evidence.n == 0
    assert state.unimputed == sum(len(item.status) for item in evidence)


def test_a_gate_that_paper_does_not_measure_is_refused():
    gates = parse_gates([{"name": "latency", "metric": "decisionLatency", "kind": "success"}])
    with pytest.raises(InputError, match="decisionLatency"):
        check_measured(gates, tuple(METRICS))
