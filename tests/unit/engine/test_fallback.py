"""A candidate that fails costs nothing: the baseline answers the same request."""

from __future__ import annotations

import pytest

from quoting_policy.domain import Arm, KillAction, Level, Limits, MarketState, Mode, RawQuote, Stage
from tests.unit.engine.desk import SCRIPTED, Desk, ScriptedModel, prices, raw, refuse

BASELINE_PRICES = ([198], [202])
CANDIDATE_PRICES = ([196], [204])


@pytest.fixture
def scripted():
    def use(script, **changes):
        ScriptedModel.script = staticmethod(script)
        desk = Desk(candidate=SCRIPTED, **changes)
        desk.allow()
        return desk

    yield use
    ScriptedModel.script = None


def fail(_state):
    raise ZeroDivisionError("boom")


def test_without_authority_the_baseline_quotes():
    decision = Desk().ask()
    assert (decision.arm, prices(decision)) == (Arm.BASELINE, BASELINE_PRICES)
    assert decision.reasons == ("no_authority",)


def test_with_authority_the_candidate_quotes():
    desk = Desk()
    desk.allow()
    decision = desk.ask()
    assert (decision.arm, prices(decision)) == (Arm.CANDIDATE, CANDIDATE_PRICES)


@pytest.mark.parametrize(
    ("script", "breach"),
    [
        (fail, "exception"),
        (lambda _: None, "exception"),
        (lambda _: "nonsense", "exception"),
        (lambda _: RawQuote(bids=(Level(None, 1),), reservation=1), "exception"),
        (lambda _: raw(bid=float("nan")), "raw_number"),
        (lambda _: raw(bid=float("-inf")), "raw_number"),
        (lambda _: raw(qty=-1.0), "raw_number"),
        (lambda _: raw(bid=102.0), "raw_crossed"),
    ],
)
def test_a_failing_candidate_is_answered_for_and_latched(scripted, script, breach):
    desk = scripted(script)
    decision = desk.ask()
    assert (decision.arm, prices(decision)) == (Arm.BASELINE, BASELINE_PRICES)
    assert breach in decision.breaches
    assert desk.engine.control.breaches[breach] == 1
    assert [latched.digest for latched in desk.engine.control.news] == [desk.digest]
    ScriptedModel.script = staticmethod(lambda _: raw())
    assert desk.ask().reasons == ("latched_breach",)


def test_a_candidate_that_spends_its_budget_is_answered_for_and_latched(scripted):
    desk = scripted(lambda _: raw())
    assert desk.ask().arm is Arm.CANDIDATE
    desk.spent_ns = 10_000_001
    decision = desk.ask()
    assert (decision.arm, decision.breaches) == (Arm.BASELINE, ("time_budget",))
    desk.spent_ns = 0
    assert desk.ask().arm is Arm.BASELINE


def test_a_model_quotes_once_for_nobody_before_it_is_held_to_its_budget(scripted):
    asked = []

    def first_time_fails(state):
        asked.append(state)
        if len(asked) == 1:
            raise MemoryError("still loading")
        return raw()

    desk = scripted(first_time_fails)
    assert len(asked) == 1
    assert None not in [getattr(asked[0], need) for need in ("sigma", "time_left", "fill_hazard_bid")]
    assert desk.engine.control.news == []
    assert desk.ask().arm is Arm.CANDIDATE


def test_a_refusal_is_no_breach(scripted):
    desk = scripted(refuse)
    decision = desk.ask()
    assert (decision.arm, prices(decision), decision.breaches) == (Arm.BASELINE, BASELINE_PRICES, ())
    assert "outside the domain" in decision.reasons
    ScriptedModel.script = staticmethod(lambda _: raw())
    assert desk.ask().arm is Arm.CANDIDATE


def test_a_missing_input_is_refused_not_assumed(scripted, monkeypatch):
    monkeypatch.setattr(ScriptedModel, "needs", frozenset({"sigma"}))
    desk = scripted(lambda _: raw())
    assert "sigma missing" in desk.ask().reasons
    assert desk.ask(MarketState(mid=100.0, sigma=1.0)).arm is Arm.CANDIDATE


def test_in_shadow_a_failing_candidate_touches_no_quote_but_is_latched(scripted):
    desk = scripted(fail)
    desk.allow(Stage.SHADOW)
    decision = desk.ask()
    assert (decision.arm, prices(decision)) == (Arm.BASELINE, BASELINE_PRICES)
    assert decision.breaches == ("exception",)
    assert desk.ask().reasons == ("latched_breach",)


def test_a_failing_baseline_gives_no_quote_and_says_so(scripted):
    desk = Desk(baseline=SCRIPTED, candidate=None)
    ScriptedModel.script = staticmethod(fail)
    decision = desk.ask()
    assert prices(decision) == ([], [])
    assert decision.reasons == ("no_candidate", "baseline_refused", "exception", "ZeroDivisionError")


def test_a_realised_limit_crossed_latches_the_candidate_and_leaves_reducing_quotes():
    desk = Desk(limits=Limits(max_position=10))
    desk.allow()
    decision = desk.ask(MarketState(mid=100.0, best_bid=99.5, best_ask=100.5, inventory=11.0))
    assert decision.breaches == ("position",)
    assert (decision.arm, prices(decision)) == (Arm.BASELINE, ([], [202]))
    assert decision.mode is Mode.REDUCING


def test_an_unusable_market_gives_no_quote_and_blames_nobody():
    desk = Desk()
    desk.allow()
    decision = desk.ask(MarketState(mid=float("nan")))
    assert prices(decision) == ([], [])
    assert desk.engine.control.news == []


def test_an_unknown_instrument_gets_no_quote():
    assert Desk().ask(symbol="Y").reasons == ("unknown_instrument",)


@pytest.mark.parametrize(
    ("action", "arm", "mode"),
    [
        (KillAction.NONE, Arm.CANDIDATE, Mode.ACTIVE),
        (KillAction.BASELINE, Arm.BASELINE, Mode.ACTIVE),
        (KillAction.HALT, None, Mode.HALTED),
    ],
)
def test_the_kill_switch_acts_on_the_next_request(action, arm, mode):
    desk = Desk()
    desk.allow()
    desk.kill(action)
    decision = desk.ask()
    assert (decision.arm, decision.mode) == (arm, mode)
    assert bool(decision.bids) is (arm is not None)


def test_decisions_repeat_exactly():
    def run():
        desk = Desk()
        desk.allow(Stage.CANARY, 20.0, block_length_s=60.0, washout_s=1.0, lifetime_s=300.0)
        decisions = []
        for step in range(200):
            desk.wait(1.0)
            decisions.append(desk.ask(MarketState(mid=100.0 + step % 7, inventory=step % 5)))
        return decisions

    assert run() == run()
    assert {decision.arm for decision in run()} == set(Arm)
