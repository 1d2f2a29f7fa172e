"""Each clamp, by example: what it takes away, and under what name."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import msgspec
import pytest

from quoting_policy.clamps import (
    CLAMPS,
    LiveOrders,
    Portfolio,
    Situation,
    Tier,
    apply_limits,
    clamp,
    rows_for,
)
from quoting_policy.domain import Instrument, Level, Limits, MarketState, PortfolioLimits, RawQuote

TICK = 0.5
MARKET = Situation(
    mid=100.0,
    best_bid=99.5,
    best_ask=100.5,
    inventory_high=0.0,
    inventory_low=0.0,
    tick=TICK,
    lot=1.0,
    min_qty_lots=1,
    limits=Limits(),
    data_age_s=0.0,
)
QUOTE = RawQuote(bids=(Level(99.2, 4.9),), asks=(Level(100.7, 4.9),), reservation=100.0)


def levels(side):
    return [(level.price_ticks, level.qty_lots) for level in side]


def clamped(raw=QUOTE, limits=None, **changes):
    now = dataclasses.replace(MARKET, limits=limits or Limits(), **changes)
    quote = clamp(raw, now, rows_for(now.limits, PortfolioLimits()))
    return levels(quote.bids), levels(quote.asks), quote.bound


def long(inventory):
    return {"inventory_high": inventory, "inventory_low": inventory}


BIDS, ASKS = [(198, 4)], [(202, 4)]


def test_without_limits_a_bid_is_rounded_down_an_ask_up_and_sizes_down():
    assert clamped() == (BIDS, ASKS, ())


LOSING = Portfolio(limits=PortfolioLimits(max_drawdown=5, max_daily_loss=5), drawdown=5.0)
RICH = Portfolio(limits=PortfolioLimits(max_gross_notional=1000), gross_notional=800.0)


@pytest.mark.parametrize(
    ("name", "limits", "changes", "bids", "asks"),
    [
        ("position", Limits(max_position=10), long(8.0), [(198, 2)], ASKS),
        ("position", Limits(max_position=10), long(-8.0), BIDS, [(202, 2)]),
        ("position", Limits(max_position=10), long(12.0), [], ASKS),
        ("notional", Limits(max_notional=1000), long(8.0), [(198, 2)], ASKS),
        ("arm_budget", Limits(), {"arm_long": 1.0, "arm_short": 2.0}, [(198, 1)], [(202, 2)]),
        ("drawdown", Limits(max_drawdown=5), {"drawdown": 5.0, **long(3.0)}, [], [(202, 3)]),
        ("drawdown", Limits(max_drawdown=5), {"drawdown": float("nan")}, [], []),
        ("daily_loss", Limits(max_daily_loss=5), {"daily_loss": 6.0, **long(-3.0)}, [(198, 3)], []),
        ("correlation", Limits(max_correlation=0.5), {"correlated_long": True}, [], ASKS),
        ("order_rate", Limits(max_order_rate=1), {"may_send_orders": False}, [], []),
        ("quote_rate", Limits(max_quote_rate=1), {"may_send_quotes": False}, [], []),
        ("zone", Limits(max_position=10, reduce_only_at=0.7), long(7.0), [], ASKS),
        ("max_order_qty", Limits(max_order_qty=3.9), {}, [(198, 3)], [(202, 3)]),
        ("price_band", Limits(price_band=0.005), {}, [], []),
        ("price_band", Limits(price_band=0.01), {}, BIDS, ASKS),
        ("min_spread", Limits(min_spread=3.0), {}, [(197, 4)], [(203, 4)]),
        ("max_spread", Limits(max_spread=1.5), {}, [(198, 4)], [(201, 4)]),
        ("min_qty", Limits(), {"min_qty_lots": 5}, [], []),
        ("post_only", Limits(), {"best_ask": 99.0, "best_bid": 98.5}, [(197, 4)], ASKS),
        ("input", Limits(), {"mid": float("nan")}, [], []),
        ("input", Limits(), {"mid": -5.0}, [], []),
        ("input", Limits(), {"best_bid": 100.5, "best_ask": 100.0}, [], []),
        ("input", Limits(), long(float("inf")), [], []),
        ("data_age", Limits(max_data_age=1), {"data_age_s": 1.1}, [], []),
        ("data_age", Limits(max_data_age=1), {"data_age_s": None}, [], []),
        ("data_age", Limits(max_data_age=1), {"data_age_s": -0.1}, [], []),
    ],
)
def test_a_clamp_takes_away_what_does_not_fit(name, limits, changes, bids, asks):
    got_bids, got_asks, bound = clamped(limits=limits, **changes)
    assert (got_bids, got_asks) == (bids, asks)
    assert bound == (() if (bids, asks) == (BIDS, ASKS) else (name,))


@pytest.mark.parametrize(
    ("name", "portfolio", "bids"),
    [
        ("portfolio_drawdown", LOSING, []),
        ("portfolio_daily_loss", msgspec.structs.replace(LOSING, drawdown=0.0, daily_loss=9.0), []),
        ("gross_notional", RICH, [(198, 2)]),
    ],
)
def test_the_portfolio_has_limits_of_its_own(name, portfolio, bids):
    now = dataclasses.replace(MARKET, portfolio=portfolio)
    quote = clamp(QUOTE, now, rows_for(now.limits, portfolio.limits))
    assert (levels(quote.bids), quote.bound) == (bids, (name,))


def test_live_orders_count_until_they_are_gone_but_not_twice():
    limits = Limits(max_position=10)
    elsewhere = LiveOrders(bids={190: 8}, bid_lots=8)
    here = LiveOrders(bids={198: 8}, bid_lots=8)
    assert clamped(limits=limits, live=elsewhere)[0] == [(198, 2)]
    assert clamped(limits=limits, live=here)[0] == BIDS


def test_orders_that_became_too_much_are_taken_back_worst_price_first():
    raw = RawQuote(bids=(Level(99.0, 4), Level(98.0, 4)), reservation=100)
    live = LiveOrders(bids={198: 4, 196: 4}, bid_lots=8)
    assert clamped(raw, Limits(max_position=10), live=live, **long(5.0))[0] == [(198, 4), (196, 1)]


def test_levels_at_one_tick_become_one_order_and_a_ladder_keeps_its_spacing():
    raw = RawQuote(bids=(Level(100.9, 1), Level(100.6, 2), Level(99.1, 3)), reservation=100)
    assert clamped(raw)[0] == [(200, 3), (197, 3)]


def test_the_tightest_of_all_limits_is_named_alone():
    bids, _, bound = clamped(limits=Limits(max_position=3, max_notional=100, max_order_qty=2))
    assert bids == [(198, 1)]
    assert bound == ("notional", "max_order_qty")


def test_every_limit_has_a_row_and_every_name_is_unique():
    needs = {need.rpartition(".")[2] for row in CLAMPS for need in row.needs}
    assert set(Limits.__struct_fields__) <= needs
    assert len({row.name for row in CLAMPS}) == len(CLAMPS)
    tiers = list(dict.fromkeys(row.tier for row in CLAMPS if row.name != "min_qty"))
    assert tiers == list(Tier)


def test_rows_of_limits_that_are_not_set_are_left_out():
    names = {row.name for row in rows_for(Limits(), PortfolioLimits())}
    assert names == {"input", "min_qty", "arm_budget", "uncrossed", "post_only"}


@pytest.mark.parametrize(
    ("breach", "raw"),
    [
        ("raw_number", RawQuote(bids=(Level(float("nan"), 1),), reservation=100)),
        ("raw_number", RawQuote(bids=(Level(99, -1),), reservation=100)),
        ("raw_price", RawQuote(bids=(Level(69.9, 1),), reservation=100)),
        ("raw_size", RawQuote(bids=(Level(99, 51),), reservation=100)),
        ("raw_crossed", RawQuote(bids=(Level(100, 1),), asks=(Level(100, 1),), reservation=100)),
    ],
)
def test_a_raw_output_far_outside_is_a_breach(breach, raw):
    instrument = Instrument(symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal(1))
    state = MarketState(mid=100.0, best_bid=99.5, best_ask=100.5)
    limits = Limits(price_band=0.1, max_order_qty=5)
    assert apply_limits(raw, state, instrument, limits).breaches == (breach,)
    assert apply_limits(QUOTE, state, instrument, limits).breaches == ()


@pytest.mark.parametrize(
    ("breach", "inventory", "limits"),
    [
        ("position", 11.0, Limits(max_position=10)),
        ("position", -11.0, Limits(max_position=10)),
        ("notional", 11.0, Limits(max_notional=1000)),
    ],
)
def test_a_realised_limit_crossed_is_a_breach_and_one_only_reached_is_not(breach, inventory, limits):
    instrument = Instrument(symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal(1))

    def breaches(inventory):
        state = MarketState(mid=100.0, inventory=inventory)
        return apply_limits(QUOTE, state, instrument, limits).breaches

    assert breaches(inventory) == (breach,)
    assert breaches(inventory * 10 / 11) == ()
