"""Arms take turns: every moment is equally likely to be the candidate's, and all agree without talking."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import Arm, Schedule, exposure_of, slot_at
from quoting_policy.errors import InputError

BLOCK = 600 * 10**9
percents = st.one_of(st.sampled_from([5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 80.0, 95.0]), st.floats(1, 99))


@given(percents, st.integers(0, 2**62), st.sampled_from(["BTC", "ETH"]))
def test_slots_tile_time_without_gap_or_overlap(percent, wall_ns, book):
    schedule = Schedule(block_ns=BLOCK, washout_ns=10**9, exposure_percent=percent)
    slot = slot_at(schedule, "digest", book, wall_ns)
    assert slot.start_ns <= wall_ns < slot.end_ns
    assert slot_at(schedule, "digest", book, slot.start_ns) == slot
    assert slot_at(schedule, "digest", book, slot.end_ns - 1) == slot
    assert slot_at(schedule, "digest", book, slot.end_ns).start_ns == slot.end_ns
    assert slot.block == wall_ns // BLOCK


@given(percents, st.integers(0, 10**6))
def test_the_candidate_has_its_share_of_every_block_and_never_more_than_allowed(percent, block):
    schedule = Schedule(block_ns=BLOCK, exposure_percent=percent)
    seconds: Counter[Arm] = Counter()
    moment = block * BLOCK
    while moment < (block + 1) * BLOCK:
        slot = slot_at(schedule, "digest", "BTC", moment)
        seconds[slot.arm] += slot.end_ns - slot.start_ns
        moment = slot.end_ns
    assert seconds[Arm.CANDIDATE] / BLOCK == pytest.approx(exposure_of(percent), abs=1e-9)
    assert seconds[Arm.CANDIDATE] / BLOCK <= percent / 100 + 1e-9


@pytest.mark.parametrize(
    ("percent", "share"),
    [(0, 0), (5, 0.05), (20, 0.2), (30, 0.25), (50, 0.5), (60, 0.5), (80, 0.8), (100, 1)],
)
def test_an_exposure_that_slots_cannot_give_is_rounded_down(percent, share):
    assert exposure_of(percent) == pytest.approx(share)


def test_every_moment_of_a_block_is_equally_likely_to_be_the_candidates():
    schedule = Schedule(block_ns=BLOCK, exposure_percent=20.0)
    hits: Counter[int] = Counter()
    blocks = 5000
    for block in range(blocks):
        for fifth in range(5):
            moment = block * BLOCK + fifth * BLOCK // 5 + 1
            hits[fifth] += slot_at(schedule, "digest", "BTC", moment).arm is Arm.CANDIDATE
    assert sum(hits.values()) == blocks
    chi_square = sum((count - blocks / 5) ** 2 / (blocks / 5) for count in hits.values())
    assert chi_square < 18.5  # 99.9 % quantile with 4 degrees of freedom


def test_the_draw_is_the_documented_hash():
    block, slots = 2833333, 20
    text = f"digest|{block}|BTC".encode()
    expected = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % slots
    schedule = Schedule(block_ns=BLOCK, exposure_percent=5.0)
    starts = [block * BLOCK + index * BLOCK // slots for index in range(slots)]
    mine = [slot_at(schedule, "digest", "BTC", start).arm is Arm.CANDIDATE for start in starts]
    assert mine.index(True) == expected
    assert sum(mine) == 1


def test_books_draw_apart_and_all_who_ask_agree():
    schedule = Schedule(block_ns=BLOCK, exposure_percent=5.0)

    def drawn(book):
        return [slot_at(schedule, "d", book, i * BLOCK // 20).arm is Arm.CANDIDATE for i in range(400)]

    assert drawn("BTC") == drawn("BTC")
    assert drawn("BTC") != drawn("ETH")


def test_every_slot_starts_with_washout_unless_arms_never_take_turns():
    washout = 5 * 10**9
    for percent, expected in ((20.0, washout), (0.0, 0), (100.0, 0)):
        slot = slot_at(Schedule(block_ns=BLOCK, washout_ns=washout, exposure_percent=percent), "d", "B", 0)
        assert slot.counted_from_ns - slot.start_ns == expected


def test_a_washout_that_eats_the_slot_is_refused():
    with pytest.raises(InputError, match="washout"):
        Schedule(block_ns=60 * 10**9, washout_ns=5 * 10**9, exposure_percent=5.0)
