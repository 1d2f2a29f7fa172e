"""LinearSkew: the rule of the seed, made continuous and able to unwind."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.models import build
from quoting_policy.models.linear_skew import skew
from tests.unit.models.markets import offsets, state

PARAMS = {"baseSpread": 1.0, "inventorySkew": 0.4, "maxInventory": 1000, "qty": 100}


@given(fill=st.floats(-2.0, 2.0), steepening=st.floats(0.0, 3.0))
def test_skew_is_odd_and_opposes_the_position(fill: float, steepening: float) -> None:
    assert skew(-fill, steepening) == -skew(fill, steepening)
    assert skew(fill, steepening) * fill <= 0


def test_skew_has_no_jump_at_seventy_percent_and_grows_to_one_and_a_half() -> None:
    assert skew(0.7 + 1e-9, 0.5) == pytest.approx(skew(0.7, 0.5), abs=1e-8)
    assert skew(0.7, 0.5) == pytest.approx(-0.7)
    assert skew(1.0, 0.5) == pytest.approx(-1.5)
    values = [skew(x / 100, 0.5) for x in range(-100, 101)]
    assert all(a > b for a, b in itertools.pairwise(values))


def test_centre_and_spread_follow_the_formula() -> None:
    quoting = build("LinearSkew", {**PARAMS, "volatilityAdjustment": 2.0, "alphaSkew": 0.5})
    quote = quoting.quote(state(mid=100.0, inventory=500.0, sigma=0.25, alpha=0.2))
    assert quote.reservation == pytest.approx(100.0 - 0.4 * 0.5 + 0.5 * 0.2)
    assert quote.half_spread == pytest.approx(0.5 * (1 + 2.0 * 0.25))


def test_only_the_side_that_adds_shrinks() -> None:
    quote = build("LinearSkew", PARAMS).quote(state(inventory=600.0))
    assert quote.bids[0].qty == pytest.approx(40.0)
    assert quote.asks[0].qty == 100.0


@pytest.mark.parametrize("inventory", [1000.0, 1500.0])
def test_at_and_beyond_the_limit_only_the_reducing_side_is_left(inventory: float) -> None:
    quoting = build("LinearSkew", PARAMS)
    long, short = quoting.quote(state(inventory=inventory)), quoting.quote(state(inventory=-inventory))
    assert (long.bids, short.asks) == ((), ())
    assert long.asks[0].qty == short.bids[0].qty == 100.0


@given(inventory=st.floats(-1000.0, 1000.0), qty=st.floats(1.0, 5000.0))
def test_no_fill_of_the_adding_side_passes_the_limit(inventory: float, qty: float) -> None:
    quote = build("LinearSkew", {**PARAMS, "qty": qty}).quote(state(inventory=inventory))
    if quote.bids and inventory >= 0:
        assert inventory + quote.bids[0].qty <= 1000.0 + 1e-9
    if quote.asks and inventory <= 0:
        assert inventory - quote.asks[0].qty >= -1000.0 - 1e-9


def test_correlated_positions_lean_the_centre_and_leave_sizes_alone() -> None:
    quoting = build("LinearSkew", PARAMS)
    own, shared = quoting.quote(state(inventory=500.0)), quoting.quote(state(correlated_inventory=500.0))
    assert offsets(shared, 1000.0) == pytest.approx(offsets(own, 1000.0))
    assert shared.bids[0].qty == shared.asks[0].qty == 100.0
