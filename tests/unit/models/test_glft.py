"""GLFT: the reference table, shapes of the solution, and its limits."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.domain import FillHazard
from quoting_policy.errors import InputError
from quoting_policy.models import RefusalError, build
from quoting_policy.models.avellaneda_stoikov import fill_premium
from tests.unit.models.markets import CALIBRATED, offsets, state

TABLE = {"gamma": 0.01, "maxInventory": 30, **CALIBRATED}
SIZED = {"gamma": 0.05, "sigma": 10.69, "A": 2.986162360812285, "k": 0.04235741115084049, "method": "closed"}


def at(params: dict[str, object], inventory: float, **known: float) -> tuple[float | None, float | None]:
    return offsets(build("GLFT", params).quote(state(mid=0.0, inventory=inventory, **known)), 0.0)


@pytest.mark.parametrize(
    ("inventory", "method", "bid", "ask"),
    [
        (0.0, "exact", 3.313045, 3.313045),
        (0.0, "closed", 3.312915, 3.312915),
        (5.0, "exact", 3.653479, 2.972522),
        (5.0, "closed", 3.652244, 2.973586),
    ],
)
def test_reference_table_in_ticks(inventory: float, method: str, bid: float, ask: float) -> None:
    params = {**TABLE, "method": method, "horizon": "finite"}
    assert at(params, inventory, time_left=600.0) == pytest.approx((bid, ask), abs=1e-6)


def test_reference_of_the_closed_form_with_order_size() -> None:
    quoting = build("GLFT", SIZED)
    flat, long = (quoting.quote(state(mid=0.0, inventory=q)) for q in (0.0, 1.0))
    assert flat.half_spread == pytest.approx(20.47208533844371, rel=1e-13)
    assert flat.reservation - long.reservation == pytest.approx(9.76326865029227, rel=1e-13)


@given(size=st.floats(0.2, 5.0), inventory=st.integers(-8, 8), fills=st.floats(0.0, 0.1))
@settings(max_examples=25)
@pytest.mark.parametrize("method", ["exact", "closed"])
def test_orders_of_several_lots_are_the_same_problem_counted_in_orders(
    method: str, size: float, inventory: int, fills: float
) -> None:
    """With an order as unit: σ' = Δσ, k' = k/Δ, drift, jump and fee times Δ, and offsets Δ times as large."""
    common = {"gamma": 0.01, "A": 0.9, "method": method, "fillRiskAversion": fills}
    sized = {
        "sigma": 0.3,
        "k": 0.3,
        "qty": size,
        "drift": 1e-5,
        "xi": 0.1,
        "fee": 0.2,
        "maxInventory": 10 * size,
    }
    unit = {
        "sigma": 0.3 * size, "k": 0.3 / size, "drift": 1e-5 * size, "xi": 0.1 * size, "fee": 0.2 * size,
        "maxInventory": 10,
    }  # fmt: skip
    one, other = at({**common, **sized}, inventory * size), at({**common, **unit}, float(inventory))
    assert [size * x for x in one if x is not None] == pytest.approx([*other], rel=1e-6, abs=1e-9)


def test_bid_offsets_rise_and_ask_offsets_fall_with_inventory() -> None:
    quotes = [at(TABLE, float(q)) for q in range(-30, 31)]
    bids = [bid for bid, _ in quotes if bid is not None]
    asks = [ask for _, ask in quotes if ask is not None]
    assert len(bids) == len(asks) == 60
    assert all(a < b for a, b in itertools.pairwise(bids))
    assert all(a > b for a, b in itertools.pairwise(asks))


def test_no_bid_at_the_upper_limit_and_no_ask_at_the_lower() -> None:
    for method in ("exact", "closed"):
        assert at({**TABLE, "method": method}, 30.0)[0] is None
        assert at({**TABLE, "method": method}, -30.0)[1] is None
        assert at({**TABLE, "method": method}, 29.5)[0] is None
    with pytest.raises(RefusalError, match=r"state.inventory: 31.0 must be in \[-30.0, 30.0\] lots"):
        at(TABLE, 31.0)


@pytest.mark.parametrize("inventory", [0.0, 5.0, 15.0])
def test_spread_rises_with_volatility_and_falls_with_intensity_inside_half_of_the_limit(
    inventory: float,
) -> None:
    def spread(**more: float) -> float:
        bid, ask = at({**TABLE, **more}, inventory)
        assert bid is not None
        assert ask is not None
        return bid + ask

    for method in ("exact", "closed"):
        way = {"method": method}
        assert spread(sigma=0.6, **way) > spread(sigma=0.3, **way)  # type: ignore[arg-type]  # one table of both
        assert spread(A=1.8, **way) < spread(A=0.9, **way)  # type: ignore[arg-type]  # one table of both
        assert spread(k=0.6, **way) < spread(k=0.3, **way)  # type: ignore[arg-type]  # one table of both


@pytest.mark.parametrize("inventory", [0.0, 10.0, 20.0])
def test_bid_offset_of_a_long_position_rises_with_risk_and_moves_against_intensity(inventory: float) -> None:
    bid = at(TABLE, inventory)[0]
    riskier, busier = at({**TABLE, "sigma": 0.4}, inventory)[0], at({**TABLE, "A": 1.2}, inventory)[0]
    assert bid is not None
    assert riskier is not None
    assert busier is not None
    assert riskier > bid > busier


@pytest.mark.parametrize("inventory", [-3.0, 0.0, 4.0])
def test_a_short_horizon_is_avellaneda_stoikov_to_first_order(inventory: float) -> None:
    tau = 1e-3
    exact = at({**TABLE, "horizon": "finite", "A": 1e-6}, inventory, time_left=tau)
    simple = build("AvellanedaStoikov", {"gamma": 0.01, **CALIBRATED})
    expected = offsets(simple.quote(state(mid=0.0, inventory=inventory, time_left=tau)), 0.0)
    start = fill_premium(0.01, 0.3)
    for one, other in zip(exact, expected, strict=True):
        assert one is not None
        assert other is not None
        assert one - start == pytest.approx(other - start, rel=1e-5, abs=1e-12)


def test_a_long_horizon_is_the_stationary_solution() -> None:
    finite = {**TABLE, "horizon": "finite"}
    for inventory in (-30.0, -29.0, 0.0, 17.0, 30.0):
        long = at(finite, inventory, time_left=20_000.0)
        assert long == pytest.approx(at(TABLE, inventory), abs=1e-10)


def test_a_new_calibration_replaces_the_solution_and_an_old_one_returns() -> None:
    quoting = build("GLFT", {"gamma": 0.01, "maxInventory": 30})
    one, other = FillHazard(0.9, 0.3), FillHazard(2.0, 0.5)
    first = quoting.quote(state(fill_hazard_bid=one, fill_hazard_ask=one))
    second = quoting.quote(state(fill_hazard_bid=other, fill_hazard_ask=other))
    assert second != first
    assert quoting.quote(state(fill_hazard_bid=FillHazard(0.9, 0.3), fill_hazard_ask=one)) == first


def test_a_fixed_calibration_is_solved_when_the_model_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has a time budget of its own."""
    quoting = build("GLFT", TABLE)
    expected = build("GLFT", TABLE).quote(state())
    monkeypatch.setattr(
        "quoting_policy.models.grid_model.stationary", lambda grid: pytest.fail("solved again")
    )
    assert quoting.quote(state()) == expected


