"""Whatever happens in whatever order, nothing outside a hard limit leaves the engine."""

from __future__ import annotations

import dataclasses
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quoting_policy.clamps import ClampedQuote
from quoting_policy.domain import (
    Arm,
    Fill,
    KillAction,
    Level,
    Limits,
    LiveOrder,
    MarketState,
    PublicTrade,
    RawQuote,
    Side,
    Stage,
)
from quoting_policy.errors import InputError
from tests.unit.clamps.oracle import violations
from tests.unit.engine.desk import SCRIPTED, Desk, ScriptedModel

wild = st.floats() | st.sampled_from([0.0, -1.0, math.nan, math.inf, -math.inf, 1e-300, 1e300])
price = st.floats(90, 110) | wild
levels = st.lists(st.builds(Level, price, st.floats(0, 30) | wild), max_size=3).map(tuple)
outputs = st.one_of(
    st.builds(RawQuote, bids=levels, asks=levels, reservation=price),
    st.sampled_from([None, "nonsense", 3.0, ZeroDivisionError("boom")]),
)
markets = st.builds(
    MarketState,
    mid=price,
    best_bid=st.none() | price,
    best_ask=st.none() | price,
    inventory=st.integers(-15, 15).map(float) | wild,
)
sides = st.sampled_from(Side)
arms = st.sampled_from(Arm)
ids = st.sampled_from("abcdef")
orders = st.builds(
    LiveOrder,
    order_id=ids,
    side=sides,
    price_ticks=st.integers(-5, 400),
    qty_lots=st.integers(-1, 8),
    placed_ns=st.integers(0, 10**15),
    arm=arms,
)
fills = st.builds(
    Fill,
    order_id=ids,
    ts_ns=st.integers(),
    side=sides,
    price_ticks=st.integers(-5, 400),
    qty_lots=st.integers(-1, 8),
    mid_before=price,
    fee=st.floats(-1, 1) | wild,
)
events = st.one_of(
    st.tuples(st.just("ask"), markets, outputs),
    st.tuples(st.just("ask"), markets, outputs),
    st.tuples(st.just("market"), markets),
    st.tuples(st.just("order"), orders),
    st.tuples(st.just("closed"), ids),
    st.tuples(st.just("fill"), fills),
    st.tuples(st.just("position"), st.integers(-15, 15).map(float) | wild),
    st.tuples(st.just("trade"), st.builds(PublicTrade, st.integers(1, 400), st.floats(0, 50), st.booleans())),
    st.tuples(st.just("time"), st.floats(-100, 100), st.floats(-100, 100)),
    st.tuples(st.just("allow"), st.sampled_from(Stage), st.sampled_from([0.0, 20.0, 50.0, 100.0])),
    st.tuples(st.just("kill"), st.sampled_from(KillAction)),
    st.tuples(st.just("release")),
)
LIMITS = Limits(
    max_position=10,
    max_notional=900,
    max_order_qty=4,
    max_drawdown=50,
    max_daily_loss=50,
    max_order_rate=5,
    max_quote_rate=5,
    min_spread=1.0,
    max_spread=12.0,
    price_band=0.1,
    reduce_only_at=0.8,
    max_data_age=60,
)


def play(desk: Desk, event: tuple) -> None:
    kind, *rest = event
    try:
        match kind:
            case "market":
                desk.engine.market("X", rest[0], **desk.clock)
            case "order":
                desk.engine.order("X", rest[0], now_ns=desk.now_ns)
            case "closed":
                desk.engine.order_closed("X", rest[0])
            case "fill":
                desk.fill(rest[0])
            case "position":
                desk.engine.position("X", rest[0])
            case "trade":
                desk.engine.trade("X", rest[0], **desk.clock)
            case "time":
                desk.now_ns += round(rest[0] * 1e9)
                desk.wall_ns += round(rest[1] * 1e9)
            case "allow":
                desk.allow(*rest, block_length_s=60.0, washout_s=2.0)
            case "kill":
                desk.kill(rest[0])
            case "release":
                desk.engine.release(desk.digest, now_ns=desk.now_ns)
    except InputError:
        pass  # refused with a reason is what bad input deserves


def answer_with(output):
    def script(_state):
        if isinstance(output, Exception):
            raise output
        return output

    return staticmethod(script)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, min_size=1, max_size=40))
def test_no_sequence_of_events_gives_a_quote_outside_a_hard_limit(sequence):
    desk = Desk(candidate=SCRIPTED, limits=LIMITS)
    for event in sequence:
        if event[0] != "ask":
            play(desk, event)
            continue
        ScriptedModel.script = answer_with(event[2])
        decision = desk.ask(event[1])
        book = desk.engine.books["X"]
        quote = ClampedQuote(bids=decision.bids, asks=decision.asks)
        if not (decision.bids or decision.asks):
            continue
        assert not violations(quote, dataclasses.replace(book.situation, limits=book.whole.limits))
        assert not violations(quote, book.situation)
        ledger = book.ledger
        parts = [track.account for track in ledger.arms.values()] + [ledger.washout]
        assert math.isclose(sum(a.inventory for a in parts), ledger.total.inventory, abs_tol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(events, min_size=1, max_size=30))
def test_the_candidate_never_answers_without_leave(sequence):
    desk = Desk(candidate=SCRIPTED, limits=LIMITS)
    for event in sequence:
        if event[0] != "ask":
            play(desk, event)
            continue
        ScriptedModel.script = answer_with(event[2])
        control = desk.engine.control
        leave = (
            control.kill.action is KillAction.NONE
            and control.latch.held(desk.digest) is None
            and control.stage(desk.now_ns) in (Stage.CANARY, Stage.LIVE)
        )
        if desk.ask(event[1]).arm is Arm.CANDIDATE:
            assert leave
