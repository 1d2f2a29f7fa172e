"""Imbalance and weighted mid."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.signals.book import imbalance, order_book_imbalance, weighted_mid

quantities = st.floats(0.0, 1e6)


def test_reference_book() -> None:
    assert imbalance(300, 100) == 0.75
    assert order_book_imbalance(300, 100) == 0.5
    assert weighted_mid(99.99, 100.01, 300, 100) == pytest.approx(100.005)


@given(bid=st.floats(1.0, 1e6), spread=st.floats(0.0, 100.0), bid_qty=quantities, ask_qty=quantities)
def test_the_weighted_mid_lies_between_bid_and_ask_and_mirrors(
    bid: float, spread: float, bid_qty: float, ask_qty: float
) -> None:
    found = weighted_mid(bid, bid + spread, bid_qty, ask_qty)
    if bid_qty + ask_qty == 0:
        assert found is None
        return
    assert found is not None
    assert bid <= found <= bid + spread
    mirrored = weighted_mid(bid, bid + spread, ask_qty, bid_qty)
    assert mirrored == pytest.approx(2 * bid + spread - found, rel=1e-9)


@pytest.mark.parametrize(
    ("bid_qty", "ask_qty"), [(0, 0), (-1, 2), (math.nan, 1), (1, math.nan), (math.inf, 1)]
)
def test_sizes_that_say_nothing_are_no_signal(bid_qty: float, ask_qty: float) -> None:
    assert imbalance(bid_qty, ask_qty) is None
    assert order_book_imbalance(bid_qty, ask_qty) is None
    assert weighted_mid(99, 101, bid_qty, ask_qty) is None


@pytest.mark.parametrize(("bid", "ask"), [(math.nan, 100), (99, math.inf), (101, 99)])
def test_prices_that_make_no_book_are_no_signal(bid: float, ask: float) -> None:
    assert weighted_mid(bid, ask, 1, 1) is None
