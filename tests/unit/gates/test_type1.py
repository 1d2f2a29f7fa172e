"""Seeded type-I error of each gate on each noise: at most 5 % at alpha .05, within three standard errors.

The full study, with power and the rules of other controllers beside it, is benchmarks/gates.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.gate_study import noise, ours
from quoting_operator.gates import Block

RUNS, LOOKS = 300, 100
BOUND = 0.05 + 3.0 * (0.05 * 0.95 / RUNS) ** 0.5


def assert_within_alpha(first: ours.GateState, streams: list[list[Block]]) -> None:
    runs, passed, failed = ours.crossings(first, streams)
    assert passed / runs <= BOUND
    assert failed / runs <= BOUND


@pytest.mark.parametrize("name", [name for name in noise.BLOCK_NOISES if name != "rare large loss"])
@pytest.mark.parametrize("gate", ours.MEAN_GATES)
def test_a_mean_gate_keeps_its_level(name: str, gate: str) -> None:
    first = ours.begin(**ours.MEAN_GATES[gate])
    streams = noise.BLOCK_NOISES[name](np.random.default_rng(21), RUNS, LOOKS) + first.spec.pass_boundary
    assert_within_alpha(first, [ours.blocks_of(row) for row in streams])


def test_a_bound_keeps_the_level_where_losses_are_rare_and_large() -> None:
    first = ours.begin(kind="success", maxLossPerBlock=20)
    streams = noise.rare_large_loss(np.random.default_rng(22), RUNS, 400)
    assert_within_alpha(first, [ours.blocks_of(row) for row in streams])


def test_without_a_bound_rare_large_losses_fool_a_short_minimum() -> None:
    """Why maxLossPerBlock, or minBlocks of 6/p, is not optional: the warning of the docs, kept true."""
    streams = noise.rare_large_loss(np.random.default_rng(22), RUNS, 300)
    runs, passed, _ = ours.crossings(ours.begin(kind="success"), [ours.blocks_of(row) for row in streams])
    assert passed / runs > 0.5


@pytest.mark.parametrize(
    ("gate", "make"),
    [
        ({"kind": "guardrail", "test": "proportion", "limit": 0.05}, ours._proportions(0.05, 40, 50)),
        ({"kind": "success", "test": "rateRatio"}, ours._paired(vary=False, length=50)),
        ({"kind": "success", "test": "rateRatio"}, ours._paired(vary=True, length=50)),
    ],
    ids=["proportion", "rate ratio", "rate ratio, exposures vary"],
)
def test_a_counting_gate_keeps_its_level(gate: dict[str, Any], make: Any) -> None:
    rng = np.random.default_rng(23)
    assert_within_alpha(ours.begin(**gate), [make(rng, 1.0) for _ in range(RUNS)])
