"""Switchback: every moment is equally likely to be candidate time, so D is centred under any pattern.

The schedule is shared with the sidecar and lives in the policy's domain; this is the statistics' side of it.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

switchback = pytest.importorskip(
    "quoting_policy.domain.switchback", reason="the sidecar's switchback schedule is not on this branch"
)

BLOCKS, BLOCK_NS, TICKS = 4_000, 600_000, 600


def arms(block: int, exposure: float, washout_ns: int = 0) -> list[str | None]:
    """Arm of each tick of a block; None in washout."""
    schedule = switchback.Schedule(block_ns=BLOCK_NS, washout_ns=washout_ns, exposure_percent=exposure)
    seen = []
    for tick in range(TICKS):
        now = block * BLOCK_NS + tick * (BLOCK_NS // TICKS)
        slot = switchback.slot_at(schedule, "digest", "BTC-USDT", now)
        seen.append(str(slot.arm.name) if now >= slot.counted_from_ns else None)
    return seen


@pytest.mark.parametrize("exposure", [5.0, 20.0, 50.0, 80.0])
def test_every_slot_is_drawn_equally_often(exposure: float) -> None:
    slots, _ = switchback.slots_of(exposure)
    drawn = Counter(switchback.drawn_slot("digest", block, "BTC-USDT", slots) for block in range(BLOCKS))
    expected = BLOCKS / slots
    chi_squared = sum((drawn[i] - expected) ** 2 / expected for i in range(slots))
    assert chi_squared < slots - 1 + 5.0 * (2.0 * slots) ** 0.5


@pytest.mark.parametrize("exposure", [20.0, 50.0])
def test_a_pattern_inside_the_block_cancels(exposure: float) -> None:
    """A cosine of amplitude 1; an offset uniform over the block would bias D by .27 at 20 %."""
    pattern = np.cos(2.0 * np.pi * (np.arange(TICKS) + 0.5) / TICKS - np.pi)
    differences = []
    for block in range(500):
        arm = np.array(arms(block, exposure, washout_ns=20_000))
        differences.append(pattern[arm == "CANDIDATE"].mean() - pattern[arm == "BASELINE"].mean())
    assert abs(np.mean(differences)) < 4.0 * np.std(differences) / np.sqrt(len(differences))


def test_washout_belongs_to_neither_arm_in_every_slot() -> None:
    counted = arms(7, 20.0, washout_ns=20_000)
    assert counted.count(None) == TICKS * 5 * 20_000 // BLOCK_NS
