"""Accounts add up, to the last tick."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.accounting import Account
from quoting_policy.accounting.risk import (
    Drawdown,
    conditional_value_at_risk,
    max_drawdown,
    position_value_at_risk,
    profit_factor,
    value_at_risk,
)

trades = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(1, 2000), st.floats(-1, 1)), min_size=1, max_size=40
)


@given(trades, st.integers(1, 2000))
def test_equity_is_cash_plus_inventory_at_the_mid(trades, mid_ticks):
    account, cash, held = Account(lot=0.5), 0.0, 0
    for lots, ticks, fee in trades:
        account.trade(lots, ticks * 0.25, fee)
        cash -= lots * 0.5 * ticks * 0.25 + fee
        held += lots
    mid = mid_ticks * 0.25
    assert account.inventory == held
    assert account.equity(mid) == pytest.approx(cash + held * 0.5 * mid, abs=1e-6)
    assert account.equity(mid) == pytest.approx(
        account.realised - account.fees + account.unrealised(mid), abs=1e-9
    )


@given(trades)
def test_average_cost_lies_between_the_prices_traded(trades):
    account = Account(lot=1.0)
    for lots, ticks, _ in trades:
        account.trade(lots, float(ticks))
    if account.inventory:
        prices = [ticks for _, ticks, _ in trades]
        assert min(prices) - 1e-6 <= account.average_cost <= max(prices) + 1e-6


def test_closing_realises_and_turning_over_starts_a_new_cost():
    account = Account(lot=1.0)
    account.trade(2, 100.0)
    account.trade(1, 103.0)
    assert account.average_cost == pytest.approx(101.0)
    account.trade(-4, 105.0)
    assert (account.realised, account.inventory, account.average_cost) == (pytest.approx(12.0), -1, 105.0)


@given(trades, trades, st.integers(1, 2000))
def test_handing_over_at_the_mid_neither_makes_nor_loses_money(ours, theirs, mid_ticks):
    one, other = Account(lot=1.0), Account(lot=1.0)
    for account, side in ((one, ours), (other, theirs)):
        for lots, ticks, fee in side:
            account.trade(lots, float(ticks), fee)
    mid = float(mid_ticks)
    before = one.equity(mid), other.equity(mid), one.inventory + other.inventory
    one.hand_over(other, mid)
    assert one.inventory == 0
    after = one.equity(mid), other.equity(mid), one.inventory + other.inventory
    assert after == pytest.approx(before, abs=1e-6)


def test_drawdown_is_from_the_peak_and_the_daily_loss_from_the_days_start():
    risk = Drawdown()
    risk.start_day(1)
    for equity in (5.0, 3.0):
        risk.mark(equity)
    assert (risk.drawdown, risk.daily_loss) == (2.0, 0.0)
    risk.start_day(2)
    risk.mark(2.0)
    assert (risk.drawdown, risk.daily_loss) == (3.0, 1.0)
    risk.start_day(1)
    assert risk.daily_loss == 1.0


pnl = st.lists(st.integers(-100, 100).map(float), min_size=1, max_size=50)


@given(pnl, st.floats(0.5, 0.99))
def test_the_mean_of_the_worst_is_at_least_the_best_of_them(pnl, confidence):
    assert conditional_value_at_risk(pnl, confidence) >= value_at_risk(pnl, confidence) - 1e-9


@given(pnl)
def test_max_drawdown_is_the_largest_fall_of_the_cumulated_sum(pnl):
    curve = [0.0]
    for value in pnl:
        curve.append(curve[-1] + value)
    falls = [curve[i] - curve[j] for i in range(len(curve)) for j in range(i, len(curve))]
    assert max_drawdown(pnl) == max(falls)


def test_empirical_risk_figures_by_hand():
    pnl = [-10.0, -4.0, *([1.0] * 38)]
    assert value_at_risk(pnl, 0.95) == 4.0
    assert conditional_value_at_risk(pnl, 0.95) == 7.0
    assert profit_factor(pnl) == pytest.approx(38 / 14)
    assert profit_factor([1.0]) is None


def test_normal_risk_of_a_position_has_the_published_values_and_no_sign():
    figures = {"price": 100.0, "sigma_return": 0.02, "horizon": 1.0}
    long = position_value_at_risk(inventory=50.0, **figures)
    assert long == pytest.approx((164.485, 206.271), abs=1e-3)
    assert position_value_at_risk(inventory=-50.0, **figures) == long
    assert not math.isnan(sum(long))
