"""The book of a replay, row by row, against plain dictionaries."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.data.rows import ADD, ASK_SIDE, CLEAR, DEPTH, FILL, REDUCE, TRADE
from quoting_policy.sim.grid import apply_rows

BASE, WIDTH = 100, 12
SIDES = st.sampled_from([0, ASK_SIDE])
PRICES = st.integers(BASE - 2, BASE + WIDTH + 1)  # some off the grid
LEVEL_ROWS = st.tuples(st.sampled_from([DEPTH, DEPTH, DEPTH, TRADE, CLEAR]), SIDES, PRICES, st.integers(0, 3))
ORDER_ROWS = st.tuples(st.sampled_from([ADD, ADD, REDUCE, FILL, TRADE]), SIDES, PRICES, st.integers(1, 3))


def played(rows):
    """Book and best prices (ticks, None: none) after all rows."""
    action, side, price, qty = np.array(rows, np.int64).reshape(-1, 4).T
    book, best = np.zeros(2 * WIDTH, np.int64), np.array([-1, WIDTH])
    apply_rows(book, BASE, (action | side).astype("u1"), price.astype("<i4"), qty, best)
    bid, ask = best.tolist()
    return book, BASE + bid if bid >= 0 else None, BASE + ask if ask < WIDTH else None


def flat_book(sides):
    book = np.zeros(2 * WIDTH, np.int64)
    for side, levels in enumerate(sides):
        for price, qty in levels.items():
            book[price - BASE + side * WIDTH] = qty
    return book


@given(st.lists(LEVEL_ROWS, min_size=1, max_size=40))
def test_levels_stand_as_last_told_and_an_older_quote_gives_way_to_a_newer_one(rows):
    sides = ({}, {})
    for count, (action, side, price, qty) in enumerate(rows, start=1):
        mine = sides[side > 0]
        if action == CLEAR:
            mine.clear()
        elif action == DEPTH and BASE <= price < BASE + WIDTH:
            mine[price] = qty
        book, bid, ask = played(rows[:count])
        np.testing.assert_array_equal(book, flat_book(sides))
        assert bid is None or sides[0][bid] > 0
        assert ask is None or sides[1][ask] > 0
        assert bid is None or ask is None or bid < ask
        if action == DEPTH and qty and price in mine:
            best = bid if side == 0 else ask
            assert best is not None
            assert best >= price if side == 0 else best <= price


@given(st.lists(LEVEL_ROWS, max_size=60))
def test_levels_that_never_cross_have_the_outermost_as_best_prices(rows):
    middle = BASE + WIDTH // 2
    apart = [row for row in rows if (row[2] < middle) == (row[1] == 0)]
    sides = ({}, {})
    for action, side, price, qty in apart:
        if action == CLEAR:
            sides[side > 0].clear()
        elif action == DEPTH and BASE <= price < BASE + WIDTH:
            sides[side > 0][price] = qty
    _, bid, ask = played(apart)
    assert bid == max((p for p, q in sides[0].items() if q), default=None)
    assert ask == min((p for p, q in sides[1].items() if q), default=None)


@given(st.lists(ORDER_ROWS, max_size=60))
def test_orders_add_up_and_the_best_prices_are_the_outermost_levels_that_hold_any(rows):
    sides, kept = ({}, {}), []
    for action, side, price, qty in rows:
        mine = sides[side > 0]
        inside = BASE <= price < BASE + WIDTH
        if action in (REDUCE, FILL) and (not inside or mine.get(price, 0) < qty):
            continue  # a tape takes from an order only what it has
        kept.append((action, side, price, qty))
        if inside and action != TRADE:
            mine[price] = mine.get(price, 0) + (qty if action == ADD else -qty)
    book, bid, ask = played(kept)
    np.testing.assert_array_equal(book, flat_book(sides))
    assert bid == max((p for p, q in sides[0].items() if q), default=None)
    assert ask == min((p for p, q in sides[1].items() if q), default=None)
