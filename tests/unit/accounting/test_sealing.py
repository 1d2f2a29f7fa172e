"""Counters as they stood at a block's edge, credited to the arm in charge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.accounting import Counter
from quoting_policy.domain import Arm, Schedule, Side
from tests.unit.accounting.desk import BLOCK_S, SECOND, START, Books

CANDIDATE, BASELINE = Arm.CANDIDATE, Arm.BASELINE


def total_of(ledger):
    accounts = [track.account for track in ledger.arms.values()] + [ledger.washout]
    return sum(a.inventory for a in accounts), sum(a.equity(ledger.mid) for a in accounts)


def exposure(counts):
    return counts[Counter.EXPOSURE_S]


def test_nothing_is_sealed_before_a_block_has_ended():
    books = Books()
    books.wait(BLOCK_S - 1)
    assert books.ledger.timeline.sealed is None
    books.wait(1)
    assert books.ledger.timeline.sealed.block == START // (BLOCK_S * SECOND)


def test_sealed_counters_are_those_of_the_edge_whatever_comes_after():
    books = Books()
    books.wait(BLOCK_S * 2 - 0.5)
    books.fill(BASELINE, Side.BID, 99.5)
    books.wait(1.0)
    at_edge = books.ledger.timeline.sealed
    books.fill(BASELINE, Side.BID, 99.5)
    books.wait(20.0)
    assert books.ledger.timeline.sealed == at_edge
    assert at_edge.counts["baseline"][Counter.FILLS] == 1
    assert exposure(at_edge.counts["baseline"]) == pytest.approx(2 * BLOCK_S)


def test_exposure_is_split_exactly_at_edges_that_no_event_falls_on():
    books = Books(exposure=20.0, washout_s=1.0)
    books.wait(BLOCK_S * 10, step_s=0.7)
    counts = books.ledger.timeline.sealed.counts
    slot = BLOCK_S / 5 - 1.0
    assert exposure(counts["candidate"]) == pytest.approx(10 * slot, abs=1e-6)
    assert exposure(counts["baseline"]) == pytest.approx(40 * slot, abs=1e-6)


def test_the_first_block_and_one_after_a_change_are_not_complete():
    books = Books()
    books.wait(10)
    books.ledger.timeline.restart("d", Schedule(block_ns=30 * SECOND), books.wall_ns)
    books.wait(20)
    assert not books.ledger.timeline.sealed.complete
    books.wait(30)
    assert books.ledger.timeline.sealed.complete


def test_a_clock_that_steps_back_or_far_ahead_spoils_the_block_and_nothing_else():
    for step in (-90, 10_000):
        books = Books()
        books.wait(BLOCK_S * 2)
        before = exposure(books.ledger.arms[BASELINE].counts)
        books.wall_ns += step * SECOND
        books.wait(0.001)
        assert not books.ledger.timeline.complete
        assert exposure(books.ledger.arms[BASELINE].counts) <= before + 5.1
        books.wait(BLOCK_S * 2)
        assert books.ledger.timeline.sealed.complete


def test_silence_is_nobodys_exposure():
    books = Books()
    books.wait(10)
    books.wait(40, step_s=40)
    assert exposure(books.ledger.arms[BASELINE].counts) == pytest.approx(15)


def test_bad_inventory_stays_with_the_arm_that_bought_it_through_the_washout():
    books = Books(exposure=50.0, washout_s=3.0, digest="a")
    books.until(CANDIDATE)
    while books.ledger.timeline.slot.arm is CANDIDATE:
        last = books.ledger.timeline.slot
        books.wait(0.25, step_s=0.25)
        if last.end_ns - books.wall_ns == SECOND // 4:
            books.fill(CANDIDATE, Side.BID, 99.5, lots=4)
    books.mid(97.0)
    candidate, baseline = (books.ledger.arms[arm].account for arm in (CANDIDATE, BASELINE))
    assert (candidate.inventory, baseline.inventory) == (4, 0)
    books.wait(3.0)
    assert (candidate.inventory, baseline.inventory) == (0, 4)
    assert candidate.equity(90.0) == pytest.approx(4 * (97.0 - 99.5))
    assert baseline.equity(97.0) == pytest.approx(0.0)


def test_a_fill_in_the_washout_is_neither_arms():
    books = Books(exposure=50.0, washout_s=3.0)
    books.wait(BLOCK_S / 2 + 1)
    assert books.ledger.timeline.in_washout
    books.fill(CANDIDATE, Side.BID, 99.0)
    assert [track.counts[Counter.FILLS] for track in books.ledger.arms.values()] == [0, 0]
    assert books.ledger.washout.inventory == 1
    assert books.ledger.total.inventory == 1
    books.wait(3)
    assert books.ledger.washout.inventory == 0
    assert books.ledger.arms[books.ledger.timeline.slot.arm].account.inventory == 1


def test_a_position_without_a_mid_waits_for_one_before_it_is_handed_over():
    books = Books(exposure=50.0)
    books.ledger.mid = float("nan")
    other = books.ledger.timeline.slot.arm.other
    books.fill(other, Side.BID, 99.0)
    books.ledger.hand_over(other.other)
    assert books.ledger.arms[other].account.inventory == 1
    assert books.ledger.total.equity(100.0) == pytest.approx(1.0)


moves = st.lists(
    st.tuples(
        st.sampled_from(Arm),
        st.sampled_from(Side),
        st.integers(190, 210),
        st.integers(1, 5),
        st.floats(-0.5, 0.5),
        st.integers(190, 210),
        st.floats(0.1, 20.0),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None)
@given(moves, st.sampled_from([0.0, 20.0, 50.0, 100.0]))
def test_the_parts_add_up_to_the_whole_at_all_times(moves, percent):
    books = Books(exposure=percent, washout_s=1.0)
    ledger = books.ledger
    for arm, side, ticks, lots, fee, mid_ticks, seconds in moves:
        books.fill(arm, side, ticks * 0.5, lots, fee)
        books.mid(mid_ticks * 0.5)
        books.wait(seconds, step_s=3.0)
        inventory, equity = total_of(ledger)
        assert inventory == pytest.approx(ledger.total.inventory, abs=1e-9)
        assert equity == pytest.approx(ledger.total.equity(ledger.mid), abs=1e-6)
    for track in ledger.arms.values():
        net = track.counts[Counter.PNL_GAIN] - track.counts[Counter.PNL_LOSS]
        assert net == pytest.approx(track.settled_equity, abs=1e-6)


@settings(deadline=None)
@given(moves)
def test_counters_never_fall(moves):
    books = Books(exposure=20.0, washout_s=1.0)
    tracks = books.ledger.tracks
    before = [list(track.counts) for track in tracks]
    for arm, side, ticks, lots, fee, mid_ticks, seconds in moves:
        books.fill(arm, side, ticks * 0.5, lots, fee)
        books.mid(mid_ticks * 0.5)
        books.wait(seconds, step_s=3.0)
        now = [list(track.counts) for track in tracks]
        for after, old in zip(now, before, strict=True):
            assert all(new >= was for new, was in zip(after, old, strict=True))
        before = now


def test_another_digest_starts_counters_afresh_and_keeps_the_position():
    books = Books()
    books.wait(BLOCK_S)
    books.fill(BASELINE, Side.BID, 99.5)
    books.ledger.new_digest("other", books.schedule, books.wall_ns)
    assert books.ledger.timeline.sealed is None
    assert set(books.ledger.arms[BASELINE].counts) == {0.0}
    assert books.ledger.total.inventory == 1
    books.mid(101.0)
    books.wait(BLOCK_S)
    sealed = books.ledger.timeline.sealed
    assert sealed.digest == "other"
    assert sealed.counts["baseline"][Counter.PNL_GAIN] == pytest.approx(1.0)
