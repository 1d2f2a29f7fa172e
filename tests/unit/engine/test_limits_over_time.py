"""Limits that need memory: rates, losses, the portfolio, correlated positions, own orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import (
    Action,
    Arm,
    Correlation,
    Fill,
    KillAction,
    Limits,
    LiveOrder,
    MarketState,
    Mode,
    PortfolioLimits,
    Side,
)
from quoting_policy.engine.orders import REMEMBERED, OwnOrders
from quoting_policy.engine.rates import RateWindow
from quoting_policy.errors import InputError
from tests.unit.engine.desk import SECOND, Desk, instrument, prices, revision

TWO = (instrument("X"), instrument("Y"))


def at(mid: float, inventory: float = 0.0) -> MarketState:
    return MarketState(mid=mid, best_bid=mid - 0.5, best_ask=mid + 0.5, inventory=inventory)


def order(order_id="a", **changes) -> LiveOrder:
    fields = {"side": Side.BID, "price_ticks": 198, "qty_lots": 2, "placed_ns": 0}
    return LiveOrder(order_id=order_id, **(fields | changes))


def fill(order_id="a", **changes) -> Fill:
    fields = {"ts_ns": 0, "side": Side.BID, "price_ticks": 200, "qty_lots": 2, "mid_before": 100.0}
    return Fill(order_id=order_id, **(fields | changes))


@given(st.lists(st.integers(0, 400), max_size=60), st.sampled_from([0.5, 1.0, 3.0, 10.0]))
def test_a_rate_holds_in_every_window(gaps_ms, rate):
    window, now, sent = RateWindow(rate), 0, []
    for gap in gaps_ms:
        now += gap * 1_000_000
        assert (now >= window.free_ns) is (window.room(now) > 0)
        if now >= window.free_ns:
            window.count(now)
            sent.append(now)
    length = 1.0 if rate >= 1 else 1 / rate
    for start in sent:
        inside = [time for time in sent if start <= time < start + length * SECOND]
        assert len(inside) <= max(rate, 1)


def test_a_rate_of_nothing_lets_nothing_through():
    assert RateWindow(0.0).free_ns > 2**62
    assert RateWindow(0.0).room(0) == 0


def test_with_the_quote_rate_spent_only_what_is_live_is_quoted():
    desk = Desk(limits=Limits(max_quote_rate=1))
    assert desk.ask().bids
    again = desk.ask(at(101.0))
    assert (again.bids, again.clamps_bound) == ((), ("quote_rate",))
    desk.wait(1.0)
    assert desk.ask(at(101.0)).bids


def test_with_the_order_rate_spent_orders_are_kept_or_cancelled_and_none_is_sent():
    desk = Desk(limits=Limits(max_order_rate=1))
    desk.engine.order("X", order(placed_ns=desk.now_ns), now_ns=desk.now_ns)
    same = desk.ask()
    assert [(action.action, action.side) for action in same.orders] == [(Action.KEEP, Side.BID)]
    assert (prices(same), same.clamps_bound) == (([198], []), ("order_rate",))
    moved = desk.ask(at(103.0))
    assert [action.action for action in moved.orders] == [Action.CANCEL]


def test_a_drawdown_leaves_reducing_quotes_and_says_so():
    desk = Desk(limits=Limits(max_drawdown=5))
    desk.ask()
    desk.fill(fill(qty_lots=2))
    assert desk.ask(at(98.0, 2.0)).mode is Mode.ACTIVE
    decision = desk.ask(at(97.5, 2.0))
    assert (decision.mode, decision.clamps_bound) == (Mode.REDUCING, ("drawdown",))
    assert (decision.bids, len(decision.asks)) == ((), 1)


def test_the_daily_loss_starts_afresh_with_the_day_and_the_drawdown_does_not():
    desk = Desk(limits=Limits(max_daily_loss=5))
    desk.ask()
    desk.fill(fill(qty_lots=2))
    assert desk.ask(at(97.0, 2.0)).clamps_bound == ("daily_loss",)
    desk.wait(86_400)
    assert desk.ask(at(97.0, 2.0)).mode is Mode.ACTIVE


def test_losses_of_one_instrument_stop_another_under_a_portfolio_limit_only():
    for limits, mode in ((PortfolioLimits(max_drawdown=5), Mode.REDUCING), (PortfolioLimits(), Mode.ACTIVE)):
        desk = Desk(instruments=TWO, portfolio=limits)
        desk.ask()
        desk.ask(symbol="Y")
        desk.fill(fill(qty_lots=2))
        desk.ask(at(97.0, 2.0))
        assert desk.ask(symbol="Y").mode is mode


def test_gross_notional_is_shared_by_all_instruments():
    desk = Desk(instruments=TWO, portfolio=PortfolioLimits(max_gross_notional=500))
    desk.ask(at(100.0, 4.0))
    decision = desk.ask(symbol="Y")
    assert [level.qty_lots for level in decision.bids] == [1]
    desk.engine.position("X", 0.0)
    desk.ask()
    assert [level.qty_lots for level in desk.ask(symbol="Y").bids] == [2]


def test_an_instrument_that_left_the_revision_holds_no_part_of_the_portfolio():
    portfolio = PortfolioLimits(max_gross_notional=500)
    desk = Desk(instruments=TWO, portfolio=portfolio)
    desk.ask(at(100.0, 4.0))
    desk.engine.configure(revision(instruments=TWO[1:], portfolio=portfolio), **desk.clock)
    assert [level.qty_lots for level in desk.ask(symbol="Y").bids] == [2]


@pytest.mark.parametrize(("rho", "blocked"), [(0.9, "bids"), (-0.9, "asks"), (0.4, None)])
def test_a_correlated_position_is_not_built_twice(rho, blocked):
    desk = Desk(
        instruments=TWO,
        limits=Limits(max_position=10, max_correlation=0.5),
        portfolio=PortfolioLimits(correlations=(Correlation("X", "Y", rho),)),
    )
    desk.ask(at(100.0, 3.0))
    decision = desk.ask(symbol="Y")
    assert decision.clamps_bound == (() if blocked is None else ("correlation",))
    for side in ("bids", "asks"):
        assert bool(getattr(decision, side)) is (side != blocked)


def test_the_worse_of_two_accounts_of_the_inventory_counts():
    desk = Desk()
    desk.ask(at(100.0, 0.0))
    desk.fill(fill(qty_lots=9))
    told_late = desk.ask(at(100.0, 0.0))
    assert [level.qty_lots for level in told_late.bids] == [1]
    desk.engine.position("X", 0.0)
    assert [level.qty_lots for level in desk.ask(at(100.0, 9.0)).bids] == [1]


def test_a_partial_fill_leaves_the_rest_of_an_order_live():
    orders = OwnOrders()
    assert orders.put(order(qty_lots=5, arm=Arm.CANDIDATE))
    assert orders.fill(fill(qty_lots=2)) is Arm.CANDIDATE
    assert (orders.sum.bid_lots, dict(orders.sum.bids)) == (3, {198: 3})
    assert orders.fill(fill(qty_lots=3)) is Arm.CANDIDATE
    assert (len(orders), orders.sum.bid_lots) == (0, 0)


def test_a_late_fill_still_belongs_to_the_arm_of_its_order():
    orders = OwnOrders()
    orders.put(order(arm=Arm.CANDIDATE))
    orders.close("a")
    assert orders.fill(fill()) is Arm.CANDIDATE
    assert orders.fill(fill("never heard of")) is None
    for number in range(REMEMBERED):
        orders.put(order(f"o{number}"))
        orders.close(f"o{number}")
    assert orders.fill(fill()) is None


def test_halting_cancels_every_live_order():
    desk = Desk()
    desk.engine.order("X", order(), now_ns=desk.now_ns)
    desk.kill(KillAction.HALT)
    assert [action.action for action in desk.ask().orders] == [Action.CANCEL]


@pytest.mark.parametrize(
    ("field", "value"), [("qty_lots", 0), ("qty_lots", -1), ("price_ticks", 0), ("qty_lots", 2**60)]
)
def test_an_order_or_fill_that_no_venue_has_is_refused_by_name(field, value):
    desk = Desk()
    with pytest.raises(InputError, match=field):
        desk.engine.order("X", order(**{field: value}), now_ns=desk.now_ns)
    with pytest.raises(InputError, match=field):
        desk.fill(fill(**{field: value}))
    assert desk.engine.books["X"].ledger.total.inventory == 0


def test_an_error_in_one_instrument_does_not_touch_another():
    desk = Desk(instruments=TWO)
    desk.ask(MarketState(mid=float("nan")))
    assert desk.ask(symbol="Y").bids
