"""Micro-price: the paper's recursion against simulation, symmetry, empty states."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.signals.microprice import Book, MicroPrice


def book(share: float, ticks: int = 1, mid: float = 100.0) -> Book:
    return Book(mid - 0.005 * ticks, mid + 0.005 * ticks, share * 100, (1 - share) * 100)


def walked(steps: int, seed: int = 0, buckets: int = 4) -> tuple[MicroPrice, np.random.Generator]:
    """A market in which the mid moves towards the heavier side with the chance that the imbalance says."""
    rng = np.random.default_rng(seed)
    signal, mid = MicroPrice(0.01, buckets=buckets, spreads=1), 100.0
    for _ in range(steps):
        share = rng.uniform(0.01, 0.99)
        signal.update(book(share, mid=mid))
        if rng.random() < 0.2:
            mid += 0.01 if rng.random() < share else -0.01
    return signal, rng


def test_rows_of_staying_and_moving_sum_to_one() -> None:
    signal, _ = walked(5000)
    stay, moves, jumps, known = signal.transitions()
    assert known.all()
    assert (stay.sum(axis=1) + moves.sum(axis=1)) == pytest.approx(np.ones(len(known)))
    assert jumps.sum(axis=1) == pytest.approx(moves.sum(axis=1))


@settings(max_examples=10)
@given(seed=st.integers(0, 100))
def test_the_adjustment_is_odd_in_the_imbalance_and_rises_with_it(seed: int) -> None:
    signal, _ = walked(4000, seed)
    table = signal.fit()
    assert table is not None
    assert table.adjustment == pytest.approx(-table.adjustment[::-1], abs=1e-12)
    assert (np.diff(table.adjustment) > 0).all()


def test_it_is_the_expected_move_of_a_known_chain() -> None:
    """Imbalance drawn afresh each step: only the first move counts, and it is 2Ī - 1 ticks on average.

    In state bucket [I₁, I₂) the next step moves with 0.2 by ±1 tick; later imbalances are independent of it,
    so their moves cancel by symmetry: G* = 0.2·(2Ī - 1)·tick.
    """
    signal, _ = walked(400_000)
    table = signal.fit()
    assert table is not None
    centres = np.array([0.125, 0.375, 0.625, 0.875])
    assert table.adjustment == pytest.approx(0.2 * (2 * centres - 1) * 0.01, abs=2e-4 * 0.2)


def test_the_price_is_the_mid_plus_the_adjustment_of_its_state() -> None:
    signal, _ = walked(3000)
    table = signal.fit()
    assert table is not None
    found = signal.price(table, book(0.9, mid=50.0))
    assert found == (pytest.approx(50.0 + table.adjustment[3]), True)


def test_a_state_without_moves_is_the_mid_and_flagged() -> None:
    signal = MicroPrice(0.01, buckets=4, spreads=2)
    for mid in (100.0, 100.01, 100.0):
        signal.update(book(0.9, mid=mid))
    table = signal.fit()
    assert table is not None
    assert signal.price(table, book(0.6)) == (100.0, False)
    known = signal.price(table, book(0.9))
    assert known is not None
    assert known[1]


def test_without_any_move_there_is_no_table() -> None:
    signal = MicroPrice(0.01)
    for share in (0.1, 0.6, 0.9):
        signal.update(book(share))
    assert signal.fit() is None


@pytest.mark.parametrize(
    "bad",
    [
        book(0.5, ticks=0),
        book(0.5, ticks=-1),
        Book(99, 100, 0, 0),
        Book(math.nan, 100, 1, 1),
        Book(99, math.inf, 1, 1),
    ],
)
def test_a_book_without_a_state_breaks_the_chain(bad: Book) -> None:
    signal = MicroPrice(0.01, buckets=2)
    signal.update(book(0.9, mid=100.0))
    signal.update(bad)
    signal.update(book(0.9, mid=100.01))
    assert signal.state(bad) is None
    assert signal.fit() is None


def test_streaming_is_the_same_whatever_the_pauses() -> None:
    """Counts only: feeding in pieces is feeding at once."""
    one, _ = walked(500)
    again, _ = walked(500)
    assert [x.tolist() for x in one.transitions()] == [x.tolist() for x in again.transitions()]


def test_the_number_of_states_is_bounded() -> None:
    with pytest.raises(InputError, match="1100"):
        MicroPrice(0.01, buckets=100, spreads=11)


@pytest.mark.parametrize("tick", [0.0, -1.0, math.nan])
def test_a_tick_must_be_a_price(tick: float) -> None:
    with pytest.raises(InputError, match="tick"):
        MicroPrice(tick)
