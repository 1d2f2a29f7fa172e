"""How many blocks are still missing: what is promised comes about when things stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from quoting_operator.cli.plugin.missing import NeverError, blocks_missing, missing
from quoting_operator.gates import (
    Block,
    CountBlock,
    DifferenceBlock,
    GateState,
    PairedCountBlock,
    Verdict,
    level,
    outcome,
    parse_gate,
    start,
    update,
)

Make = Callable[[int], Block]


def gate(kind: str = "success", test: str = "mean", **more: Any) -> GateState:
    spec = parse_gate({"name": "g", "metric": "pnl", "kind": kind, "test": test, **more})
    return start(spec, level(spec, [spec]))


def fed(state: GateState, make: Make, count: int) -> GateState:
    at = 0 if state.last_index is None else state.last_index + 1
    for i in range(at, at + count):
        state = update(state, make(i))
    return state


def swinging(mean: float) -> Make:
    """Differences with this mean and sd 1 that are not correlated from block to block."""
    pattern = (1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0)
    return lambda i: DifferenceBlock(i, mean + pattern[i * 3 % 8])


CASES: list[tuple[str, GateState, Make]] = [
    ("a mean", gate(), swinging(0.35)),
    ("a guardrail", gate("guardrail", margin=0.5), swinging(0.0)),
    ("a proportion", gate("success", "proportion", limit=0.1), lambda i: CountBlock(i, i % 20 == 0, 2)),
    ("a rate ratio", gate("guardrail", "rateRatio", margin=1.0),
     lambda i: PairedCountBlock(i, candidate_events=i % 2, baseline_events=i % 2,
                                candidate_exposure=1, baseline_exposure=1)),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "state", "make"), CASES, ids=[case[0] for case in CASES])
def test_the_gate_passes_about_when_it_is_said_to(_name: str, state: GateState, make: Make) -> None:
    state = fed(state, make, 40)
    promised = blocks_missing(state)
    assert promised is not None
    grown = (fed(state, make, count) for count in range(1, 4 * promised + 40))
    taken = next(i for i, s in enumerate(grown, 1) if outcome(s)[0] is Verdict.PASS)
    assert 0.5 * promised <= taken <= 1.5 * promised + 5


def test_before_there_is_anything_to_go_by_the_least_number_is_told() -> None:
    assert missing(gate(), 600.0) == "at least 20 more blocks, 3 h 20 min"
    assert blocks_missing(fed(gate(), swinging(1.0), 4)) is None


def test_what_is_no_better_than_its_boundary_is_told_to_pass_never() -> None:
    state = fed(gate(), swinging(-0.1), 30)
    with pytest.raises(NeverError, match="at this estimate it will not pass"):
        blocks_missing(state)
    assert "will not pass" in missing(state, 0.0)


def test_a_gate_that_has_passed_or_failed_lacks_nothing() -> None:
    assert missing(fed(gate(), swinging(2.0), 60), 60.0) == ""
    assert missing(fed(gate(), swinging(-3.0), 60), 60.0) == ""


def test_more_evidence_of_the_same_kind_shortens_the_wait() -> None:
    states = (fed(gate(), swinging(0.4), count) for count in (24, 32, 40))
    waits = [blocks_missing(state) for state in islice(states, 3)]
    assert waits == sorted(waits, key=lambda wait: -(wait or 0))
