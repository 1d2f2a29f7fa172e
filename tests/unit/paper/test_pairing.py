"""What a pair of arms is measured by: symmetry, exactness, and honesty about missing data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from quoting_policy.accounting import Counter
from quoting_policy.data import tape as tapes
from quoting_policy.data.rows import ASK_SIDE
from quoting_policy.domain.session import MOST_BLOCKS, MOST_BYTES, SessionEvidence, decode, encode, packed
from quoting_policy.errors import InputError
from quoting_policy.paper import arm as arms
from quoting_policy.paper.differences import METRICS, block_status, differences
from quoting_policy.paper.evaluate import evaluate
from quoting_policy.paper.market import open_market
from quoting_policy.paper.sessions import open_recording, split
from tests.unit.paper.market import DESK, LEARNER, SKEWED, TIGHT, WIDE, market, pairing, sessions


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return sessions(tmp_path_factory.mktemp("tapes"))[0]


@pytest.fixture(scope="module")
def part(session):
    return evaluate(session, pairing(WIDE, SKEWED, TIGHT.model_copy(update={"name": "Same"})))


def test_both_arms_trade_and_the_evidence_is_accepted(part):
    for record in part.arms.values():
        assert len(record.fills) > 10
    assert {evidence.status for evidence in part.evidence} == {"." * len(part.evidence[0].status)}
    assert any(x != 0 for x in part.evidence[0].differences["pnl"])


def test_an_arm_against_itself_gives_exactly_zero(part):
    for name, values in part.evidence[2].differences.items():
        assert all(x == 0 or math.isnan(x) for x in values), name


def test_swapping_the_arms_negates_every_difference(session, part):
    swapped = evaluate(session, pairing(TIGHT, baseline=WIDE)).evidence[0].differences
    for name, values in part.evidence[0].differences.items():
        np.testing.assert_array_equal(np.negative(values), swapped[name], err_msg=name)


def test_the_market_does_not_depend_on_who_else_is_evaluated(session, part):
    alone = evaluate(session, pairing(SKEWED))
    assert alone.evidence[0].values == part.evidence[1].values


def test_block_profits_add_up_to_the_equity_of_cash_and_position(part):
    """Oracle: cash of the fills and the position at the last mid, without the engine's books."""
    for record in part.arms.values():
        signed = record.fills[:, 1] * record.fills[:, 3]
        last_mid = record.curves[-1, 3]
        equity = np.sum(signed * (last_mid - record.fills[:, 2]) - record.fills[:, 6])
        gained = record.counts[:, Counter.PNL_GAIN] - record.counts[:, Counter.PNL_LOSS]
        assert gained.sum() == pytest.approx(equity, abs=1e-6)
        assert record.curves[-1, 2] == signed.sum()


def test_markouts_are_those_of_the_path_of_mids(session, part):
    """Oracle: the mid in force one second after each fill, looked up in the recorded path."""
    seen = open_market(session, DESK)
    record = part.arms["baseline"]
    expected = 0.0
    for seconds, sign, price, lots, *_ in record.fills.tolist():
        due = int(seen.times[0]) + round(seconds * 1e9) + 1_000_000_000
        if due < seen.times[-1]:
            row = int(np.searchsorted(seen.mid_times, due, side="right")) - 1
            expected += sign * (seen.mids[row] - price) * lots
    one_second = list(arms.HORIZONS_S).index(1.0)
    assert record.markout[2, one_second] == pytest.approx(expected, abs=1e-6)


def test_no_position_ever_leaves_the_limit(part):
    for record in part.arms.values():
        held = np.cumsum(record.fills[:, 1] * record.fills[:, 3])
        assert np.abs(held).max() <= DESK.limits["maxPosition"]


def test_an_arm_without_fills_is_missing_and_says_so(session):
    far = WIDE.model_copy(update={"params": {"halfSpread": 5.0, "qty": 2}})
    evidence = evaluate(session, pairing(far)).evidence[0]
    assert set(evidence.status) == {"c"}
    assert evidence.rejections == ("candidate made no fill",)


