"""CarteaJaimungal: its equation, its relation to GLFT, its penalties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from quoting_policy.domain import FillHazard
from quoting_policy.errors import InputError
from quoting_policy.models import build
from tests.unit.models.markets import CALIBRATED, offsets, state

BASE = {"phi": 0.001, "maxInventory": 10, "A": 0.9, "k": 0.3}


def at(params: dict[str, object], inventory: float, **known: object) -> tuple[float | None, float | None]:
    return offsets(build("CarteaJaimungal", params).quote(state(mid=0.0, inventory=inventory, **known)), 0.0)


@settings(max_examples=30)
@given(
    phi=st.floats(0.0, 0.02), alpha=st.floats(0.0, 0.05), tau=st.floats(0.0, 60.0), q=st.integers(-10, 10),
    k=st.floats(0.1, 1.0), rate=st.floats(0.1, 2.0),
)  # fmt: skip
def test_offsets_come_from_the_value_function_of_the_book(
    phi: float, alpha: float, tau: float, q: int, k: float, rate: float
) -> None:
    """h = ln(exp(Kτ)z)/κ with scipy: δᵃ = 1/κ + h(q) - h(q - 1), δᵇ = 1/κ + h(q) - h(q + 1)."""
    n = np.arange(-10, 11)
    K = np.diag(-k * phi * n**2.0) + rate * np.exp(-1) * (np.eye(21, k=1) + np.eye(21, k=-1))  # noqa: N806  paper
    shift = np.linalg.eigvalsh(K).max()
    h = np.log(expm((K - shift * np.eye(21)) * tau) @ np.exp(-alpha * k * n**2.0)) / k
    params = {"phi": phi, "alpha": alpha, "maxInventory": 10, "A": rate, "k": k}
    bid, ask = at(params, float(q), time_left=tau)
    i = q + 10
    assert bid == (None if q == 10 else pytest.approx(1 / k + h[i] - h[i + 1], abs=1e-8))
    assert ask == (None if q == -10 else pytest.approx(1 / k + h[i] - h[i - 1], abs=1e-8))


@pytest.mark.parametrize("inventory", [-30.0, -4.0, 0.0, 11.0, 30.0])
def test_glft_without_aversion_to_missed_fills_is_the_same_model(inventory: float) -> None:
    """Phi plays ½γσ²; what is left of γ in GLFT is the risk of fills."""
    glft = build("GLFT", {"gamma": 0.01, "fillRiskAversion": 0, "maxInventory": 30, **CALIBRATED})
    params = {"phi": 0.5 * 0.01 * 0.3**2, "maxInventory": 30, "A": 0.9, "k": 0.3, "horizon": "infinite"}
    expected = offsets(glft.quote(state(mid=0.0, inventory=inventory)), 0.0)
    assert at(params, inventory) == pytest.approx(expected, abs=1e-10)


@settings(max_examples=20)
@given(size=st.floats(0.2, 5.0), q=st.integers(-10, 10), tau=st.floats(0.0, 20.0))
def test_orders_of_several_lots_are_the_same_problem_counted_in_orders(
    size: float, q: int, tau: float
) -> None:
    """With an order as unit: prices times Δ, k' = k/Δ, penalties of q² times Δ²."""
    sized = {
        "phi": 0.002, "alpha": 0.02, "epsilon": 0.1, "drift": 1e-4, "A": 0.9, "k": 0.3, "qty": size,
        "maxInventory": 10 * size,
    }  # fmt: skip
    unit = {
        "phi": 0.002 * size**2, "alpha": 0.02 * size**2, "epsilon": 0.1 * size, "drift": 1e-4 * size,
        "A": 0.9, "k": 0.3 / size, "maxInventory": 10,
    }  # fmt: skip
    one, other = at(sized, q * size, time_left=tau), at(unit, float(q), time_left=tau)
    assert [x is None for x in one] == [x is None for x in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine is None or size * mine == pytest.approx(theirs, rel=1e-6, abs=1e-9)


def test_a_strong_terminal_penalty_presses_for_a_flat_end() -> None:
    lax, strict = (at({**BASE, "alpha": alpha}, 5.0, time_left=1.0) for alpha in (0.0, 0.1))
    assert lax[1] is not None
    assert strict[1] is not None
    assert strict[1] < lax[1]


def test_a_jump_with_every_market_order_widens_by_more_than_itself() -> None:
    plain, jumpy = (at({**BASE, "epsilon": epsilon}, 0.0)[0] for epsilon in (0.0, 0.4))
    assert plain is not None
    assert jumpy is not None
    assert jumpy > plain + 0.4


def test_a_jump_on_own_fills_costs_half_of_one_with_every_order() -> None:
    """GLFT's ξ on own fills adds ξ/2 to the premium where ε adds all of itself."""
    glft = {"gamma": 0.0, "maxInventory": 10, "A": 1e-9, "k": 0.3, "sigma": 0.0, "horizon": "finite"}
    own = [
        offsets(build("GLFT", {**glft, "xi": xi}).quote(state(mid=0.0, time_left=0.0)), 0.0)[0]
        for xi in (0, 0.4)
    ]
    every = [at({**BASE, "A": 1e-9, "epsilon": e}, 0.0, time_left=0.0)[0] for e in (0, 0.4)]
    assert own[0] is not None
    assert own[1] is not None
    assert every[0] is not None
    assert every[1] is not None
    assert own[1] - own[0] == pytest.approx(0.2 + 0.5 * 0.4, abs=1e-9)  # premium, and v(0) = exp(-kξq²/2)
    assert every[1] - every[0] == pytest.approx(0.4, abs=1e-9)


def test_more_buyers_who_move_the_mid_lean_the_quote_up() -> None:
    market = {"fill_hazard_bid": FillHazard(0.5, 0.3), "fill_hazard_ask": FillHazard(1.0, 0.3)}
    params = {"phi": 0.001, "maxInventory": 10, "horizon": "infinite"}
    without = at({**params, "epsilon": 0.0}, 0.0, **market)
    jumpy = at({**params, "epsilon": 0.1}, 0.0, **market)
    assert without[0] is not None
    assert without[1] is not None
    assert jumpy[0] is not None
    assert jumpy[1] is not None
    assert (jumpy[1] - jumpy[0]) > (without[1] - without[0]) > 0


@pytest.mark.parametrize("params", [{"phi": -1}, {"maxInventory": 0.5}, {"maxInventory": 1e6}, {"alpha": -1}])
def test_parameters_outside_the_domain_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build("CarteaJaimungal", {**BASE, **params})
