"""AvellanedaStoikov against the paper's formulas, its limits and the reference numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from quoting_policy.errors import InputError
from quoting_policy.models import RefusalError, build
from quoting_policy.models.avellaneda_stoikov import fill_premium
from tests.unit.models.markets import offsets, state

PAPER = {"sigma": 2.0, "k": 1.5}
gammas = st.floats(1e-4, 5.0)
decays = st.floats(0.05, 10.0)


def test_reservation_price_and_spread_of_the_paper() -> None:
    quote = build("AvellanedaStoikov", {"gamma": 0.1, **PAPER}).quote(
        state(mid=100.0, inventory=5.0, time_left=1.0)
    )
    assert quote.reservation == pytest.approx(98.0, abs=1e-12)
    assert quote.half_spread == pytest.approx(0.5 * 1.690770, abs=5e-7)


@pytest.mark.parametrize("gamma", [0.0, 1e-300, 1e-12, 1e-9])
def test_spread_without_risk_aversion_is_two_over_k_and_there_is_no_skew(gamma: float) -> None:
    quote = build("AvellanedaStoikov", {"gamma": gamma, **PAPER}).quote(
        state(mid=100.0, inventory=5.0, time_left=1.0)
    )
    assert quote.half_spread == pytest.approx(0.5 * 1.333333, abs=5e-7)
    assert quote.reservation == pytest.approx(100.0, abs=1e-7)


@pytest.mark.parametrize(("tau", "sigma"), [(0.0, 2.0), (1.0, 0.0)])
def test_nothing_to_risk_leaves_the_fill_premium_alone(tau: float, sigma: float) -> None:
    quote = build("AvellanedaStoikov", {"gamma": 0.1, "k": 1.5, "sigma": sigma}).quote(
        state(mid=100.0, inventory=5.0, time_left=tau)
    )
    assert quote.reservation == 100.0
    assert quote.half_spread == pytest.approx(math.log1p(0.1 / 1.5) / 0.1, rel=1e-14)


@given(gamma=gammas, k=decays, sigma=st.floats(0.01, 5.0), tau=st.floats(0.0, 100.0), q=st.integers(-50, 50))
def test_quotes_are_reservation_price_plus_and_minus_half_of_the_total_spread(
    gamma: float, k: float, sigma: float, tau: float, q: int
) -> None:
    quote = build("AvellanedaStoikov", {"gamma": gamma, "k": k, "sigma": sigma}).quote(
        state(mid=100.0, inventory=float(q), time_left=tau)
    )
    reservation = 100.0 - q * gamma * sigma**2 * tau
    spread = gamma * sigma**2 * tau + 2 / gamma * math.log(1 + gamma / k)
    scale = 1e-9 * (1 + abs(reservation))
    assert quote.reservation == pytest.approx(reservation, abs=scale)
    assert quote.bids[0].price == pytest.approx(reservation - spread / 2, abs=scale)
    assert quote.asks[0].price == pytest.approx(reservation + spread / 2, abs=scale)


@given(
    gamma=gammas, k=decays, sigma=st.floats(0.1, 2.0), tau=st.floats(0.1, 10.0), unit=st.floats(0.01, 100.0)
)
def test_quotes_in_another_price_unit_are_the_same_quotes(
    gamma: float, k: float, sigma: float, tau: float, unit: float
) -> None:
    here = build("AvellanedaStoikov", {"gamma": gamma, "k": k, "sigma": sigma})
    there = build("AvellanedaStoikov", {"gamma": gamma * unit, "k": k * unit, "sigma": sigma / unit})
    one = here.quote(state(mid=100.0, inventory=3.0, time_left=tau))
    other = there.quote(state(mid=100.0 / unit, inventory=3.0, time_left=tau))
    assert other.bids[0].price * unit == pytest.approx(one.bids[0].price, rel=1e-9, abs=1e-9)
    assert other.asks[0].price * unit == pytest.approx(one.asks[0].price, rel=1e-9, abs=1e-9)


@given(gamma=gammas, k=decays, size=st.floats(0.1, 20.0), orders=st.integers(-10, 10))
def test_orders_of_several_lots_are_the_same_problem_counted_in_orders(
    gamma: float, k: float, size: float, orders: int
) -> None:
    """With an order as unit: σ' = Δσ, k' = k/Δ, γ unchanged, and offsets come out Δ times as large."""
    sized = build("AvellanedaStoikov", {"gamma": gamma, "k": k, "sigma": 0.5, "qty": size})
    unit = build("AvellanedaStoikov", {"gamma": gamma, "k": k / size, "sigma": 0.5 * size})
    held = state(mid=0.0, inventory=orders * size, time_left=2.0)
    counted = state(mid=0.0, inventory=float(orders), time_left=2.0)
    one, other = offsets(sized.quote(held), 0.0), offsets(unit.quote(counted), 0.0)
    assert [size * x for x in one if x is not None] == pytest.approx(list(other), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "low", "high", "sign"), [("sigma", 1.0, 2.0, 1), ("time_left", 1.0, 2.0, 1), ("k", 1.0, 2.0, -1)]
)
def test_spread_rises_with_volatility_and_time_and_falls_with_k(
    name: str, low: float, high: float, sign: int
) -> None:
    def spread(value: float) -> float:
        params = {"gamma": 0.1, "k": 1.5, "sigma": 1.0} | ({name: value} if name != "time_left" else {})
        tau = value if name == "time_left" else 1.0
        half = build("AvellanedaStoikov", params).quote(state(time_left=tau)).half_spread
        assert half is not None
        return half

    assert sign * (spread(high) - spread(low)) > 0


@given(gamma=st.floats(1e-3, 2.0), sigma=st.floats(0.1, 3.0), limit=st.integers(1, 20), data=st.data())
def test_infinite_horizon_solves_its_indifference_condition(
    gamma: float, sigma: float, limit: int, data: st.DataObject
) -> None:
    """v(x + ra, s, q - 1) = v(x, s, q) and v(x - rb, s, q + 1) = v(x, s, q), in 50 digits."""
    q = data.draw(st.integers(-limit, limit))
    quote = build("AvellanedaStoikov", {
        "gamma": gamma, "sigma": sigma, "k": 1.5, "horizon": "infinite", "maxInventory": limit,
    }).quote(state(mid=10.0, inventory=float(q)))  # fmt: skip
    premium = fill_premium(gamma, 1.5)
    mp.dps = 50
    omega = mpf(gamma) ** 2 * mpf(sigma) ** 2 * (limit + 1) ** 2 / 2

    def value(cash: mpf, held: int) -> mpf:
        wealth = mp.exp(-mpf(gamma) * (cash + held * 10))
        return -wealth / (omega - mpf(gamma) ** 2 * mpf(sigma) ** 2 * held**2 / 2)

    if quote.asks:
        indifferent = quote.asks[0].price - premium
        assert float(value(mpf(indifferent), q - 1) / value(mpf(0), q)) == pytest.approx(1.0, abs=1e-9)
    if quote.bids:
        indifferent = quote.bids[0].price + premium
        assert float(value(-mpf(indifferent), q + 1) / value(mpf(0), q)) == pytest.approx(1.0, abs=1e-9)
    assert bool(quote.bids) == (q < limit)
    assert bool(quote.asks) == (q > -limit)


@pytest.mark.parametrize(
    ("known", "params"),
    [
        ({"inventory": 10.5}, {"maxInventory": 10}),
        ({"inventory": -10.5}, {"maxInventory": 10, "horizon": "infinite"}),
        ({"sigma": 0.0}, {"maxInventory": 10, "horizon": "infinite"}),
        ({"correlated_inventory": 1.0}, {"maxInventory": 10, "horizon": "infinite"}),
        ({"sigma": 1e200}, {}),
    ],
)
def test_states_outside_the_domain_are_refused(known: dict[str, float], params: dict[str, object]) -> None:
    with pytest.raises(RefusalError):
        build("AvellanedaStoikov", {"gamma": 0.1, "k": 1.5, **params}).quote(state(**known))


@pytest.mark.parametrize(
    "params",
    [{"horizon": "infinite"}, {"horizon": "infinite", "maxInventory": 9, "gamma": 0}, {"maxInventory": 0.5}],
)
def test_parameters_that_contradict_each_other_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(InputError, match="maxInventory"):
        build("AvellanedaStoikov", {"gamma": 0.1, "k": 1.5, **params})


def test_each_side_quotes_by_its_own_intensity() -> None:
    from quoting_policy.domain import FillHazard

    market = state(fill_hazard_bid=FillHazard(1.0, 0.5), fill_hazard_ask=FillHazard(1.0, 2.0), time_left=0.0)
    quote = build("AvellanedaStoikov", {"gamma": 0.1}).quote(market)
    assert offsets(quote, 1000.0) == pytest.approx(
        (fill_premium(0.1, 0.5), fill_premium(0.1, 2.0)), rel=1e-12
    )


def test_risk_of_correlated_positions_moves_the_reservation_price_like_own_inventory() -> None:
    quoting = build("AvellanedaStoikov", {"gamma": 0.1, **PAPER})
    own = quoting.quote(state(inventory=5.0))
    shared = quoting.quote(state(inventory=2.0, correlated_inventory=3.0))
    assert shared == own
