"""For every live order keep, replace or cancel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import Action, LiveOrder, QuoteLevel, RefreshRules, Side
from quoting_policy.engine import Timing, refresh

SECOND = 10**9
NOW = 1000 * SECOND
ORDER = LiveOrder(order_id="a", side=Side.BID, price_ticks=100, qty_lots=2, placed_ns=NOW - SECOND)


def decided(order=ORDER, wanted=((100, 2),), rules=None, **timing):
    bids = [QuoteLevel(*level) for level in wanted]
    actions = refresh([order], bids, [], rules or RefreshRules(), Timing(now_ns=NOW, **timing))
    return [(action.action, action.price_ticks, action.qty_lots, action.reason) for action in actions]


def test_an_order_that_is_wanted_as_it_is_stays():
    assert decided() == [(Action.KEEP, 100, 2, "wanted")]


def test_an_order_without_a_level_is_cancelled_whatever_the_budget_and_the_rules():
    waiting = RefreshRules(hold_s=99, fill_delay_s=99, tolerance_ticks=99)
    assert decided(wanted=(), rules=waiting, budget=0, last_fill_ns=NOW) == [
        (Action.CANCEL, 100, 2, "unwanted")
    ]


def test_a_small_move_is_not_worth_the_queue_and_a_larger_one_is():
    rules = RefreshRules(tolerance_ticks=2)
    assert decided(wanted=((102, 2),), rules=rules) == [(Action.KEEP, 100, 2, "tolerated")]
    assert decided(wanted=((103, 2),), rules=rules) == [(Action.REPLACE, 103, 2, "moved")]


def test_an_old_order_is_replaced():
    rules = RefreshRules(max_age_s=0.5)
    assert decided(rules=rules) == [(Action.REPLACE, 100, 2, "aged")]


def test_a_held_order_waits_unless_it_is_a_risk():
    rules = RefreshRules(hold_s=5)
    assert decided(wanted=((101, 2),), rules=rules) == [(Action.KEEP, 100, 2, "held")]
    assert decided(wanted=((99, 2),), rules=rules) == [(Action.REPLACE, 99, 2, "moved")]
    assert decided(wanted=((100, 1),), rules=rules) == [(Action.REPLACE, 100, 1, "resized")]


def test_after_a_fill_nothing_is_improved_for_a_while():
    rules = RefreshRules(fill_delay_s=1)
    assert decided(wanted=((101, 2),), rules=rules, last_fill_ns=NOW) == [(Action.KEEP, 100, 2, "after_fill")]
    assert decided(wanted=((101, 2),), rules=rules, last_fill_ns=NOW - SECOND) == [
        (Action.REPLACE, 101, 2, "moved")
    ]


def test_without_budget_a_risk_is_cancelled_and_the_rest_is_kept():
    assert decided(wanted=((101, 2),), budget=0) == [(Action.KEEP, 100, 2, "rate")]
    assert decided(wanted=((99, 2),), budget=0) == [(Action.CANCEL, 100, 2, "moved")]


def test_a_level_without_an_order_is_placed_while_there_is_budget():
    wanted = ((100, 2), (99, 1), (98, 1))
    assert decided(wanted=wanted, budget=1) == [
        (Action.KEEP, 100, 2, "wanted"),
        (Action.PLACE, 99, 1, "new"),
    ]


orders = st.lists(
    st.builds(
        LiveOrder,
        order_id=st.text("abcdefgh", min_size=1, max_size=3),
        side=st.sampled_from(Side),
        price_ticks=st.integers(1, 20),
        qty_lots=st.integers(1, 5),
        placed_ns=st.integers(NOW - 20 * SECOND, NOW),
    ),
    max_size=5,
    unique_by=lambda order: order.order_id,
)
wanted_levels = st.lists(
    st.builds(QuoteLevel, st.integers(1, 20), st.integers(1, 5)),
    max_size=4,
    unique_by=lambda level: level.price_ticks,
)
some_rules = st.builds(
    RefreshRules,
    max_age_s=st.floats(0, 20),
    tolerance_ticks=st.integers(0, 3),
    hold_s=st.floats(0, 20),
    fill_delay_s=st.floats(0, 5),
    size_tolerance=st.floats(0, 1),
)


@given(orders, wanted_levels, wanted_levels, some_rules, st.integers(0, 3), st.none() | st.just(NOW))
def test_every_order_gets_one_decision_cancels_come_first_and_the_budget_holds(
    live, bids, asks, rules, budget, last_fill
):
    actions = refresh(live, bids, asks, rules, Timing(now_ns=NOW, last_fill_ns=last_fill, budget=budget))
    decided_on = [action.order_id for action in actions if action.action is not Action.PLACE]
    assert sorted(decided_on) == sorted(order.order_id for order in live)
    kinds = [action.action for action in actions]
    assert kinds == sorted(kinds, key=lambda kind: kind is not Action.CANCEL)
    assert sum(kind in (Action.REPLACE, Action.PLACE) for kind in kinds) <= budget


@given(orders, wanted_levels, wanted_levels, some_rules, st.integers(0, 3))
def test_what_is_left_is_never_larger_than_wanted(live, bids, asks, rules, budget):
    actions = refresh(live, bids, asks, rules, Timing(now_ns=NOW, budget=budget))
    for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
        left = [a.qty_lots for a in actions if a.side is side and a.action is not Action.CANCEL]
        assert sum(left) <= sum(level.qty_lots for level in levels)
