"""Verdicts of one gate, decisions of all, and the budget of errors behind them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.gates import (
    Decision,
    DifferenceBlock,
    GateState,
    GateVerdict,
    Reason,
    RejectedBlock,
    Rejection,
    Verdict,
    attempt_alpha,
    combine,
    judge,
    level,
    outcome,
    parse_gate,
    parse_gates,
    split_rollback,
    start,
    update,
    update_all,
)
from quoting_operator.gates.betting import ln_mean_exp
from quoting_operator.gates.budget import any_of_threshold
from quoting_policy.errors import InputError


def begin(**fields: Any) -> GateState:
    gate = parse_gate({"name": "g", "metric": "m", "kind": "success", "stages": ["canary"], **fields})
    return start(gate, level(gate, [gate]))


def feed(state: GateState, values: Any) -> GateState:
    return update_all(state, [DifferenceBlock(i, float(d)) for i, d in enumerate(values)])


NOISE = np.random.default_rng(11).standard_normal(300)


def test_a_better_candidate_passes_and_a_worse_one_fails() -> None:
    assert outcome(feed(begin(), NOISE + 0.6))[:2] == (Verdict.PASS, Reason.EVIDENCE_FOR)
    assert outcome(feed(begin(), NOISE - 0.6))[:2] == (Verdict.FAIL, Reason.EVIDENCE_AGAINST)
    assert outcome(feed(begin(), NOISE))[:2] == (Verdict.CONTINUE, Reason.COLLECTING)


def test_an_equal_candidate_passes_a_guardrail_and_not_a_success_gate() -> None:
    assert outcome(feed(begin(kind="guardrail", margin=0.5), NOISE))[0] is Verdict.PASS
    assert outcome(feed(begin(), NOISE))[0] is Verdict.CONTINUE


def test_nothing_passes_before_min_blocks() -> None:
    state = feed(begin(minBlocks=30), NOISE[:29] + 3.0)
    assert outcome(state)[:2] == (Verdict.CONTINUE, Reason.TOO_FEW_BLOCKS)
    assert outcome(feed(begin(minBlocks=30), NOISE[:30] + 3.0))[0] is Verdict.PASS


def test_evidence_from_before_min_blocks_is_not_remembered() -> None:
    """The losses that minBlocks waits for must count: a height reached before them is forgotten."""
    values = [1.0, 1.1, 0.9] * 6 + [-30.0, -28.0] + [0.0]
    assert outcome(feed(begin(minBlocks=20), values))[0] is not Verdict.PASS


def test_a_pass_is_latched_and_a_failure_beats_it() -> None:
    latched = feed(begin(), [*(NOISE[:60] + 1.0), *(NOISE[60:70] - 1.0)])
    assert outcome(latched)[0] is Verdict.PASS
    both = feed(begin(kind="guardrail", margin=1.0, rollbackMargin=0.0), 0.5 * NOISE[:200] - 0.4)
    assert both.evidence.passing >= both.level.pass_at
    assert outcome(both)[0] is Verdict.FAIL


def test_a_deadline_never_passes_and_takes_no_pass_back() -> None:
    assert outcome(feed(begin(), NOISE), deadline_reached=True)[:2] == (Verdict.INCONCLUSIVE, Reason.DEADLINE)
    assert outcome(feed(begin(), NOISE + 0.6), deadline_reached=True)[0] is Verdict.PASS


def test_correlated_blocks_are_inconclusive_even_with_evidence_for() -> None:
    walk = np.cumsum(NOISE) / 5.0
    state = feed(begin(), walk - walk.min() + 0.5)
    assert state.evidence.passing >= state.level.pass_at
    assert outcome(state)[:2] == (Verdict.INCONCLUSIVE, Reason.ASSUMPTION_BROKEN)


def test_a_gate_that_only_watches_fails_but_never_passes() -> None:
    watching = begin(kind="deterioration")
    assert outcome(feed(watching, NOISE + 2.0))[:2] == (Verdict.CONTINUE, Reason.WATCHING)
    assert outcome(feed(watching, NOISE - 0.6))[0] is Verdict.FAIL


def test_a_bounded_gate_needs_both_tests_to_be_convinced() -> None:
    state = feed(begin(maxLossPerBlock=200), NOISE + 0.6)
    assert state.evidence.ln_e_for < feed(begin(), NOISE + 0.6).evidence.ln_e_for
    assert outcome(state)[0] is Verdict.CONTINUE
    assert outcome(feed(begin(maxLossPerBlock=8), NOISE + 0.6))[0] is Verdict.PASS


def test_a_gain_beyond_its_bound_ends_the_bet_on_that_bound() -> None:
    losing = feed(begin(maxGainPerBlock=10), [*(0.2 * NOISE[:250] - 0.5)])
    assert outcome(losing)[0] is Verdict.FAIL
    jackpots = feed(begin(maxGainPerBlock=0.5), [-0.5, -0.4, 4.0] * 30)
    assert outcome(jackpots)[:2] == (Verdict.INCONCLUSIVE, Reason.ASSUMPTION_BROKEN)


def test_a_live_detector_alarms() -> None:
    gate = parse_gate(
        {
            "name": "g",
            "metric": "m",
            "kind": "deterioration",
            "stages": ["live"],
            "maxGainPerBlock": 4,
            "alarmHorizonBlocks": 1_000,
        }
    )
    live = start(gate, level(gate, [gate]), gate.stages[0])
    quiet = feed(live, np.clip(NOISE, -4, 4))
    assert outcome(quiet)[0] is Verdict.CONTINUE
    dropped = update_all(
        quiet, [DifferenceBlock(300 + i, float(d)) for i, d in enumerate(np.clip(NOISE - 1.0, -4, 4))]
    )
    assert outcome(dropped)[:2] == (Verdict.FAIL, Reason.ALARM)


def said(name: str, verdict: Verdict, **changes: Any) -> GateVerdict:
    template = judge(feed(begin(), NOISE[:5]))
    return dataclasses.replace(template, name=name, verdict=verdict, **{"healthy": True, **changes})


PASSED, FAILED, WAITING = (
    said("a", Verdict.PASS),
    said("b", Verdict.FAIL),
    said("c", Verdict.CONTINUE),
)


@pytest.mark.parametrize(
    ("gates", "conditions", "decision"),
    [
        ([PASSED], {}, Decision.PROMOTE),
        ([PASSED, WAITING], {}, Decision.HOLD),
        ([PASSED, said("d", Verdict.INCONCLUSIVE)], {}, Decision.HOLD),
        ([PASSED, FAILED], {}, Decision.ROLLBACK),
        ([PASSED, dataclasses.replace(FAILED, dry_run=True)], {}, Decision.PROMOTE),
        ([dataclasses.replace(PASSED, dry_run=True)], {}, Decision.HOLD),
        ([], {}, Decision.HOLD),
        ([said("d", Verdict.CONTINUE, watches_only=True)], {}, Decision.HOLD),
        ([PASSED, said("d", Verdict.CONTINUE, watches_only=True)], {}, Decision.PROMOTE),
        ([PASSED, said("d", Verdict.CONTINUE, watches_only=True, healthy=False)], {}, Decision.HOLD),
        ([said("a", Verdict.PASS, healthy=False)], {}, Decision.HOLD),
        ([PASSED], {"soak_over": False}, Decision.HOLD),
        ([PASSED], {"integrity_holds": False}, Decision.HOLD),
        ([PASSED], {"alarms": ("drawdown limit",)}, Decision.ROLLBACK),
        ([PASSED, WAITING], {"deadline_reached": True}, Decision.EXPIRED),
        ([PASSED], {"soak_over": False, "deadline_reached": True}, Decision.EXPIRED),
        ([PASSED], {"deadline_reached": True}, Decision.PROMOTE),
        ([PASSED, FAILED], {"deadline_reached": True}, Decision.ROLLBACK),
    ],
)
def test_gates_decide_together(
    gates: list[GateVerdict], conditions: dict[str, Any], decision: Decision
) -> None:
    assert combine(gates, **{"soak_over": True, **conditions}).decision is decision


@given(verdicts=st.lists(st.sampled_from(list(Verdict)), max_size=6), deadline=st.booleans())
def test_only_passes_promote_and_every_decision_has_a_reason(verdicts: list[Verdict], deadline: bool) -> None:
    gates = [said(f"g{i}", verdict) for i, verdict in enumerate(verdicts)]
    decided = combine(gates, soak_over=True, deadline_reached=deadline)
    assert (decided.decision is Decision.PROMOTE) == (bool(verdicts) and set(verdicts) == {Verdict.PASS})
    assert (decided.decision is Decision.ROLLBACK) == (Verdict.FAIL in verdicts)
    assert decided.because


def test_alpha_is_spent_over_attempts_and_never_more_than_all() -> None:
    assert [attempt_alpha(0.05, k) for k in (1, 2, 3)] == pytest.approx([0.025, 0.05 / 6, 0.05 / 12])
    assert sum(attempt_alpha(0.05, k) for k in range(1, 100_000)) == pytest.approx(0.05, rel=1e-4)
    assert attempt_alpha(0.05, 0) == 0.05
    with pytest.raises(InputError, match="attempt"):
        attempt_alpha(0.05, -1)


def test_the_rollback_budget_is_split_over_deciding_gates_and_their_stages() -> None:
    gates = parse_gates(
        [
            {"name": "a", "metric": "m", "kind": "success", "stages": ["paper", "canary"]},
            {"name": "b", "metric": "m", "kind": "success", "stages": ["canary"]},
            {"name": "c", "metric": "m", "kind": "success", "dryRun": True},
        ]
    )
    assert split_rollback(gates, 0.06) == pytest.approx(0.02)
    levels = level(gates[0], gates, attempt=2, rollback_alpha=0.06)
    assert (levels.alpha, levels.alpha_rollback) == pytest.approx((0.05 / 6, 0.02))
    assert levels.pass_at == pytest.approx(math.log(120.0))
    with pytest.raises(InputError, match="rollbackAlpha"):
        split_rollback(gates, 0.7)


def test_an_equal_candidate_is_promoted_past_one_bad_guardrail_at_most_alpha_of_the_time() -> None:
    """Intersection-union: four good gates and one at its boundary promote as rarely as that one passes."""
    rng, promoted, runs = np.random.default_rng(5), 0, 300
    good, bad = begin(kind="guardrail", margin=2.0), begin(kind="guardrail", margin=0.5)
    for _ in range(runs):
        verdicts = [judge(feed(good, rng.standard_normal(60))) for _ in range(2)]
        verdicts.append(judge(feed(bad, rng.standard_normal(60) - 0.5)))
        promoted += combine(verdicts, soak_over=True).decision is Decision.PROMOTE
    assert promoted / runs <= 0.05 + 3.0 * (0.05 * 0.95 / runs) ** 0.5


def test_e_values_merge_by_their_mean_and_any_of_many_costs_their_number() -> None:
    assert ln_mean_exp([math.log(2.0), math.log(4.0)]) == pytest.approx(math.log(3.0))
    assert any_of_threshold(0.05, 5) == pytest.approx(math.log(100.0))


def test_a_verdict_says_what_it_rests_on() -> None:
    state = update(feed(begin(), NOISE[:50] + 0.4), RejectedBlock(50, Rejection.STALE))
    verdict = judge(state)
    assert verdict.n == 50
    assert verdict.estimate == pytest.approx(float(NOISE[:50].mean()) + 0.4)
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert verdict.lower < verdict.estimate < verdict.upper
    assert not verdict.healthy
    exact = judge(state, from_verdict=True)
    assert exact.lower is not None
    assert (exact.lower > 0.0) == (verdict.ln_e_for >= verdict.pass_at)
    assert judge(begin()).estimate is None
