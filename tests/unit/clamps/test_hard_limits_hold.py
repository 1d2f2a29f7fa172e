"""Whatever comes in, nothing that leaves the clamps is outside a hard limit."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from quoting_policy.clamps import ClampedQuote, Situation, apply_limits, clamp, raw_breaches, rows_for
from quoting_policy.clamps.breaches import DEFAULT_THRESHOLDS, realised_breaches
from quoting_policy.clamps.envelope import Envelope
from quoting_policy.clamps.situation import NO_ORDERS
from quoting_policy.domain import Instrument, Level, Limits, MarketState, PortfolioLimits, RawQuote
from tests.unit.clamps.oracle import violations
from tests.unit.clamps.strategies import (
    calm_situations,
    limits,
    near_quotes,
    raw_quotes,
    sane_price,
    situations,
)

NO_PORTFOLIO_LIMITS = PortfolioLimits()
generously = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def clamped(raw: RawQuote, now: Situation) -> ClampedQuote:
    return clamp(raw, now, rows_for(now.limits, NO_PORTFOLIO_LIMITS))


def again(quote: ClampedQuote, now: Situation) -> RawQuote:
    def side(levels):
        return tuple(Level(level.price_ticks * now.tick, level.qty_lots) for level in levels)

    return RawQuote(bids=side(quote.bids), asks=side(quote.asks), reservation=now.mid)


@generously
@given(raw_quotes(), situations())
def test_no_input_and_no_model_output_gives_a_quote_outside_a_hard_limit(raw, now):
    quote = clamped(raw, now)
    if quote.bids or quote.asks:
        assert not violations(quote, now)


@generously
@given(raw_quotes(sane_price, st.floats(0.5, 30)), situations(sane_price, st.integers(-50, 50).map(float)))
def test_a_sane_market_gives_no_quote_outside_a_hard_limit_either(raw, now):
    assert not violations(clamped(raw, now), now)


@generously
@given(raw_quotes(sane_price, st.floats(0.5, 30)), situations(sane_price, st.integers(-50, 50).map(float)))
def test_clamping_a_clamped_quote_changes_nothing(raw, now):
    once = clamped(raw, now)
    twice = clamped(again(once, now), now)
    assert (twice.bids, twice.asks) == (once.bids, once.asks)


@generously
@given(
    raw_quotes(sane_price, st.floats(0.5, 30)),
    situations(sane_price, st.integers(-50, 50).map(float)),
    limits,
)
def test_adding_limits_never_loosens_one_that_was_there(raw, now, more):
    tightened = dataclasses.replace(now, limits=now.limits.tightened_by(more))
    quote = clamped(raw, tightened)
    # A smallest spread above the widest wins over it: then the widest is not what was asked for.
    narrow, wide = tightened.limits.min_spread, tightened.limits.max_spread
    assume(narrow is None or wide is None or narrow + now.tick <= wide)
    assert not violations(quote, now)


@generously
@given(
    raw_quotes(sane_price, st.floats(0.5, 30)),
    situations(sane_price, st.integers(-50, 50).map(float)),
    st.floats(0, 30),
    st.sampled_from(["max_position", "max_notional", "max_order_qty"]),
)
def test_a_tighter_quantity_limit_never_enlarges_a_side(raw, now, value, field):
    loose = clamped(raw, now)
    tightened = now.limits.tightened_by(Limits(**{field: value}))
    tight = clamped(raw, dataclasses.replace(now, limits=tightened))
    for before, after in ((loose.bids, tight.bids), (loose.asks, tight.asks)):
        assert sum(level.qty_lots for level in after) <= sum(level.qty_lots for level in before)


@settings(max_examples=1000, deadline=None)
@given(near_quotes(), calm_situations())
def test_the_common_case_in_one_pass_says_what_the_table_says(raw, now):
    sides = Envelope(now.limits, NO_PORTFOLIO_LIMITS, now.tick, now.min_qty_lots).untouched(raw, now)
    if sides is not None:
        quote = clamped(raw, now)
        assert sides == (quote.bids, quote.asks)
        assert quote.bound == ()
        assert raw_breaches(raw, now.mid, now.limits, DEFAULT_THRESHOLDS) == ()
        assert realised_breaches(now) == ()


@generously
@given(raw_quotes(), situations())
def test_the_common_case_is_never_taken_for_wild_input(raw, now):
    sides = Envelope(now.limits, NO_PORTFOLIO_LIMITS, now.tick, now.min_qty_lots).untouched(raw, now)
    if sides is not None:
        quote = clamped(raw, now)
        assert (*sides, ()) == (quote.bids, quote.asks, quote.bound)


@pytest.mark.parametrize(("inventory", "qty"), [(1e300, 1.0), (-1e300, 1.0), (0.0, 1e300)])
def test_without_any_limit_a_size_that_no_market_has_is_no_common_case(inventory, qty):
    state = MarketState(mid=100.0, best_bid=99.0, best_ask=101.0, inventory=inventory)
    now = Situation.of(state, Instrument(symbol="X", tick_size=Decimal(1), lot_size=Decimal(1)), Limits())
    raw = RawQuote(bids=(Level(99.0, qty),), asks=(Level(101.0, qty),), reservation=100.0)
    assert Envelope(now.limits, NO_PORTFOLIO_LIMITS, now.tick, now.min_qty_lots).untouched(raw, now) is None


def test_a_market_off_the_grid_is_given_a_whole_tick_in_one_pass_too():
    now = Situation.of(
        MarketState(mid=100.0, best_bid=99.5, best_ask=101.0),
        Instrument(symbol="X", tick_size=Decimal(1), lot_size=Decimal(1)),
        Limits(),
    )
    raw = RawQuote(bids=(Level(97.0, 1),), asks=(Level(100.0, 1),), reservation=100.0)
    assert Envelope(now.limits, NO_PORTFOLIO_LIMITS, now.tick, now.min_qty_lots).untouched(raw, now) is None
    assert [level.price_ticks for level in clamped(raw, now).asks] == [101]


@generously
@given(st.floats(99.0, 99.9), st.floats(100.1, 101.0), st.integers(1, 4), calm_situations())
def test_the_common_case_is_common(bid, ask, qty, now):
    roomy = dataclasses.replace(
        now,
        limits=Limits(max_position=100, max_spread=50, price_band=0.5),
        live=NO_ORDERS,
        arm_long=None,
        arm_short=None,
        correlated_long=False,
        correlated_short=False,
        may_send_orders=True,
    )
    raw = RawQuote(bids=(Level(bid, qty + 1),), asks=(Level(ask, qty + 1),), reservation=100)
    sides = Envelope(roomy.limits, NO_PORTFOLIO_LIMITS, roomy.tick, roomy.min_qty_lots).untouched(raw, roomy)
    quote = clamped(raw, roomy)
    assert (sides is None) == bool(quote.bound)


@generously
@given(raw_quotes(), st.floats(), st.floats(), limits)
def test_apply_limits_never_raises(raw, mid, inventory, limit):
    instrument = Instrument(symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    quote = apply_limits(raw, MarketState(mid=mid, inventory=inventory), instrument, limit)
    if not (0 < mid < math.inf and math.isfinite(inventory)):
        assert (quote.bids, quote.asks) == ((), ())
