"""The book keeps price-time priority, against a plain list that anyone can check."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.sim.layout import BUY, SELL
from quoting_policy.sim.orderbook import Fill, OrderBook

PRICES = st.integers(95, 105)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from([0, 1]), PRICES, st.integers(1, 9)),
        st.tuples(st.just("cancel"), st.integers(0, 30), st.integers(1, 9), st.just(0)),
    ),
    max_size=40,
)


class PlainBook:
    """Orders in a list, searched from end to end."""

    def __init__(self):
        self.resting, self.count = [], 0  # [number, side, price, left]

    def submit(self, side, price, qty):
        fills = []
        while qty:
            others = [
                o for o in self.resting if o[1] != side and (o[2] <= price if side == BUY else o[2] >= price)
            ]
            if not others:
                break
            best = min(others, key=lambda o: ((o[2] if side == BUY else -o[2]), o[0]))
            taken = min(qty, best[3])
            fills.append(Fill(best[0], best[2], taken))
            best[3] -= taken
            qty -= taken
            self.resting = [o for o in self.resting if o[3]]
        if not qty:
            return None, fills
        self.resting.append([self.count, side, price, qty])
        self.count += 1
        return self.count - 1, fills

    def cancel(self, number, qty):
        for o in self.resting:
            if o[0] == number:
                taken = min(qty, o[3])
                o[3] -= taken
                self.resting = [r for r in self.resting if r[3]]
                return taken
        return 0

    def queue(self, side, price):
        return [(o[0], o[3]) for o in self.resting if o[1] == side and o[2] == price]


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_book_does_what_a_plain_list_does(steps):
    book, plain = OrderBook(low=90, high=110, capacity=200), PlainBook()
    for step, *values in steps:
        if step == "submit":
            assert book.submit(*values) == plain.submit(*values)
        else:
            assert book.cancel(values[0], values[1]) == plain.cancel(values[0], values[1])
        for side in (BUY, SELL):
            for price in range(95, 106):
                queue = plain.queue(side, price)
                assert book.queue(side, price) == queue
                for k, (number, _) in enumerate(queue):
                    assert book.queue_ahead(number) == sum(left for _, left in queue[:k])
            depth = {p: sum(q for _, q in plain.queue(side, p)) for p in range(95, 106)}
            assert dict(book.depth(side, 20)) == {p: q for p, q in depth.items() if q}


def test_depth_falls_at_the_cancel():
    book = OrderBook(low=90, high=110)
    order, _ = book.submit(BUY, 100, 5)
    book.submit(BUY, 99, 2)
    assert book.cancel(order) == 5
    assert (book.bid, book.depth(BUY, 5)) == (99, [(99, 2)])
    assert book.cancel(order) == 0


def test_imbalance_is_the_bids_share_of_the_best_sizes():
    book = OrderBook(low=90, high=110)
    assert book.imbalance != book.imbalance
    book.submit(BUY, 99, 300)
    book.submit(SELL, 101, 100)
    assert book.imbalance == 0.75


def test_orders_off_the_grid_are_refused():
    with pytest.raises(InputError, match="price"):
        OrderBook(low=90, high=110).submit(BUY, 111, 1)
