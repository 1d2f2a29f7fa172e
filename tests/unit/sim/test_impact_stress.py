"""Impact formulas keep their identities; a stressed tape does what its name says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.data.aggregate import aggregate
from quoting_policy.data.check import best_prices, check
from quoting_policy.data.rows import ACTION, ASK_SIDE, FILL, TRADE
from quoting_policy.errors import InputError
from quoting_policy.sim import stress
from quoting_policy.sim.conditions import Venue
from quoting_policy.sim.flow import Flow, generate
from quoting_policy.sim.impact import AlmgrenChriss, square_root_impact, transient_impact
from quoting_policy.sim.latency import ConstantLatency
from quoting_policy.sim.layout import BUY
from quoting_policy.sim.replay import Replay

S = 1_000_000_000
# Almgren & Chriss (2001), table 1 and section 3.4, in days: 1e6 shares, 5 days, lambda 1e-6.
PAPER = AlmgrenChriss(
    shares=1e6,
    horizon=5.0,
    periods=5,
    sigma=0.95,
    fixed_cost=0.0625,
    permanent=2.5e-7,
    temporary=2.5e-6,
    aversion=1e-6,
)


def test_almgren_chriss_gives_the_papers_urgency():
    assert PAPER.urgency == pytest.approx(0.6, abs=0.02)  # half-life "about 1.6 days", kappa about 0.61/day


@given(st.floats(0, 1e-3), st.integers(1, 200))
def test_the_path_falls_from_all_to_nothing(aversion, periods):
    held = AlmgrenChriss(
        shares=100.0, horizon=10.0, periods=periods, sigma=1.0, fixed_cost=0.1, permanent=1e-4,
        temporary=1e-2,
        aversion=aversion,
    ).holdings()  # fmt: skip
    assert held[0] == pytest.approx(100.0)
    assert held[-1] == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(held) <= 1e-9).all()


def test_no_aversion_sells_in_a_straight_line_and_costs_least():
    def plan(aversion):
        return AlmgrenChriss(
            shares=1e6, horizon=5.0, periods=50, sigma=0.95, fixed_cost=0.0625, permanent=2.5e-7,
            temporary=2.5e-6,
            aversion=aversion,
        )  # fmt: skip

    np.testing.assert_allclose(plan(0.0).holdings(), np.linspace(1e6, 0, 51), atol=1e-3)
    costs = [plan(a).expected_cost() for a in (0.0, 1e-6, 1e-5)]
    risks = [plan(a).variance() for a in (0.0, 1e-6, 1e-5)]
    assert costs == sorted(costs)
    assert risks == sorted(risks, reverse=True)


def test_impact_is_odd_and_grows_with_the_root():
    terms = {"daily_sigma": 2.0, "daily_volume": 1e6}
    assert square_root_impact(10_000, **terms) == pytest.approx(0.2)
    assert square_root_impact(-40_000, **terms) == pytest.approx(-0.4)
    assert transient_impact(1.0, 0.5, 2.0) == pytest.approx(np.exp(-1))
    with pytest.raises(InputError, match="volume"):
        square_root_impact(1, daily_sigma=1.0, daily_volume=0.0)
    with pytest.raises(InputError, match="temporary"):
        AlmgrenChriss(
            shares=1, horizon=1, periods=1, sigma=1, fixed_cost=0, permanent=1, temporary=0.1, aversion=0
        )


@pytest.fixture(scope="module")
def tape():
    return stress.with_feed_latency(aggregate(generate(Flow(), seconds=60, seed=12)), 1_000_000)


def mid_at(tape, second):
    row = int(np.searchsorted(tape.exch_ns, second * S, side="right")) - 1
    return best_prices(tape)[row].mean()


def test_a_gap_moves_the_whole_book_from_one_moment_to_the_next(tape):
    gapped = stress.gap(tape, 30 * S, -40)
    assert mid_at(gapped, 29.999) == mid_at(tape, 29.999)
    for second in (30.0, 45.0, 59.0):
        assert mid_at(gapped, second) == mid_at(tape, second) - 40
    assert check(gapped).faults == []
    assert "gap" in gapped.facts.notes[-1]


def test_quotes_left_behind_by_a_gap_are_picked_off(tape):
    replay = Replay(stress.gap(tape, 30 * S, -40))
    replay.elapse(29 * S - replay.now)
    bid = replay.view().bid
    replay.submit(BUY, bid - 10, 5)
    replay.elapse(3 * S)
    assert [(int(f["price"]), int(f["qty"])) for f in replay.fills] == [(bid - 10, 5)]
    assert int(replay.fills["exch_ns"][0]) == 30 * S


def test_a_flash_crash_comes_back(tape):
    crashed = stress.flash_crash(tape, 20 * S, 40 * S, 50, steps=5)
    assert mid_at(crashed, 30.5) <= mid_at(tape, 30.5) - 35
    assert mid_at(crashed, 50) == mid_at(tape, 50)


def test_a_stalled_feed_arrives_at_once_while_the_venue_trades_on(tape):
    stalled = stress.feed_stall(tape, 10 * S, 15 * S)
    np.testing.assert_array_equal(stalled.exch_ns, tape.exch_ns)
    replay = Replay(stalled)
    replay.elapse(10 * S - 1 - replay.now)
    before = replay.view()
    replay.elapse(4 * S)
    assert replay.view().trades == 0
    replay.elapse(1 * S + 2)
    assert replay.view().trades > 0
    assert before.bid is not None


def test_a_slow_venue_and_a_slow_feed_delay_what_they_say(tape):
    venue = stress.slow_venue(
        Venue(latency=ConstantLatency(1_000_000, 1_000_000)), 10 * S, 11 * S, 500_000_000
    )
    for moment, delay in ((9 * S, 2_000_000), (10 * S, 1_002_000_000)):
        replay = Replay(tape, venue=venue)
        replay.elapse(moment - replay.now)
        order = replay.submit(BUY, replay.view().bid - 20, 1)
        replay.elapse(delay - 1)
        assert replay.order(order).status == "in flight"
        replay.elapse(1)
        assert replay.order(order).status == "live"
    slow = stress.slow_feed(tape, 10 * S, 11 * S, 7)
    assert set((slow.local_ns - tape.local_ns).tolist()) == {0, 7}


def test_a_reject_storm_rejects_new_orders_and_lets_cancels_pass(tape):
    replay = Replay(tape, venue=stress.reject_storm(Venue(), 10 * S, 20 * S))
    replay.elapse(9 * S - replay.now)
    resting = replay.submit(BUY, replay.view().bid - 30, 1)
    replay.elapse(2 * S)
    refused = replay.submit(BUY, replay.view().bid - 30, 1)
    replay.cancel(resting)
    replay.elapse(1 * S)
    assert replay.order(refused).outcome == "venue rejects"
    assert replay.order(resting).outcome == "cancelled"


@pytest.mark.parametrize("level", [2, 3])
def test_one_sided_flow_leaves_the_other_side_unhit(tape, level):
    whole = tape if level == 2 else generate(Flow(), seconds=60, seed=12)
    sold = stress.one_sided_flow(whole, 20 * S, 40 * S, BUY)
    action = sold.code & ACTION
    prints = (action == TRADE) | (action == FILL)
    inside = prints & (sold.exch_ns >= 20 * S) & (sold.exch_ns < 40 * S)
    assert inside.any()
    assert (sold.code[inside] & ASK_SIDE == 0).all()
    assert (sold.code[prints & ~inside] & ASK_SIDE > 0).any()
    np.testing.assert_array_equal(best_prices(sold)[-1], best_prices(whole)[-1])


@pytest.mark.parametrize("change", [lambda t: stress.gap(t, 1, 5), lambda t: stress.flash_crash(t, 0, S, 20)])
def test_price_moves_need_a_tape_of_levels(change):
    with pytest.raises(InputError, match="aggregate"):
        change(generate(Flow(), seconds=5, seed=1))


def test_bad_spans_and_shares_are_refused(tape):
    with pytest.raises(InputError, match="start < stop"):
        stress.feed_stall(tape, 5, 5)
    with pytest.raises(InputError, match="share"):
        stress.reject_storm(Venue(), 0, 1, 1.5)
