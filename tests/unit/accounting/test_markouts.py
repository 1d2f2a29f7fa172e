"""Markouts and the decomposition of the spread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.accounting import HORIZONS_S, Counter, markout_gain
from quoting_policy.domain import Arm, Side
from tests.unit.accounting.desk import Books

BASELINE = Arm.BASELINE


def counts(books, arm=BASELINE):
    return books.ledger.arms[arm].counts


def markout(books, horizon, arm=BASELINE):
    gain = markout_gain(HORIZONS_S.index(horizon))
    return counts(books, arm)[gain] - counts(books, arm)[gain + 1]


def test_a_buy_below_the_mid_has_edge_and_its_markout_follows_the_mid():
    books = Books()
    books.fill(BASELINE, Side.BID, 99.5, lots=2, fee=0.1)
    assert counts(books)[Counter.EDGE_GAIN] == pytest.approx(2 * 0.5 - 0.1)
    books.wait(0.5, step_s=0.5)
    books.mid(98.0)
    books.wait(1.0, step_s=0.5)
    assert markout(books, 0.1) == pytest.approx(2 * (100.0 - 99.5) - 0.1)
    assert markout(books, 1.0) == pytest.approx(2 * (98.0 - 99.5) - 0.1)
    assert markout(books, 10.0) == 0.0


def test_the_mid_in_force_at_the_horizon_counts_not_the_next_one():
    books = Books()
    books.fill(BASELINE, Side.ASK, 100.5)
    books.now_ns += 2 * 10**9
    books.wall_ns += 2 * 10**9
    books.mid(50.0)
    assert markout(books, 1.0) == pytest.approx(0.5)


def test_a_markout_whose_mid_is_stale_is_dropped():
    books = Books()
    books.fill(BASELINE, Side.ASK, 100.5)
    books.now_ns += 30 * 10**9
    books.wall_ns += 30 * 10**9
    books.mid(50.0)
    assert counts(books)[Counter.DROPPED_MARKOUTS] == 1
    assert markout(books, 10.0) == 0.0


def test_what_passes_the_close_is_dropped_and_counted():
    books = Books()
    books.fill(BASELINE, Side.ASK, 100.5)
    books.wait(2.0)
    assert books.ledger.markouts.close() == 2
    assert counts(books)[Counter.DROPPED_MARKOUTS] == 2


def test_a_markout_belongs_to_the_arm_of_its_fill_wherever_the_horizon_ends():
    books = Books(exposure=50.0, digest="e")
    books.until(Arm.CANDIDATE)
    while books.ledger.timeline.slot.end_ns - books.wall_ns > 10**9:
        books.wait(0.5)
    books.fill(Arm.CANDIDATE, Side.BID, 99.5)
    books.until(Arm.BASELINE)
    books.wait(12.0)
    assert markout(books, 10.0, Arm.CANDIDATE) == pytest.approx(0.5)
    assert markout(books, 10.0, Arm.BASELINE) == 0.0


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.integers(180, 220), st.integers(1, 5), st.integers(190, 210)),
        min_size=1,
        max_size=20,
    )
)
def test_edge_is_markout_plus_adverse_selection_at_every_horizon(fills):
    books = Books()
    for side, ticks, lots, mid_ticks in fills:
        books.fill(BASELINE, side, ticks * 0.5, lots=lots)
        books.wait(1.0)
        books.mid(mid_ticks * 0.5)
    books.wait(61.0)
    sums = books.ledger.arms[BASELINE].sums
    for index in range(len(HORIZONS_S)):
        assert sums.fills[index] == len(fills)
        assert sums.edge[index] == pytest.approx(sums.markout[index] + sums.adverse[index], abs=1e-9)
        # Effective spread 2D(p - m), of which a maker earns what is realised after the impact.
        effective, realised, impact = 2 * sums.edge[index], 2 * sums.markout[index], 2 * sums.adverse[index]
        assert effective == pytest.approx(realised + impact, abs=1e-9)