def test_a_fixed_calibration_without_a_solution_refuses_at_each_request() -> None:
    quoting = build("GLFT", {**TABLE, "sigma": 1e200})
    for _ in range(2):
        with pytest.raises(RefusalError):
            quoting.quote(state())


def test_a_refused_calibration_leaves_no_trace() -> None:
    quoting = build("GLFT", {"gamma": 0.01, "maxInventory": 30})
    good = quoting.quote(state())
    with pytest.raises(RefusalError):
        quoting.quote(state(sigma=1e200))
    with pytest.raises(RefusalError):
        quoting.quote(state(sigma=1e200))
    assert quoting.quote(state()) == good


def test_the_jump_widens_and_a_fee_is_passed_on() -> None:
    for method in ("exact", "closed"):
        plain, jumpy = (at({**TABLE, "method": method, "xi": xi}, 0.0)[0] for xi in (0.0, 0.5))
        charged = at({**TABLE, "method": method, "fee": 0.5}, 0.0)[0]
        assert plain is not None
        assert jumpy is not None
        assert charged is not None
        assert jumpy > plain + 0.25
        assert charged > plain + 0.5


@pytest.mark.parametrize("method", ["exact", "closed"])
def test_closed_form_terms_of_jump_fee_and_drift(method: str) -> None:
    """The closed form against its formula, and the exact one close to it in the middle."""
    gamma, sigma, A, k, xi, fee, mu = 0.01, 0.3, 0.9, 0.3, 0.4, 0.1, 1e-5  # noqa: N806  # the field's letter
    rate = A * math.exp(-k * fee)
    slope = (
        sigma * math.sqrt(gamma / (2 * k * rate) * (1 + gamma / k) ** (1 + k / gamma)) * math.exp(k * xi / 4)
    )
    premium = math.log1p(gamma / k) / gamma + xi / 2 + fee
    params = {**TABLE, "xi": xi, "fee": fee, "drift": mu, "method": method}
    bid, ask = at(params, 2.0)
    tolerance = 1e-12 if method == "closed" else 2e-3
    assert bid == pytest.approx(premium + (2.5 - mu / (gamma * sigma**2)) * slope, abs=tolerance)
    assert ask == pytest.approx(premium + (-1.5 + mu / (gamma * sigma**2)) * slope, abs=tolerance)


