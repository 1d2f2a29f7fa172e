"""Ladder: spread factors, layers, zones, toxicity and the fee rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import Level, MarketState, RawQuote
from quoting_policy.errors import InputError
from quoting_policy.models import RefusalError, build
from quoting_policy.models.zones import Zone, adding_share, zone
from tests.unit.models.markets import offsets, state

PARAMS: dict[str, object] = {
    "minEdge": 0.5, "floor": 0.1, "sigmaReference": 0.2, "inventorySkew": 1.0, "maxInventory": 100, "qty": 20,
}  # fmt: skip


def ladder(known: dict[str, object] | None = None, **params: object) -> RawQuote:
    whole = {"sigma": 0.2, "toxicity": 0.0, "competition": 0.0, **(known or {})}
    return build("Ladder", {**PARAMS, **params}).quote(state(**whole))


def sizes(levels: tuple[Level, ...]) -> list[float]:
    return [level.qty for level in levels]


def test_three_layers_at_one_two_and_four_half_spreads_with_the_given_split() -> None:
    quote = ladder()
    assert [1000.0 - level.price for level in quote.bids] == pytest.approx([0.5, 1.0, 2.0])
    assert [level.price - 1000.0 for level in quote.asks] == pytest.approx([0.5, 1.0, 2.0])
    assert sizes(quote.bids) == sizes(quote.asks) == pytest.approx([8.0, 7.0, 5.0])


@pytest.mark.parametrize(
    ("params", "known", "half"),
    [
        ({"makerFee": 0.001}, {}, 1.5),
        ({"makerFee": -0.0002}, {}, 0.3),
        ({"makerFee": -0.001}, {}, 0.1),
        ({}, {"sigma": 0.3}, 0.75),
        ({}, {"sigma": 0.1}, 0.5),
        ({}, {"sigma": 9.0}, 1.5),
        ({"competitionTightening": 0.4}, {"competition": 0.5}, 0.4),
        ({"competitionTightening": 0.9}, {"competition": 1.0}, 0.1),
        ({"correlationWidening": 1.0, "inventorySkew": 0.0}, {"correlated_inventory": -50.0}, 0.75),
        ({"correlationWidening": 1.0, "inventorySkew": 0.0}, {"correlated_inventory": 900.0}, 1.0),
        ({}, {"toxicity": 0.5}, 0.75),
        ({"makerFee": 0.0005}, {"sigma": 0.3, "toxicity": 1.0}, 3.0),
    ],
)
def test_half_spread_is_fee_and_edge_times_the_factors_never_below_the_floor(
    params: dict[str, object], known: dict[str, object], half: float
) -> None:
    assert ladder(known, **params).half_spread == pytest.approx(half)


def test_centre_leans_against_the_position_once() -> None:
    flat, long, short = (ladder({"inventory": q}) for q in (0.0, 20.0, -20.0))
    assert long.reservation == pytest.approx(1000.0 - 0.2)
    assert short.reservation == pytest.approx(1000.0 + 0.2)
    assert long.half_spread == short.half_spread == pytest.approx(flat.half_spread)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (0.0, Zone.GREEN), (0.2999, Zone.GREEN), (-0.3, Zone.YELLOW), (0.6999, Zone.YELLOW),
        (0.7, Zone.RED), (-1.0, Zone.RED), (1.0001, Zone.FLATTEN), (float("inf"), Zone.FLATTEN),
    ],
)  # fmt: skip
def test_zones_are_half_open_and_cover_everything(fill: float, expected: Zone) -> None:
    assert zone(fill) is expected


@given(fill=st.floats(-3.0, 3.0))
def test_share_of_the_adding_side_is_full_in_green_and_nothing_from_red_on(fill: float) -> None:
    share = adding_share(fill)
    assert 0.0 <= share <= 1.0
    assert (share == 1.0) == (abs(fill) <= 0.3)
    assert (share == 0.0) == (abs(fill) >= 0.7)


def test_not_a_number_is_in_no_zone() -> None:
    with pytest.raises(RefusalError):
        zone(float("nan"))


def test_yellow_shrinks_the_adding_side_only() -> None:
    quote = ladder({"inventory": 50.0})
    assert sum(sizes(quote.bids)) == pytest.approx(10.0)
    assert sum(sizes(quote.asks)) == pytest.approx(20.0)


@pytest.mark.parametrize("inventory", [70.0, 100.0])
def test_red_only_reduces(inventory: float) -> None:
    long, short = ladder({"inventory": inventory}), ladder({"inventory": -inventory})
    assert long.bids == short.asks == ()
    assert sum(sizes(long.asks)) == sum(sizes(short.bids)) == pytest.approx(20.0)
    assert long.half_spread is None


def test_beyond_the_limit_one_layer_at_the_floor_flattens() -> None:
    quote = ladder({"inventory": 150.0}, toxicityWidening=0.0)
    assert quote.bids == ()
    assert sizes(quote.asks) == [20.0]
    assert quote.asks[0].price == pytest.approx(quote.reservation + 0.1)


def test_reducing_never_turns_a_red_position_round() -> None:
    quote = ladder({"inventory": 80.0}, qty=500)
    assert sum(sizes(quote.asks)) == pytest.approx(80.0)


@given(inventory=st.floats(-150.0, 150.0), qty=st.floats(0.1, 1000.0), toxicity=st.floats(0.0, 1.0))
def test_no_fill_of_the_adding_side_passes_the_limit(inventory: float, qty: float, toxicity: float) -> None:
    quote = ladder({"inventory": inventory, "toxicity": toxicity}, qty=qty)
    if inventory >= 0 and quote.bids:
        assert inventory + sum(sizes(quote.bids)) <= 100.0 + 1e-9
    if inventory <= 0 and quote.asks:
        assert inventory - sum(sizes(quote.asks)) >= -100.0 - 1e-9


def test_toxic_flow_halves_sizes_and_doubles_distances() -> None:
    calm, toxic = ladder(), ladder({"toxicity": 1.0})
    assert offsets(toxic, 1000.0) == pytest.approx(tuple(2 * x for x in offsets(calm, 1000.0) if x))
    assert sizes(toxic.bids) == pytest.approx([0.5 * qty for qty in sizes(calm.bids)])


def test_layers_under_the_smallest_size_or_worth_are_left_out() -> None:
    assert sizes(ladder(minQty=6.0).bids) == pytest.approx([8.0, 7.0])
    assert len(ladder(minNotional=6000.0).bids) == 2
    with pytest.raises(RefusalError, match="smallest sizes in the green zone"):
        ladder(minQty=9.0)
    with pytest.raises(RefusalError):
        ladder({"toxicity": 1.0}, minQty=5.0)


def test_layers_that_do_not_earn_fee_and_adverse_selection_are_left_out() -> None:
    assert len(ladder(makerFee=0.0002, adverseSelection=0.6).bids) == 2
    with pytest.raises(RefusalError, match="no layer passes fees"):
        ladder(adverseSelection=5.0)
    assert ladder(makerFee=-0.0004, adverseSelection=0.3).half_spread == pytest.approx(0.1), (
        "a rebate pays for it"
    )


def test_both_sides_pass_the_fee_rule_or_neither_so_that_a_skew_never_drops_the_reducing_side() -> None:
    quote = ladder({"inventory": 29.0}, makerFee=0.0001, inventorySkew=5.0, adverseSelection=0.4)
    assert len(quote.bids) == len(quote.asks) > 0


def test_a_red_position_is_reduced_even_where_that_costs_the_fee() -> None:
    assert ladder({"inventory": 90.0}, adverseSelection=50.0).asks


@given(
    inventory=st.floats(-300.0, 300.0), sigma=st.floats(0.0, 10.0), toxicity=st.floats(0.0, 1.0),
    fee=st.floats(-0.01, 0.01), mid=st.floats(0.01, 1e6),
)  # fmt: skip
def test_layers_are_sorted_and_sides_never_cross(
    inventory: float, sigma: float, toxicity: float, fee: float, mid: float
) -> None:
    market: MarketState = state(mid=mid, inventory=inventory, sigma=sigma, toxicity=toxicity)
    try:
        quote = build("Ladder", {**PARAMS, "makerFee": fee, "toxicityWidening": 0}).quote(market)
    except RefusalError:
        return
    prices = [level.price for level in (*reversed(quote.bids), *quote.asks)]
    assert prices == sorted(prices)
    assert len(set(prices)) == len(prices)
    assert all(price > 0 for price in prices)


@pytest.mark.parametrize(
    "params",
    [
        {"spacing": [1, 2], "split": [0.5, 0.3, 0.2]},
        {"spacing": [2, 3, 4]},
        {"spacing": [1, 3, 2]},
        {"spacing": [1, 2, float("nan")]},
        {"split": [0.5, 0.5, 0.5]},
        {"split": [1.2, -0.1, -0.1]},
        {"spacing": [], "split": []},
        {"makerFee": 1.5},
        {"floor": 0},
    ],
)
def test_parameters_that_make_no_ladder_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(InputError):
        ladder(**params)


def test_a_price_that_is_not_positive_has_no_notional() -> None:
    with pytest.raises(RefusalError, match=r"state.mid: -1.0 must be > 0"):
        ladder({"mid": -1.0})
