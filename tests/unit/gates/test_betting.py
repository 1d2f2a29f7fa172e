"""bet_lb and the harm bet: definition, bound, symmetry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.gates.betting import STAKES, BetState, bet_over, bet_update, harm_bet, ln_mean_exp
from quoting_operator.gates.planning import loss_free_blocks
from quoting_policy.errors import InputError


def fold(state: BetState, values: list[float]) -> BetState:
    for value in values:
        state = bet_update(state, value)
    return state


def test_the_evidence_is_the_average_of_the_products() -> None:
    values, boundary, bound = [0.4, -0.3, 1.2, -5.0, 0.9], -0.2, 3.0
    z = [(max(d, -bound) - boundary) / (bound + boundary) for d in values]
    product = np.mean([np.prod([1.0 + stake * x for x in z]) for stake in STAKES])
    assert fold(BetState(boundary, bound), values).ln_e == pytest.approx(math.log(product), rel=1e-12)


@given(p=st.floats(0.01, 0.9), bound=st.floats(0.5, 20.0), boundary=st.floats(-0.4, 5.0))
def test_on_two_points_at_the_boundary_the_expected_wealth_is_one(
    p: float, bound: float, boundary: float
) -> None:
    """A loss of L with chance p and a gain that makes the mean the boundary."""
    gain = (boundary + p * bound) / (1.0 - p)
    start = BetState(boundary, bound)
    up, down = math.exp(bet_update(start, gain).ln_e), math.exp(bet_update(start, -bound).ln_e)
    assert (1.0 - p) * up + p * down == pytest.approx(1.0, rel=1e-9)


@given(values=st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=30))
def test_many_at_once_are_the_fold_to_the_last_bit(values: list[float]) -> None:
    assert bet_over(BetState(0.0, 5.0), values) == fold(BetState(0.0, 5.0), values)


@given(values=st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=30))
def test_the_maximum_is_that_of_every_step(values: list[float]) -> None:
    state, highest = BetState(0.0, 5.0), 0.0
    for value in values:
        state = bet_update(state, value)
        highest = max(highest, ln_mean_exp(state.ln_wealth))
    assert state.maximum == highest


def test_the_harm_bet_mirrors_the_loss_bet() -> None:
    values = [0.5, -0.8, -1.0]
    assert (
        fold(harm_bet(-0.1, 4.0), [-d for d in values]).ln_e
        == fold(BetState(0.1, 4.0), [0.8 - 1.3, 0.8, 1.0]).ln_e
    )


@pytest.mark.parametrize("mean", [0.1, 0.5, 2.0])
def test_it_takes_the_planned_number_of_loss_free_blocks(mean: float) -> None:
    bound = 20.0
    state, n = BetState(0.0, bound), 0
    while state.ln_e < math.log(20.0):
        state, n = bet_update(state, mean), n + 1
    assert n == pytest.approx(loss_free_blocks(mean / bound, 0.05), abs=1)
    assert n >= math.log(20.0) * bound / mean


def test_a_bound_inside_the_boundary_is_refused() -> None:
    with pytest.raises(InputError, match="loss_bound"):
        BetState(-2.0, 1.0)
