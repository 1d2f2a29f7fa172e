"""Missing, NaN, stale, reset: no evidence is never a pass."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.gates import (
    ArmEdge,
    BlockBuilder,
    CountBlock,
    Counters,
    DifferenceBlock,
    Edge,
    GateState,
    Orientation,
    PairedCountBlock,
    Reason,
    RejectedBlock,
    Rejection,
    Test,
    Verdict,
    judge,
    level,
    outcome,
    parse_gate,
    start,
    update,
    update_all,
)
from quoting_operator.gates.mean_evidence import MeanEvidence
from quoting_policy.errors import InputError

BUILDER = BlockBuilder(candidate_digest="c", baseline_digest="b", scrape_interval_s=10.0, min_exposure=1.0)


def arm(digest: str, at_s: float, *series: tuple[float, float, float]) -> ArmEdge:
    named = {
        f"pod-{i}": Counters(gain, exposure, loss, 1.0) for i, (gain, loss, exposure) in enumerate(series)
    }
    return ArmEdge(digest, at_s, named)


BEFORE = Edge(
    4, 600.0, arm("c", 599.0, (10.0, 2.0, 100.0), (5.0, 0.0, 50.0)), arm("b", 599.0, (7.0, 1.0, 400.0))
)
AFTER = Edge(
    5, 660.0, arm("c", 660.0, (16.0, 3.0, 110.0), (6.0, 2.0, 60.0)), arm("b", 660.0, (9.0, 1.0, 440.0))
)


def begin(**fields: Any) -> GateState:
    gate = parse_gate({"name": "g", "metric": "m", "kind": "success", "minBlocks": 4, **fields})
    return start(gate, level(gate, [gate]))


def edge(of: Edge, arm_name: str, **changes: Any) -> Edge:
    changed = dataclasses.replace(getattr(of, arm_name), **changes)
    return dataclasses.replace(of, **{arm_name: changed})


def counters(of: Edge, arm_name: str, **changes: Any) -> Edge:
    old = getattr(of, arm_name).series
    return edge(of, arm_name, series={**old, "pod-0": dataclasses.replace(old["pod-0"], **changes)})


def test_a_block_is_the_difference_of_rates_each_pod_differenced_before_summing() -> None:
    candidate = ((16 - 10) - (3 - 2) + (6 - 5) - (2 - 0)) / 20.0
    baseline = (9 - 7) / 40.0
    assert BUILDER.build(BEFORE, AFTER) == DifferenceBlock(5, candidate - baseline)
    lower = dataclasses.replace(BUILDER, orientation=Orientation.LOWER_IS_BETTER)
    assert lower.build(BEFORE, AFTER) == DifferenceBlock(5, baseline - candidate)


def test_counting_blocks_carry_events_and_exposures() -> None:
    ratio = dataclasses.replace(BUILDER, test=Test.RATE_RATIO)
    assert ratio.build(BEFORE, AFTER) == PairedCountBlock(5, 4.0, 20.0, 2.0, 40.0)
    single = dataclasses.replace(BUILDER, test=Test.QUANTILE)
    assert single.build(BEFORE, dataclasses.replace(AFTER, baseline=None)) == CountBlock(5, 4.0, 20.0)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (BEFORE, dataclasses.replace(AFTER, reachable=False), Rejection.UNREACHABLE),
        (BEFORE, dataclasses.replace(AFTER, candidate=None), Rejection.CANDIDATE_MISSING),
        (dataclasses.replace(BEFORE, baseline=None), AFTER, Rejection.BASELINE_MISSING),
        (dataclasses.replace(BEFORE, baseline=None, candidate=None), AFTER, Rejection.BOTH_MISSING),
        (BEFORE, edge(AFTER, "candidate", series={}), Rejection.CANDIDATE_MISSING),
        (BEFORE, edge(AFTER, "baseline", series={"pod-9": Counters(1.0, 1.0)}), Rejection.SERIES_CHANGED),
        (BEFORE, counters(AFTER, "candidate", gain=math.nan), Rejection.NOT_FINITE),
        (BEFORE, counters(AFTER, "baseline", exposure=math.inf), Rejection.NOT_FINITE),
        (BEFORE, counters(AFTER, "baseline", exposure=400.5), Rejection.NO_EXPOSURE),
        (edge(BEFORE, "candidate", sampled_at_s=584.0), AFTER, Rejection.STALE),
        (BEFORE, edge(AFTER, "baseline", sampled_at_s=math.nan), Rejection.STALE),
        (BEFORE, counters(AFTER, "candidate", gain=9.0), Rejection.RESET),
        (BEFORE, counters(AFTER, "candidate", started_at_s=630.0), Rejection.RESET),
        (BEFORE, counters(AFTER, "baseline", complete=False), Rejection.INCOMPLETE),
        (BEFORE, counters(AFTER, "baseline", complete=False, gain=1.0), Rejection.RESET),
        (BEFORE, dataclasses.replace(AFTER, index=6), Rejection.MISALIGNED),
        (BEFORE, dataclasses.replace(AFTER, at_s=600.0), Rejection.MISALIGNED),
        (BEFORE, edge(AFTER, "candidate", digest="x"), Rejection.DIGEST_CHANGED),
        (edge(BEFORE, "baseline", digest="x"), AFTER, Rejection.DIGEST_CHANGED),
    ],
)
def test_a_defect_at_an_edge_rejects_the_block(before: Edge, after: Edge, reason: Rejection) -> None:
    assert BUILDER.build(before, after) == RejectedBlock(after.index, reason)


def test_a_reset_that_the_sum_over_pods_hides_is_still_seen() -> None:
    hidden = edge(
        AFTER,
        "candidate",
        series={"pod-0": Counters(0.5, 110.0, 3.0, 1.0), "pod-1": Counters(40.0, 60.0, 2.0, 1.0)},
    )
    assert BUILDER.build(BEFORE, hidden) == RejectedBlock(5, Rejection.RESET)


def test_a_block_not_newer_than_the_last_accepted_is_a_duplicate() -> None:
    assert BUILDER.build(BEFORE, AFTER, last_accepted=5) == RejectedBlock(5, Rejection.DUPLICATE)


def test_more_bad_events_than_trials_are_inconsistent() -> None:
    single = dataclasses.replace(BUILDER, test=Test.PROPORTION)
    assert single.build(BEFORE, counters(AFTER, "candidate", gain=60.0)) == RejectedBlock(
        5, Rejection.INCONSISTENT
    )
    state = update(begin(kind="guardrail", test="proportion", limit=0.1), CountBlock(0, 3.0, 2.0))
    assert state.last_rejection is Rejection.INCONSISTENT


def test_a_builder_needs_a_scrape_interval() -> None:
    with pytest.raises(InputError, match="scrape_interval_s"):
        BlockBuilder(candidate_digest="c", baseline_digest="b", scrape_interval_s=0.0)


GOOD = [DifferenceBlock(i, 1.0 + 0.1 * (i % 3)) for i in range(30)]
HARMLESS = [reason for reason in Rejection if reason is not Rejection.CANDIDATE_MISSING]


@pytest.mark.parametrize("reason", HARMLESS)
def test_a_rejection_leaves_the_evidence_alone(reason: Rejection) -> None:
    state = update_all(begin(), GOOD[:10])
    rejected = update(state, RejectedBlock(10, reason))
    assert rejected.evidence == state.evidence
    assert (
        update(rejected, DifferenceBlock(10, 1.0)).evidence
        == update(state, DifferenceBlock(10, 1.0)).evidence
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e100, -1e308])
def test_a_difference_that_is_not_finite_is_rejected(value: float) -> None:
    state = update_all(begin(), GOOD[:3])
    rejected = update(state, DifferenceBlock(3, value))
    assert rejected.evidence == state.evidence
    assert rejected.last_rejection is Rejection.NOT_FINITE
    assert update_all(state, [DifferenceBlock(3, value)]) == rejected


def test_an_unreachable_source_makes_the_gate_inconclusive_until_it_answers() -> None:
    state = update(update_all(begin(), GOOD[:3]), RejectedBlock(3, Rejection.UNREACHABLE))
    assert outcome(state)[:2] == (Verdict.INCONCLUSIVE, Reason.UNREACHABLE)
    assert not judge(state).healthy
    assert outcome(update(state, GOOD[3]))[0] is not Verdict.INCONCLUSIVE


def test_a_candidate_that_alone_goes_missing_can_never_pass_without_a_bound() -> None:
    state = update(update_all(begin(), GOOD[:10]), RejectedBlock(10, Rejection.CANDIDATE_MISSING))
    state = update_all(state, GOOD[11:])
    assert state.evidence.passing >= state.level.pass_at
    assert outcome(state)[:2] == (Verdict.INCONCLUSIVE, Reason.CANDIDATE_MISSING)


def test_with_a_bound_the_missing_block_counts_as_the_worst_for_and_not_at_all_against() -> None:
    state = update_all(begin(maxLossPerBlock=50), GOOD[:10])
    missed = update(state, RejectedBlock(10, Rejection.CANDIDATE_MISSING))
    assert isinstance(state.evidence, MeanEvidence)
    assert isinstance(missed.evidence, MeanEvidence)
    assert missed.evidence.ln_e_for < state.evidence.ln_e_for
    assert missed.evidence.ln_e_against == state.evidence.ln_e_against
    assert missed.evidence.n == state.evidence.n
    assert missed.evidence.alarm() is None
    assert update(missed, RejectedBlock(10, Rejection.CANDIDATE_MISSING)) is missed


@given(values=st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=25), spread=st.floats(1.0, 20.0))
def test_an_imputed_worst_block_never_lifts_the_evidence_above_its_height_or_one(
    values: list[float], spread: float
) -> None:
    rms = math.sqrt(sum(d * d for d in values) / len(values))
    bound = max(rms, abs(min(values))) * spread + 1e-6
    state = update_all(begin(maxLossPerBlock=bound), [DifferenceBlock(i, d) for i, d in enumerate(values)])
    missed = update(state, RejectedBlock(len(values), Rejection.CANDIDATE_MISSING))
    assert missed.evidence.ln_e_for <= max(state.evidence.ln_e_for, 0.0) + 1e-9
    assert missed.evidence.passing <= max(state.evidence.passing, 0.0) + 1e-9


def test_a_loss_at_the_bound_fails_whatever_the_evidence_says() -> None:
    state = update_all(begin(maxLossPerBlock=5), [*GOOD, DifferenceBlock(30, -5.0)])
    assert outcome(state)[:2] == (Verdict.FAIL, Reason.ALARM)


def test_differences_that_are_all_zero_pass_only_where_quiet_is_good() -> None:
    silence = [DifferenceBlock(i, 0.0) for i in range(40)]
    guardrail = {"kind": "guardrail", "margin": 0.5}
    assert outcome(update_all(begin(**guardrail), silence))[1] is Reason.ASSUMPTION_BROKEN
    assert outcome(update_all(begin(**guardrail, quietIsGood=True), silence))[0] is Verdict.PASS


def test_who_goes_missing_is_tested_by_the_integrity_gate() -> None:
    state = begin(kind="integrity", minBlocks=2)
    even = [Rejection.CANDIDATE_MISSING, Rejection.BASELINE_MISSING]
    balanced = update_all(state, [RejectedBlock(i, even[i % 2]) for i in range(40)])
    assert outcome(balanced)[:2] == (Verdict.CONTINUE, Reason.WATCHING)
    lopsided = update_all(state, [RejectedBlock(i, Rejection.CANDIDATE_MISSING) for i in range(20)])
    assert outcome(lopsided)[:2] == (Verdict.FAIL, Reason.EVIDENCE_AGAINST)
    assert update_all(state, GOOD).evidence == state.evidence
