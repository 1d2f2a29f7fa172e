"""Own orders in a recorded market: queue, latency, races, fees; the same whatever the steps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.data.rows import ADD, ASK_SIDE, DEPTH, FILL, REDUCE, TRADE
from quoting_policy.data.tape import Facts, Tape, receipt_order, traded_range
from quoting_policy.errors import InputError
from quoting_policy.sim.conditions import Fees, Venue
from quoting_policy.sim.flow import SCENARIOS, generate
from quoting_policy.sim.latency import ConstantLatency, LogNormalLatency, RecordedLatency, UniformLatency
from quoting_policy.sim.layout import BUY, SELL
from quoting_policy.sim.queue import Conservative, LogProbability, PowerProbability, advance
from quoting_policy.sim.replay import Replay

MS = 1_000_000
BID, ASK = 0, ASK_SIDE


def tape_of(rows, *, level=2, lot=1, sessions=(), latency=0):
    """A tape from rows of (ms, action, side bit, tick, units[, order])."""
    table = np.array([(*row, -1)[:6] for row in rows], np.int64).T
    time = table[0] * MS
    code, price = (table[1] | table[2]).astype("u1"), table[3].astype("<i4")
    facts = Facts(
        venue="v", symbol="s", level=level, tick_size="0.5", qty_unit="1", lot=lot,
        sessions=tuple((a * MS, b * MS) for a, b in sessions), **traded_range(code, price),
    )  # fmt: skip
    order = table[5].astype("<i4") if level == 3 else np.zeros(0, "<i4")
    local = time + latency * MS
    return Tape(facts, time, local, code, price, table[4], order, receipt_order(local))


def replay_of(rows, *, latency=(1, 1), queue=None, fees=None, partial_fills=True, **options):
    venue = Venue(
        latency=ConstantLatency(latency[0] * MS, latency[1] * MS), queue=queue or Conservative(),
        fees=fees or Fees(), partial_fills=partial_fills,
    )  # fmt: skip
    return Replay(tape_of(rows, **options), venue=venue)


BOOK = [(0, DEPTH, BID, 100, 60), (0, DEPTH, ASK, 102, 40)]
END = (1_000, DEPTH, BID, 90, 1)


def run_until(replay, ms):
    replay.elapse(ms * MS - replay.now)


def fills(replay):
    return [(int(f["exch_ns"]) // MS, int(f["side"]), int(f["price"]), int(f["qty"])) for f in replay.fills]


@pytest.mark.parametrize(("traded", "front"), [(0, 46.153846), (5, 46.014851)])
def test_the_queue_moves_as_the_published_numbers_say(traded, front):
    assert advance(1, 2.0, 1.0, 60.0 - traded, traded, 100.0, 80.0) == pytest.approx(front, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 2e3), st.integers(0, 5))
def test_the_queue_ahead_never_grows_nor_passes_the_level(front, back, now, model):
    after = advance(model, 2.0, 1.0, front, 0.0, front + back, now)
    assert after <= min(front, now) + 1e-6


def test_an_order_fills_when_prints_have_eaten_the_queue():
    replay = replay_of([*BOOK, (50, TRADE, BID, 100, 50), (60, TRADE, BID, 100, 15), END])
    run_until(replay, 10)
    order = replay.submit(BUY, 100, 8)
    run_until(replay, 55)
    assert replay.queue_ahead(order) == 10
    run_until(replay, 100)
    assert fills(replay) == [(60, BUY, 100, 5)]
    assert (replay.order(order).left, replay.view().position, replay.view().cash) == (3, 5, -500)


def test_without_partial_fills_one_unit_past_the_queue_fills_all():
    replay = replay_of([*BOOK, (60, TRADE, BID, 100, 61), END], partial_fills=False)
    run_until(replay, 10)
    replay.submit(BUY, 100, 8)
    run_until(replay, 100)
    assert fills(replay) == [(60, BUY, 100, 8)]


def test_a_cancel_ahead_counts_for_a_probability_model_and_not_for_the_conservative_one():
    rows = [*BOOK, (20, DEPTH, BID, 100, 100), (30, DEPTH, BID, 100, 80), END]
    ahead = {}
    for model in (Conservative(), PowerProbability(2.0)):
        replay = replay_of(rows, queue=model)
        run_until(replay, 10)
        order = replay.submit(BUY, 100, 5)
        run_until(replay, 40)
        ahead[model.code] = replay.queue_ahead(order)
    assert ahead == {0: 60, 1: pytest.approx(46.153846, abs=1e-6)}


def test_a_print_through_the_price_fills_all():
    replay = replay_of([*BOOK, (50, TRADE, BID, 99, 1), END])
    run_until(replay, 10)
    replay.submit(BUY, 100, 8)
    run_until(replay, 100)
    assert fills(replay) == [(50, BUY, 100, 8)]


def test_a_post_only_order_that_would_take_is_rejected_and_another_takes():
    replay = replay_of([*BOOK, END], fees=Fees(taker_rate=0.01, maker_rate=-0.001))
    run_until(replay, 10)
    shy, bold = replay.submit(BUY, 102, 5), replay.submit(BUY, 102, 50, post_only=False)
    run_until(replay, 20)
    assert replay.order(shy).outcome == "post-only would take"
    assert fills(replay) == [(11, BUY, 102, 40)]
    assert replay.order(bold).left == 10
    assert replay.view().fees == pytest.approx(0.01 * 102 * 40)


def test_maker_fills_pay_the_maker_fee():
    replay = replay_of(
        [*BOOK, (50, TRADE, ASK, 103, 1), END], fees=Fees(maker_rate=-0.001, maker_per_unit=0.05)
    )
    run_until(replay, 10)
    replay.submit(SELL, 102, 10)
    run_until(replay, 100)
    assert replay.view().fees == pytest.approx(-0.001 * 102 * 10 + 0.05 / 0.5 * 10)
    assert replay.equity(102.0) == pytest.approx(-replay.view().fees)


def test_a_fill_beats_a_cancel_that_is_still_on_its_way():
    replay = replay_of([*BOOK, (50, TRADE, BID, 99, 1), END], latency=(5, 5))
    run_until(replay, 10)
    order = replay.submit(BUY, 100, 8)
    run_until(replay, 48)
    assert replay.cancel(order)
    run_until(replay, 70)
    assert fills(replay) == [(50, BUY, 100, 8)]
    assert replay.counts() == {"cancelled": 0, "fills": 1, "refused": 1, "rejected": 0, "submitted": 1}


def test_the_trader_learns_of_things_only_after_the_latency():
    replay = replay_of(
        [*BOOK, (50, TRADE, BID, 99, 1), END],
        latency=(5, 7),
    )
    run_until(replay, 10)
    order = replay.submit(BUY, 100, 8)
    run_until(replay, 21)
    assert replay.order(order).status == "in flight"
    run_until(replay, 22)
    assert replay.order(order).status == "live"
    run_until(replay, 56)
    assert (replay.view().position, len(replay.fills), len(replay.new_fills())) == (0, 1, 0)
    run_until(replay, 57)
    assert (replay.view().position, len(replay.new_fills())) == (8, 1)


def test_the_feed_is_seen_after_its_own_latency():
    replay = replay_of([*BOOK, (50, DEPTH, BID, 101, 5), END], latency=(1, 1))
    slow = Replay(tape_of([*BOOK, (50, DEPTH, BID, 101, 5), END], latency=30))
    for one in (replay, slow):
        run_until(one, 60)
    assert (replay.view().bid, slow.view().bid) == (101, 100)


def test_a_fill_can_wake_the_trader():
    replay = replay_of([*BOOK, (50, TRADE, BID, 99, 1), END], latency=(1, 4))
    run_until(replay, 10)
    replay.submit(BUY, 100, 8)
    replay.elapse(500 * MS, wake_on_fill=True)
    assert replay.now == 54 * MS
    replay.elapse(100 * MS, wake_on_fill=True)
    assert replay.now == 154 * MS


def test_an_amend_keeps_the_place_only_when_it_shrinks_at_the_same_price():
    rows = [*BOOK, (30, DEPTH, BID, 100, 90), END]
    replay = replay_of(rows)
    run_until(replay, 10)
    order = replay.submit(BUY, 100, 8)
    run_until(replay, 40)
    replay.amend(order, 100, 5)
    run_until(replay, 50)
    assert (replay.queue_ahead(order), replay.order(order).left) == (60, 5)
    replay.amend(order, 100, 6)
    run_until(replay, 60)
    assert (replay.queue_ahead(order), replay.order(order).left) == (90, 6)


def test_outside_sessions_orders_are_rejected_and_at_the_end_they_expire():
    replay = replay_of([*BOOK, END], sessions=((100, 200),))
    run_until(replay, 10)
    early = replay.submit(BUY, 100, 1)
    run_until(replay, 120)
    resting = replay.submit(BUY, 100, 1)
    run_until(replay, 300)
    assert replay.order(early).outcome == "market closed"
    assert replay.order(resting).outcome == "session over"


ORDERS = [
    (0, ADD, BID, 100, 30, 0), (0, ADD, ASK, 102, 30, 1), (5, ADD, BID, 100, 10, 2),
    (20, ADD, BID, 100, 50, 3), (30, REDUCE, BID, 100, 10, 2), (35, REDUCE, BID, 100, 5, 3),
    (40, FILL, BID, 100, 30, 0), (50, FILL, BID, 100, 45, 3), (1_000, ADD, BID, 90, 1, 4),
]  # fmt: skip


def test_order_by_order_the_queue_position_is_exact():
    replay = replay_of(ORDERS, level=3)
    run_until(replay, 10)
    order = replay.submit(BUY, 100, 12)
    seen = []
    for ms in (25, 32, 37, 45):
        run_until(replay, ms)
        seen.append(replay.queue_ahead(order))
    assert seen == [40, 30, 30, 0]
    run_until(replay, 60)
    assert fills(replay) == [(50, BUY, 100, 12)]


def quote_by_numbers(tape, cuts, numbers, venue):
    """Quote at fixed moments, cut into steps however; returns fills and end state."""
    replay = Replay(tape, venue=venue, seed=7)
    replay.elapse(1)
    for choice in numbers:
        view = replay.view()
        for order in view.orders:
            replay.cancel(order.id)
        if view.bid is not None and view.ask is not None:
            replay.submit(BUY, view.bid - choice, 2)
            replay.submit(SELL, view.ask + choice, 2)
        left = 500 * MS
        for share in cuts:
            part = min(left - 1, int(left * share))
            if part > 0:
                replay.elapse(part)
                left -= part
        replay.elapse(left)
    return replay.fills.tolist(), replay.view()


@pytest.fixture(scope="module")
def market():
    return generate(SCENARIOS["hawkes"], seconds=15, seed=3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 0.9), max_size=6), st.lists(st.integers(0, 2), min_size=5, max_size=25))
def test_results_do_not_depend_on_how_time_is_cut(market, cuts, numbers):
    venue = Venue(latency=UniformLatency(3 * MS, 60 * MS))
    assert quote_by_numbers(market, cuts, numbers, venue) == quote_by_numbers(market, [], numbers, venue)


def test_a_market_seen_as_it_happens_is_replayed_the_same_with_one_book_or_with_two(market):
    """A last row that arrives later than it was produced makes the trader keep a book of his own."""
    local = market.local_ns.copy()
    local[-1] += 1
    late = dataclasses.replace(market, local_ns=local)
    numbers = [0, 1, 2] * 8
    venue = Venue(latency=UniformLatency(3 * MS, 60 * MS))
    assert quote_by_numbers(late, [0.3], numbers, venue) == quote_by_numbers(market, [0.3], numbers, venue)


def test_two_arms_meet_the_same_delays_at_the_same_moments(market):
    delays = []
    for extra in (0, 3):
        replay = Replay(market, venue=Venue(latency=LogNormalLatency(5 * MS, 5 * MS, 0.8)), seed=2)
        replay.elapse(2_000 * MS)
        for _ in range(extra):  # the other arm sends more orders
            replay.submit(BUY, 9_900, 1)
        replay.elapse(1_000 * MS)
        order = replay.submit(BUY, 9_900, 1)
        sent = replay.now
        while replay.order(order).status == "in flight":
            replay.elapse(MS // 10)
        delays.append(replay.now - sent)
    assert delays[0] == delays[1]


def test_recorded_latency_is_linear_between_measurements():
    measured = RecordedLatency(*np.array([[0, 100 * MS], [10 * MS, 30 * MS], [0, 0]]))
    replay = Replay(tape_of([*BOOK, (200, DEPTH, BID, 90, 1)]), venue=Venue(latency=measured))
    run_until(replay, 50)
    order = replay.submit(BUY, 100, 1)
    run_until(replay, 69)
    assert replay.order(order).status == "in flight"
    run_until(replay, 70)
    assert replay.order(order).status == "live"


def test_no_money_and_no_lots_are_lost(market):
    replay = Replay(market, venue=Venue(queue=LogProbability(), fees=Fees(maker_rate=0.001)))
    while replay.elapse(200 * MS):
        view = replay.view()
        for order in view.orders:
            replay.cancel(order.id)
        if view.bid is not None and view.ask is not None:
            replay.submit(BUY, view.bid, 3)
            replay.submit(SELL, view.ask, 3)
    replay.elapse(10_000 * MS)
    signed = np.where(replay.fills["side"] == BUY, 1, -1) * replay.fills["qty"]
    view = replay.view()
    assert len(replay.fills) > 10
    assert view.position == signed.sum()
    assert view.cash == -(signed * replay.fills["price"]).sum()
    assert view.fees == pytest.approx(replay.fills["fee"].sum())


@pytest.mark.parametrize(
    ("call", "field"),
    [(lambda r: r.submit(BUY, 100, 0), "qty"), (lambda r: r.submit(BUY, 100, 15), "qty"),
    (lambda r: r.submit(2, 100, 10), "side"),
     (lambda r: r.elapse(0), "duration_ns"), (lambda r: r.order(77), "order_id")],
)  # fmt: skip
def test_bad_calls_are_refused_by_name(call, field):
    with pytest.raises(InputError, match=field):
        call(replay_of([*BOOK, END], lot=10))
