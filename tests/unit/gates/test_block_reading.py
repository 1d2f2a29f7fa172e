"""Requests for blocks: which one is the newest, and what can't be asked."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.gates import Stage
from quoting_operator.gates.block_reading import BlockRequest
from quoting_policy.domain import Schedule, slot_at
from quoting_policy.errors import InputError


def asked(**changes: Any) -> BlockRequest:
    fields = {
        "namespace": "desk", "policy": "btc", "digest": "d", "stage": Stage.CANARY, "block_length_s": 600.0,
        "first": 1, "gates": (),
    }  # fmt: skip
    return BlockRequest(**(fields | changes))


@given(st.integers(10**9, 2 * 10**9), st.sampled_from([2.0, 7.3, 60.0, 600.0]), st.floats(0.0, 100.0))
def test_the_newest_block_ended_so_long_ago_as_the_sidecars_count(now_s: int, length_s: float, lag_s: float):
    request = asked(block_length_s=length_s, now_s=float(now_s))
    newest = request.newest(lag_s)
    assert request.end_s(newest) <= now_s - lag_s + 1e-6 < request.end_s(newest + 1) + 1e-5
    inside = request.end_s(newest) - length_s / 2
    slot = slot_at(Schedule(block_ns=request.block_ns), "d", "X", round(inside * 1e9))
    assert slot.block == newest
    assert slot.end_ns * 1e-9 == pytest.approx(request.end_s(newest), abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": Stage.PAPER}, "request.stage"),
        ({"block_length_s": 0.0}, "request.block_length_s"),
        ({"block_length_s": math.nan}, "request.block_length_s"),
    ],
)
def test_what_has_no_blocks_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        asked(**changes)
