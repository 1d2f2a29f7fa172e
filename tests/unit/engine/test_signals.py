"""What an app leaves out is estimated from what it tells; what cannot be estimated stays missing."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.domain import (
    Arm,
    ArmSpec,
    Correlation,
    Fill,
    FillHazard,
    Latency,
    LiveOrder,
    MarketState,
    PortfolioLimits,
    PublicTrade,
    Side,
    SignalRules,
    Stage,
)
from quoting_policy.engine.portfolio import share_risk
from quoting_policy.engine.signals import BookSignals
from quoting_policy.errors import InputError
from quoting_policy.signals import MarketSignals
from tests.unit.engine.desk import BASELINE, SECOND, STATE, Desk, instrument

RULES = SignalRules(
    sigma_step_s=0.5, sigma_window=10, hazard_step_s=0.5, hazard_windows=20, hazard_refit_s=1.0,
    hazard_levels=(0.4, 1.4, 2.4), horizon_s=60.0, latency_window=2, toxicity_fills=4, alpha_refit_s=2.0,
)  # fmt: skip
STOIKOV = ArmSpec(model="AvellanedaStoikov", params={"gamma": 0.01})


def model(name, **params):
    return ArmSpec(model=name, params=params)


def desk_with(candidate, **changes):
    desk = Desk(candidate=candidate, **({"signals": RULES} | changes))
    desk.allow(lifetime_s=300.0)
    return desk


def watch(desk, seconds, trades=True):
    """The book moves by itself, others trade, and the app asks now and then."""
    for i in range(round(seconds / 0.1)):
        desk.wait(0.1)
        mid = 100.0 + 0.5 * math.sin(i)
        state = MarketState(
            mid=mid, best_bid=mid - 0.5, best_ask=mid + 0.5, bid_qty=3.0 + i % 4, ask_qty=4.0 - i % 3
        )
        desk.engine.market("X", state, **desk.clock)
        for j in range(3 if trades else 0):
            depth, buyer = (i * j) % 4, (i + j) % 2 == 0
            trade = PublicTrade(round(mid / 0.5) + (1 + depth) * (1 if buyer else -1), 1.0, buyer)
            desk.engine.trade("X", trade, **desk.clock)
        desk.allow(lifetime_s=300.0)


@pytest.mark.parametrize(
    "candidate",
    [
        STOIKOV,
        model("AvellanedaStoikov", gamma=0.01, horizon="infinite", maxInventory=10),
        model("GLFT", gamma=0.01, method="closed", maxInventory=10),
        model("Ladder", minEdge=1, floor=0.5, sigmaReference=0.2, inventorySkew=1, maxInventory=10,
              toxicitySizeCut=0, toxicityWidening=0),
        model("FixedSpread", halfSpread=1, alphaSkew=0.5),
    ],
)  # fmt: skip
def test_a_model_quotes_for_an_app_that_only_sends_its_market(candidate):
    desk = desk_with(candidate)
    before = desk.ask()
    assert before.arm is Arm.BASELINE
    assert any("missing" in reason for reason in before.reasons)
    watch(desk, 30)
    assert desk.ask(msgspec.structs.replace(STATE, bid_qty=3.0, ask_qty=4.0)).arm is Arm.CANDIDATE


def test_what_has_no_evidence_stays_missing():
    desk = desk_with(STOIKOV)
    watch(desk, 30, trades=False)
    decision = desk.ask()
    assert decision.arm is Arm.BASELINE
    assert "fill_hazard_ask, fill_hazard_bid missing" in decision.reasons


def test_the_horizon_is_the_apps_unless_the_rules_give_one():
    desk = desk_with(STOIKOV, signals=msgspec.structs.replace(RULES, horizon_s=None))
    watch(desk, 30)
    assert "time_left missing" in desk.ask().reasons


def test_what_the_app_says_wins():
    signals = desk_with(STOIKOV)
    watch(signals, 30)
    signals = signals.engine.books["X"].signals
    given = FillHazard(A=9.0, k=9.0)
    state = signals.complete(
        msgspec.structs.replace(STATE, sigma=7.0, fill_hazard_bid=given, fill_hazard_ask=given)
    )
    assert (state.sigma, state.fill_hazard_bid, state.time_left) == (7.0, given, 60.0)


def test_both_arms_in_shadow_see_the_estimates():
    desk = desk_with(STOIKOV)
    desk.allow(Stage.SHADOW)
    for _ in range(3):
        watch(desk, 10)
        desk.allow(Stage.SHADOW)
    desk.ask()
    assert desk.engine.books["X"].ledger.shadows[Arm.CANDIDATE]._levels[Side.BID]


def test_another_revision_keeps_what_was_learnt():
    desk = desk_with(STOIKOV)
    watch(desk, 30)
    other = msgspec.structs.replace(desk.revision, candidate=model("GLFT", gamma=0.02, method="closed"))
    desk.digest = desk.engine.configure(other, **desk.clock)
    desk.allow(lifetime_s=300.0)
    assert desk.ask().arm is Arm.CANDIDATE


def test_nothing_is_estimated_that_no_model_needs():
    desk = Desk()
    watch(desk, 30)
    assert desk.engine.books["X"].signals.due_ns > 2**62
    assert desk.engine.books["X"].signals.known == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3 * SECOND), st.integers(90, 110) | st.just(math.nan)), max_size=30))
def test_looking_at_the_mid_now_and_then_is_as_good_as_looking_at_each(moves):
    rules = msgspec.structs.replace(RULES, sigma_window=3)
    eager, lazy = MarketSignals(rules, 0.5, {"sigma"}), BookSignals(rules, 0.5, {"sigma"})
    now, mid, mid_ns = 10**6 * SECOND, math.nan, 0
    for step, after in moves:
        now += step
        eager.mid(now, after)
        if now >= lazy.due_ns or math.isnan(after):
            lazy.advance(now, MarketState(mid=after), mid, mid_ns)
        if not math.isnan(after):
            mid, mid_ns = after, now
        assert lazy.known.get("sigma") == eager.sigma


def test_a_mid_that_nobody_confirmed_for_long_is_not_taken_for_a_calm_market():
    desk = desk_with(STOIKOV, signals=msgspec.structs.replace(RULES, sigma_window=50))
    watch(desk, 30)
    before = desk.engine.books["X"].signals.known["sigma"]
    desk.wait(20.0)
    watch(desk, 0.2)
    assert desk.engine.books["X"].signals.known["sigma"] == pytest.approx(before, rel=0.2)


def filled(desk, side, price, order_id="a"):
    desk.fill(
        Fill(order_id=order_id, ts_ns=desk.wall_ns - 3_000_000, side=side, price_ticks=round(price / 0.5),
             qty_lots=1, mid_before=100.0)
    )  # fmt: skip


def test_fills_that_lose_money_are_toxic_and_too_few_say_nothing():
    desk = desk_with(model("FixedSpread", halfSpread=1, toxicityWidening=1))
    signals = desk.engine.books["X"].signals
    watch(desk, 1)
    for _ in range(3):
        filled(desk, Side.BID, 104.0)
        watch(desk, 1.5)
    assert "toxicity" not in signals.known
    for _ in range(3):
        filled(desk, Side.BID, 104.0)
        watch(desk, 1.5)
    assert signals.known["toxicity"] == pytest.approx(1.0, abs=0.01)


def test_fills_that_earn_are_not_toxic():
    rules = msgspec.structs.replace(RULES, toxicity_fills=20)
    desk = desk_with(model("FixedSpread", halfSpread=1, toxicityWidening=1), signals=rules)
    watch(desk, 1)
    for _ in range(12):
        filled(desk, Side.BID, 96.0)
        filled(desk, Side.ASK, 104.0)
        watch(desk, 1.5)
    assert desk.engine.books["X"].signals.known["toxicity"] == 0.0


def live(order_id, *, in_flight):
    return LiveOrder(
        order_id=order_id, side=Side.BID, price_ticks=190, qty_lots=1, placed_ns=0, in_flight=in_flight,
        arm=Arm.BASELINE,
    )  # fmt: skip


def test_latency_is_what_orders_and_fills_take():
    desk = desk_with(model("FixedSpread", halfSpread=1, latencyWidening=1))
    for order_id in ("a", "b"):
        desk.engine.order("X", live(order_id, in_flight=True), now_ns=desk.now_ns)
        desk.wait(0.02)
        desk.engine.order("X", live(order_id, in_flight=False), now_ns=desk.now_ns)
        filled(desk, Side.BID, 95.0, order_id)
    watch(desk, 1)
    latency = desk.engine.books["X"].signals.known["latency"]
    assert latency == Latency(feed=pytest.approx(0.003, rel=0.01), order=pytest.approx(0.02, rel=0.01))


def test_clocks_that_disagree_give_no_latency():
    desk = desk_with(model("FixedSpread", halfSpread=1, latencyWidening=1))
    for order_id in ("a", "b"):
        desk.engine.order("X", live(order_id, in_flight=True), now_ns=desk.now_ns)
        desk.engine.order("X", live(order_id, in_flight=False), now_ns=desk.now_ns)
        desk.wall_ns -= SECOND
        filled(desk, Side.BID, 95.0, order_id)
        desk.wall_ns += SECOND
        desk.fill(
            Fill(order_id=order_id, ts_ns=desk.wall_ns + SECOND, side=Side.BID, price_ticks=190, qty_lots=1,
                 mid_before=100.0)
        )  # fmt: skip
    watch(desk, 1)
    assert "latency" not in desk.engine.books["X"].signals.known


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sigma_step_s", 0.0),
        ("sigma_window", 1),
        ("hazard_levels", (1.0, 1.0, 2.0)),
        ("hazard_refit_s", math.nan),
        ("horizon_s", -1.0),
    ],
)
def test_rules_that_estimate_nothing_are_refused(field, value):
    with pytest.raises(InputError, match=f"signals.{field}"):
        SignalRules(**{field: value})


TWO = (instrument("X"), instrument("Y", lot_size=Decimal(2)))


def pair_of(**changes):
    """X is quoted by a model that shares risk; Y moves with it and holds twice the quantity a lot."""
    fields = {
        "instruments": TWO,
        "portfolio": PortfolioLimits(correlations=(Correlation("X", "Y", 0.5),)),
        "baseline": model("LinearSkew", baseSpread=1, inventorySkew=1, maxInventory=10),
        "candidate": None,
        "signals": RULES,
    }
    return Desk(**(fields | changes))


def swing(desk, symbol, size, seconds=10):
    for i in range(round(seconds / 0.25)):
        desk.wait(0.25)
        state = msgspec.structs.replace(STATE, mid=100.0 + size * (i // 2 % 2))
        desk.engine.market(symbol, state, **desk.clock)


def holds(desk, symbol, lots):
    desk.fill(
        Fill(order_id="o", ts_ns=0, side=Side.BID, price_ticks=200, qty_lots=lots, mid_before=100.0), symbol
    )


def test_a_position_in_a_related_instrument_leans_the_quote_as_its_risk_does():
    desk = pair_of()
    swing(desk, "X", 1.0)
    swing(desk, "Y", 3.0)
    holds(desk, "Y", 2)
    state = share_risk(desk.engine.books["X"], STATE)
    # rho sigma_Y/sigma_X q_Y lot_Y/lot_X = 0.5 x 3 x 2 x 2
    assert state.correlated_inventory == pytest.approx(6.0, rel=0.05)
    mine = msgspec.structs.replace(STATE, correlated_inventory=-1.0)
    assert share_risk(desk.engine.books["X"], mine) is mine


def test_risk_that_cannot_be_told_is_refused_by_who_shares_it_and_no_other():
    for baseline, sides in ((BASELINE, 1), (pair_of().revision.baseline, 0)):
        desk = pair_of(baseline=baseline)
        assert len(desk.ask().bids) == 1
        holds(desk, "Y", 2)
        assert len(desk.ask().bids) == sides


def test_a_broken_feed_touches_no_other_instrument():
    desk = pair_of()
    swing(desk, "X", 1.0)
    swing(desk, "Y", 3.0)
    holds(desk, "Y", 2)
    before = desk.ask()
    desk.ask(msgspec.structs.replace(STATE, mid=math.nan), symbol="Y")
    desk.wait(0.6)
    desk.ask(msgspec.structs.replace(STATE, mid=math.nan), symbol="Y")
    assert "sigma" not in desk.engine.books["Y"].signals.known
    assert desk.ask().bids == before.bids


wild = st.one_of(
    st.floats(90, 110), st.floats(), st.sampled_from([0.0, -1.0, 1e-300, 1e300, 1e16, math.nan, math.inf])
)
known_or_not = st.none() | wild
happenings = st.one_of(
    st.builds(MarketState, mid=wild, best_bid=known_or_not, best_ask=known_or_not, bid_qty=known_or_not,
              ask_qty=known_or_not),
    st.builds(PublicTrade, st.integers(1, 2**53), st.floats(min_value=0.001, max_value=1e9), st.booleans()),
    st.builds(Fill, order_id=st.sampled_from("ab"), ts_ns=st.integers(-(2**63), 2**63 - 1),
              side=st.sampled_from(Side), price_ticks=st.integers(1, 2**53), qty_lots=st.integers(1, 2**53),
              mid_before=wild),
)  # fmt: skip


def test_a_mid_that_is_none_does_not_undo_what_was_learnt():
    desk = desk_with(STOIKOV)
    watch(desk, 30)
    desk.wait(0.05)
    desk.ask(msgspec.structs.replace(STATE, mid=math.nan))
    watch(desk, 2)
    assert desk.ask().arm is Arm.CANDIDATE


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30 * SECOND), happenings), max_size=60))
def test_nothing_that_an_app_may_tell_breaks_the_estimates_or_makes_them_nonsense(story):
    candidate = model("AvellanedaStoikov", gamma=0.01, alphaSkew=1, toxicityWidening=1, latencyWidening=1)
    small = msgspec.structs.replace(RULES, sigma_window=3, toxicity_fills=2, vpin_bucket_lots=5.0)
    desk = desk_with(candidate, signals=small)
    for wait_ns, what in story:
        desk.wait(wait_ns / SECOND)
        if isinstance(what, MarketState):
            desk.ask(what)
        elif isinstance(what, PublicTrade):
            desk.engine.trade("X", what, **desk.clock)
        else:
            desk.fill(what)
        state = desk.engine.books["X"].signals.complete(STATE)
        given = [state.sigma, state.toxicity, state.alpha]
        given += [x for h in (state.fill_hazard_bid, state.fill_hazard_ask) if h for x in (h.A, h.k)]
        given += [state.latency.feed, state.latency.order] if state.latency else []
        assert all(math.isfinite(value) for value in given if value is not None)