def test_two_arms_without_fills_are_both_missing(session):
    far = {"halfSpread": 5.0, "qty": 2}
    arms_ = [policy.model_copy(update={"params": far}) for policy in (TIGHT, WIDE)]
    evidence = evaluate(session, pairing(arms_[1], baseline=arms_[0])).evidence[0]
    assert set(evidence.status) == {"x"}
    assert evidence.rejections == ("baseline made no fill", "candidate made no fill")


def test_a_market_without_two_sides_is_an_empty_session(tmp_path):
    path = market(tmp_path)
    whole = tapes.load(path)
    bids = (whole.code & ASK_SIDE) == 0
    kept = {
        name: getattr(whole, name)[bids] for name in ("exch_ns", "local_ns", "code", "price", "qty", "order")
    }
    tapes.save(dataclasses.replace(whole, **kept), path)
    (empty,) = split([open_recording(path)], 1, DESK)
    evidence = evaluate(empty, pairing(WIDE)).evidence[0]
    assert set(evidence.status) == {"x"}
    assert evidence.rejections[0].startswith("the session is empty")


def test_a_crashed_arm_is_missing_from_then_on(session, monkeypatch):
    step = arms.ArmRun._step

    def failing(self, now, state):
        if self.arm.value == "candidate" and now > session.evidence_ns + 50_000_000_000:
            raise RuntimeError("out of memory")
        step(self, now, state)

    monkeypatch.setattr(arms.ArmRun, "_step", failing)
    evidence = evaluate(session, pairing(WIDE)).evidence[0]
    assert evidence.status.startswith("." * 9)
    assert set(evidence.status[10:]) == {"c"}
    assert "candidate crashed: RuntimeError: out of memory" in evidence.rejections


def test_a_candidate_that_always_refuses_is_missing_though_the_baseline_trades_for_it(session):
    refuses = SKEWED.model_copy(
        update={"params": {"gamma": 0.01, "qty": 2, "horizon": "infinite", "sigma": 0.0, "maxInventory": 20}}
    )
    evidence = evaluate(session, pairing(refuses)).evidence[0]
    assert set(evidence.status) == {"c"}
    assert any("did not answer itself" in reason for reason in evidence.rejections)


def test_an_exploring_candidate_is_no_evidence(session):
    evidence = evaluate(session, pairing(LEARNER)).evidence[0]
    assert set(evidence.status) == {"c"}
    assert "candidate explores: what it did is no evidence for promotion" in evidence.rejections


def test_metrics_of_a_missing_arm_are_never_zero(part):
    baseline, candidate = part.arms["baseline"], part.arms["Wide"]
    blank = {name: getattr(candidate, name) * np.nan for name in ("counts", "own", "orders")}
    gone = dataclasses.replace(candidate, **blank)
    for name, values in differences(baseline, gone, DESK.block_s).items():
        assert all(math.isnan(x) for x in values), name
    assert set(block_status(baseline, gone, DESK.block_s / DESK.decision_s)) == {"c"}


def test_the_largest_session_fits_a_termination_message():
    rows = {name: [-1.2345678e-30] * MOST_BLOCKS for name in METRICS}
    evidence = SessionEvidence(
        digest="f" * 64, candidate="c" * 40, index=9999, name="n" * 40, block_s=3600.0,
        metrics=tuple(METRICS),
        status="." * MOST_BLOCKS, values=packed(rows), rejections=("r" * 400,) * 20,
    )  # fmt: skip
    message = encode(evidence)
    assert len(message) <= MOST_BYTES
    assert decode(message).differences["pnl"] == pytest.approx(rows["pnl"], rel=1e-6)


@pytest.mark.parametrize(
    "damage", [lambda m: m[:-40], lambda m: m.replace(b'"values":"', b'"values":"AAAA'), lambda m: b"{}"]
)
def test_a_message_that_is_not_whole_is_refused(part, damage):
    with pytest.raises(InputError):
        decode(damage(encode(part.evidence[0])))
