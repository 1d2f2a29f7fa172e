"""Switchback inside a block: which arm a moment belongs to, a pure function of digest, block and book.

Two policies that quote one book at once compete for its queue, so they take turns. A block is cut into equal
slots, one of them, drawn by hash, belongs to the arm with the smaller share: every moment of a block is
equally likely to be candidate time, and all who know (digest, block, book) agree without talking.
"""

from __future__ import annotations

import hashlib
import math

import msgspec

from quoting_policy.domain.quote import Arm
from quoting_policy.errors import InputError


class Schedule(msgspec.Struct, frozen=True):
    """How time is shared between the arms.

    block_ns: length of a block, ns. washout_ns: start of a slot that counts for neither arm, ns.
    exposure_percent: most of the time that the candidate may have, 0..100.
    """

    block_ns: int
    washout_ns: int = 0
    exposure_percent: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.exposure_percent <= 100:
            raise InputError("schedule.exposure_percent", self.exposure_percent, "in [0, 100]")
        if self.block_ns < 1:
            raise InputError("schedule.block_ns", self.block_ns, "> 0 ns")
        slots, _ = slots_of(self.exposure_percent)
        if not 0 <= self.washout_ns * slots < self.block_ns:
            allowed = f">= 0 and shorter than a slot ({self.block_ns // slots} ns)"
            raise InputError("schedule.washout_ns", self.washout_ns, allowed, "use longer blocks")


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch [start_ns, end_ns) of wall-clock time, ns since the epoch, that belongs to ``arm``.

    block: number of the block, from the epoch. Time before counted_from_ns is washout.
    """

    block: int
    arm: Arm
    start_ns: int
    counted_from_ns: int
    end_ns: int


def slots_of(exposure_percent: float) -> tuple[int, Arm]:
    """Slots a block is cut into, and the arm that has exactly one of them.

    The candidate never gets more than it is allowed: an exposure that is not 1/n or 1 - 1/n is rounded down.
    """
    if exposure_percent <= 0:
        return 1, Arm.BASELINE
    if exposure_percent >= 100:
        return 1, Arm.CANDIDATE
    minority = Arm.CANDIDATE if exposure_percent <= 50 else Arm.BASELINE
    if minority is Arm.CANDIDATE:
        return math.ceil(100 / exposure_percent - 1e-9), minority
    return math.floor(100 / (100 - exposure_percent) + 1e-9), minority


def exposure_of(exposure_percent: float) -> float:
    """Share of time that the candidate really gets, a fraction in [0, 1]."""
    slots, minority = slots_of(exposure_percent)
    return 1 / slots if minority is Arm.CANDIDATE else 1 - 1 / slots


def drawn_slot(digest: str, block: int, book: str, slots: int) -> int:
    """Index of the minority's slot: sha256 of ``digest|block|book``, its first 8 bytes modulo ``slots``."""
    seed = hashlib.sha256(f"{digest}|{block}|{book}".encode()).digest()
    return int.from_bytes(seed[:8], "big") % slots


def slot_at(schedule: Schedule, digest: str, book: str, wall_ns: int) -> Slot:
    """The slot that holds the moment ``wall_ns`` (ns since the epoch). book: the venue's symbol."""
    slots, minority = slots_of(schedule.exposure_percent)
    block, offset = divmod(wall_ns, schedule.block_ns)
    index = offset * slots // schedule.block_ns
    block_start = block * schedule.block_ns
    start = block_start + -(-index * schedule.block_ns // slots)
    mine = slots == 1 or index == drawn_slot(digest, block, book, slots)
    # One slot a block means that arms never take turns: nothing to wash out.
    washout = 0 if slots == 1 else schedule.washout_ns
    return Slot(
        block=block,
        arm=minority if mine else minority.other,
        start_ns=start,
        counted_from_ns=start + washout,
        end_ns=block_start + -(-(index + 1) * schedule.block_ns // slots),
    )
