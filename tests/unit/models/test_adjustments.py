"""Latency, toxicity, market spread, depth and alpha, around any model."""

from __future__ import annotations

import math

import pytest

from quoting_policy.domain import Latency
from quoting_policy.models import RefusalError, build
from tests.unit.models.markets import PARAMETERS, model, offsets, state


def quoted(params: dict[str, object], **known: object) -> tuple[float | None, float | None]:
    return offsets(build("FixedSpread", {"halfSpread": 2.0, **params}).quote(state(**known)), 1000.0)


def test_latency_widens_by_c_sigma_root_theta() -> None:
    extra = 1.5 * 0.4 * math.sqrt(0.01 + 0.03)
    params = {"latencyWidening": 1.5}
    assert quoted(params, sigma=0.4, latency=Latency(0.01, 0.03)) == pytest.approx((2 + extra, 2 + extra))


def test_a_fixed_volatility_wins_over_the_states_in_the_latency_term_too() -> None:
    params = {"latencyWidening": 1.0, "sigma": 2.0}
    assert quoted(params, sigma=9.0, latency=Latency(0.02, 0.02)) == pytest.approx((2.4, 2.4))


def test_toxicity_stretches_distances_from_the_reservation_price() -> None:
    assert quoted({"toxicityWidening": 2.0}, toxicity=0.25) == pytest.approx((3.0, 3.0))


def test_the_half_spread_is_at_least_the_share_of_the_markets() -> None:
    assert quoted({"marketSpreadShare": 0.5}, best_bid=990.0, best_ask=1010.0) == pytest.approx((5.0, 5.0))
    assert quoted({"marketSpreadShare": 0.5}, best_bid=999.0, best_ask=1001.0) == pytest.approx((2.0, 2.0))


def test_alpha_moves_both_quotes() -> None:
    assert quoted({"alphaSkew": 0.5}, alpha=1.0) == pytest.approx((1.5, 2.5))


def test_sizes_are_a_share_of_the_depth_and_no_depth_is_no_quote() -> None:
    quoting = build("FixedSpread", {"halfSpread": 2.0, "qty": 10, "depthShare": 0.1})
    assert quoting.quote(state(depth=30.0)).bids[0].qty == pytest.approx(3.0)
    assert quoting.quote(state(depth=1000.0)).bids[0].qty == 10.0
    with pytest.raises(RefusalError):
        quoting.quote(state(depth=0.0))


def test_a_crossed_market_has_no_spread_to_share() -> None:
    with pytest.raises(RefusalError, match=r"state.bestAsk: 999.0 must be > state.bestBid = 1001.0"):
        quoted({"marketSpreadShare": 1.0}, best_bid=1001.0, best_ask=999.0)


def test_adjustments_add_up_in_their_order() -> None:
    params = {"toxicityWidening": 1.0, "latencyWidening": 1.0, "alphaSkew": 1.0, "marketSpreadShare": 4.0}
    bid, ask = quoted(params, toxicity=0.5, sigma=1.0, latency=Latency(0.04, 0.05), alpha=0.1)
    assert (bid, ask) == pytest.approx((max(2 * 1.5 + 0.3, 4.0) - 0.1, max(2 * 1.5 + 0.3, 4.0) + 0.1))


@pytest.mark.parametrize("which", PARAMETERS)
def test_every_model_is_wider_with_latency_and_no_different_without_adjustments(which: str) -> None:
    plain, slow = model(which).quote(state()), model(which, latencyWidening=1.0).quote(state())
    extra = 0.3 * math.sqrt(0.03)
    assert slow.reservation == pytest.approx(plain.reservation)
    for one, other in zip(offsets(plain, 1000.0), offsets(slow, 1000.0), strict=True):
        assert one is not None
        assert other == pytest.approx(one + extra)


def test_a_one_sided_quote_is_adjusted_on_its_side() -> None:
    quoting = build("LinearSkew", {
        "baseSpread": 4.0, "inventorySkew": 0.0, "maxInventory": 10, "toxicityWidening": 1.0,
    })  # fmt: skip
    quote = quoting.quote(state(inventory=10.0, toxicity=1.0))
    assert offsets(quote, 1000.0) == (None, pytest.approx(4.0))
    assert quote.half_spread is None