def test_between_grid_points_offsets_lie_between_their_neighbours() -> None:
    low, middle, high = (at(TABLE, q)[0] for q in (3.0, 3.4, 4.0))
    assert low is not None
    assert middle is not None
    assert high is not None
    assert middle == pytest.approx(low + 0.4 * (high - low), abs=1e-12)


def test_sides_with_different_decay_need_the_closed_form() -> None:
    market = state(fill_hazard_bid=FillHazard(0.9, 0.3), fill_hazard_ask=FillHazard(0.9, 0.4))
    with pytest.raises(RefusalError, match="method: closed"):
        build("GLFT", {"gamma": 0.01, "maxInventory": 30}).quote(market)
    assert build("GLFT", {"gamma": 0.01, "method": "closed"}).quote(market).bids


def test_different_intensities_lean_towards_the_busier_side() -> None:
    """Buyers (who hit our ask) come twice as often: selling is easy, so the quote leans up."""
    market = state(fill_hazard_bid=FillHazard(0.5, 0.3), fill_hazard_ask=FillHazard(1.0, 0.3))
    assert build("GLFT", {"gamma": 0.01, "maxInventory": 30}).quote(market).reservation > 1000.0


def test_drift_without_risk_has_no_closed_form() -> None:
    params = {**TABLE, "gamma": 0.0, "method": "closed"}
    assert at(params, 0.0) == pytest.approx((1 / 0.3, 1 / 0.3))
    with pytest.raises(RefusalError, match=r"state.drift"):
        at(params, 0.0, drift=0.1)
    with pytest.raises(RefusalError, match=r"state.drift"):
        at(params, 0.0, drift=math.nan)


def test_risk_of_correlated_positions_acts_like_own_inventory_away_from_the_limits() -> None:
    closed = {**TABLE, "method": "closed"}
    assert at(closed, 2.0, correlated_inventory=3.0) == pytest.approx(at(closed, 5.0), abs=1e-12)
    assert at(TABLE, 2.0, correlated_inventory=3.0) == pytest.approx(at(TABLE, 5.0), abs=2e-3)


@pytest.mark.parametrize(
    "params",
    [{"gamma": 1}, {"gamma": 1, "maxInventory": 0.5}, {"gamma": 1, "maxInventory": 301}, {"gamma": -1}],
)
def test_parameters_without_a_solution_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build("GLFT", params)
