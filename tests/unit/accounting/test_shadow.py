"""What a quote that was never sent would have got."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.accounting import Counter, Track
from quoting_policy.accounting.shadow import ShadowFill, ShadowOrders
from quoting_policy.domain import Arm, PublicTrade, QuoteLevel, Side, Stage
from quoting_policy.errors import InputError
from tests.unit.engine.desk import SCRIPTED, STATE, Desk, ScriptedModel, refuse


def shadow(bids=(), asks=(), displayed=None):
    orders = ShadowOrders(Track("shadow", 1.0))
    orders.quote([QuoteLevel(*level) for level in bids], [QuoteLevel(*level) for level in asks])
    if displayed:
        orders.market(*displayed)
    return orders


def sold(ticks, lots):
    return PublicTrade(ticks, lots, False)


def bought(ticks, lots):
    return PublicTrade(ticks, lots, True)


def test_a_trade_through_our_price_fills_us_whole_up_to_its_size():
    orders = shadow(bids=[(100, 4)])
    assert orders.trade(sold(99, 3.0)) == [ShadowFill(Side.BID, 100, 3.0)]
    assert orders.trade(sold(99, 3.0)) == [ShadowFill(Side.BID, 100, 1.0)]
    assert orders.trade(sold(99, 3.0)) == []


def test_a_trade_at_our_price_fills_our_share_of_the_queue():
    orders = shadow(bids=[(100, 2)], displayed=(100, 110, 6.0, 1.0))
    assert orders.trade(sold(100, 4.0)) == [ShadowFill(Side.BID, 100, pytest.approx(1.0))]


def test_where_we_alone_improve_the_whole_trade_is_ours():
    orders = shadow(asks=[(105, 2)], displayed=(100, 110, 6.0, 6.0))
    assert orders.trade(bought(105, 1.5)) == [ShadowFill(Side.ASK, 105, 1.5)]


def test_a_trade_on_the_other_side_or_away_from_us_fills_nothing():
    orders = shadow(bids=[(100, 2)], asks=[(105, 2)])
    assert orders.trade(sold(101, 9.0)) == []
    assert orders.trade(bought(104, 9.0)) == []
    assert orders.trade(bought(100, 9.0)) == []


def test_a_market_that_crosses_us_fills_us():
    orders = shadow(bids=[(100, 2), (99, 1)])
    assert orders.market(98, 100, 1.0, 1.0) == [ShadowFill(Side.BID, 100, 2.0)]


def test_quoting_the_same_again_does_not_refill_an_order():
    orders = shadow(bids=[(100, 4)])
    orders.trade(sold(99, 3.0))
    orders.quote([QuoteLevel(100, 4)], [])
    assert orders.trade(sold(99, 9.0)) == [ShadowFill(Side.BID, 100, 1.0)]


@given(
    st.lists(st.tuples(st.integers(90, 110), st.floats(0.1, 9), st.booleans()), max_size=20),
    st.integers(1, 9),
)
def test_never_more_is_filled_than_was_quoted_or_traded(trades, qty):
    orders = shadow(bids=[(100, qty), (98, qty)], asks=[(102, qty), (104, qty)])
    filled = {Side.BID: 0.0, Side.ASK: 0.0}
    for ticks, lots, buyer in trades:
        fills = orders.trade(PublicTrade(ticks, lots, buyer))
        assert sum(fill.qty_lots for fill in fills) <= lots + 1e-9
        for fill in fills:
            filled[fill.side] += fill.qty_lots
    assert max(filled.values()) <= 2 * qty + 1e-6


def test_in_shadow_both_arms_are_followed_by_the_same_rules_and_no_quote_is_touched():
    desk = Desk()
    desk.allow(Stage.SHADOW)
    assert desk.ask().arm is Arm.BASELINE
    # A seller sweeps down to 98: the baseline's bid at 99 is traded through, the candidate's is touched.
    desk.engine.trade("X", sold(196, 9.0), **desk.clock)
    ledger = desk.engine.books["X"].ledger
    held = {arm: ledger.shadows[arm].track.account.inventory for arm in Arm}
    assert held == {Arm.BASELINE: 2.0, Arm.CANDIDATE: 2.0}
    assert ledger.total.inventory == 0
    costs = [ledger.shadows[arm].track.account.average_cost for arm in (Arm.BASELINE, Arm.CANDIDATE)]
    assert costs == [99.0, 98.0]
    assert ledger.arms[Arm.BASELINE].counts[Counter.FILLS] == 0


def test_a_shadow_arm_that_refuses_has_answered_nothing():
    ScriptedModel.script = refuse
    desk = Desk(candidate=SCRIPTED)
    desk.allow(Stage.SHADOW)
    desk.ask()
    desk.ask()
    shadows = desk.engine.books["X"].ledger.shadows
    counts = {arm: shadows[arm].track.counts for arm in Arm}
    assert [counts[arm][Counter.DECISIONS] for arm in (Arm.BASELINE, Arm.CANDIDATE)] == [2, 2]
    assert [counts[arm][Counter.QUOTES] for arm in (Arm.BASELINE, Arm.CANDIDATE)] == [2, 0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_in_shadow_a_market_of_nonsense_is_not_believed_and_harms_nobody(bad):
    desk = Desk()
    desk.allow(Stage.SHADOW)
    desk.ask()
    for field in ("best_bid", "best_ask", "bid_qty", "ask_qty"):
        desk.ask(msgspec.structs.replace(STATE, **{field: bad}))
    with pytest.raises(InputError, match="qty_lots"):
        desk.engine.trade("X", sold(196, -1.0), **desk.clock)
    desk.engine.trade("X", sold(198, 4.0), **desk.clock)
    for shadow in desk.engine.books["X"].ledger.shadows.values():
        assert math.isfinite(shadow.track.account.inventory)
        assert math.isfinite(shadow.track.account.equity(100.0))


def test_each_shadow_arm_sees_the_inventory_it_would_have():
    desk = Desk()
    desk.allow(Stage.SHADOW)
    desk.ask()
    for _ in range(5):
        desk.engine.trade("X", sold(196, 9.0), **desk.clock)
        desk.ask()
    ledger = desk.engine.books["X"].ledger
    desk.engine.trade("X", sold(196, 9.0), **desk.clock)
    # max_position is 10: five fills of two lots, and then no more bids.
    assert ledger.shadows[Arm.CANDIDATE].track.account.inventory == 10.0
