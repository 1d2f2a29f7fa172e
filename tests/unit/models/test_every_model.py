"""What holds for every model of the registry."""

from __future__ import annotations

import math
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.domain import FillHazard, Latency, MarketState
from quoting_policy.errors import InputError
from quoting_policy.models import RefusalError, build, model_class
from tests.unit.models.markets import PARAMETERS, market_states, mirrored, model, offsets, shipped, state

everyone = pytest.mark.parametrize("which", PARAMETERS)


def test_every_registered_model_is_tested_here() -> None:
    assert {name for name, _ in PARAMETERS.values()} | {"MLP"} == set(shipped())


@everyone
@settings(max_examples=25)
@given(market=market_states)
def test_bid_is_below_ask_and_sizes_are_positive(which: str, market: MarketState) -> None:
    quote = model(which).quote(market)
    prices = [level.price for level in (*reversed(quote.bids), *quote.asks)]
    assert prices == sorted(set(prices))
    assert prices
    assert all(math.isfinite(price) for price in prices)
    assert all(level.qty > 0 for level in (*quote.bids, *quote.asks))


@everyone
@settings(max_examples=25)
@given(market=market_states)
def test_mirrored_market_gives_the_mirrored_quote(which: str, market: MarketState) -> None:
    quoting = model(which, alphaSkew=1.0)
    bid, ask = offsets(quoting.quote(market), market.mid)
    other_bid, other_ask = offsets(quoting.quote(mirrored(market)), market.mid)
    assert bid == pytest.approx(other_ask, abs=1e-7)
    assert ask == pytest.approx(other_bid, abs=1e-7)


@everyone
@settings(max_examples=20)
@given(market=market_states, shift=st.floats(-500.0, 500.0))
def test_a_shifted_market_gives_the_shifted_quote(which: str, market: MarketState, shift: float) -> None:
    quoting = model(which, **({"makerFee": 0.0} if which == "ladder" else {}))
    shifted = msgspec.structs.replace(market, mid=market.mid + shift)
    assert offsets(quoting.quote(market), market.mid) == pytest.approx(
        offsets(quoting.quote(shifted), shifted.mid), abs=1e-7
    )


@everyone
@given(market=market_states)
@settings(max_examples=20)
def test_the_same_state_gives_the_same_quote_whatever_came_before(which: str, market: MarketState) -> None:
    used = model(which)
    used.quote(state(inventory=3.0, sigma=0.7, time_left=11.0))
    assert used.quote(market) == model(which).quote(market)


@pytest.mark.parametrize("which", [which for which in PARAMETERS if which != "fixed"])
@pytest.mark.parametrize("inventory", [10.0, 20.0])
def test_a_long_position_lowers_both_quotes_and_a_short_one_raises_both(which: str, inventory: float) -> None:
    quoting = model(which)
    flat_bid, flat_ask = offsets(quoting.quote(state()), 1000.0)
    for sign in (1.0, -1.0):
        bid, ask = offsets(quoting.quote(state(inventory=sign * inventory)), 1000.0)
        assert flat_bid is not None
        assert flat_ask is not None
        assert bid is None or sign * (bid - flat_bid) > 0
        assert ask is None or sign * (ask - flat_ask) < 0


@everyone
def test_each_needed_input_is_refused_when_missing_or_outside_its_domain(which: str) -> None:
    quoting = model(which, latencyWidening=1.0, depthShare=0.5, marketSpreadShare=1.0, alphaSkew=1.0)
    bad_values: dict[str, list[object]] = {
        "fill_hazard_bid": [FillHazard(-1.0, 0.3), FillHazard(0.9, 0.0), FillHazard(0.9, math.nan)],
        "fill_hazard_ask": [FillHazard(math.inf, 0.3), FillHazard(0.9, -0.3)],
        "latency": [Latency(-1.0, 0.0), Latency(0.0, math.nan)],
        "sigma": [-0.1],
        "time_left": [-1.0],
        "depth": [-1.0],
        "toxicity": [-0.1, 1.1],
        "competition": [-0.1, 1.1],
    }
    assert quoting.needs >= {"latency", "depth", "best_bid", "best_ask", "alpha"}
    for name in quoting.needs:
        for value in [None, *bad_values.get(name, []), *([] if name[:4] in {"fill", "late"} else [math.nan])]:
            with pytest.raises(RefusalError, match=r"^state\.\w+") as refusal:
                quoting.quote(state(**{name: value}))
            assert refusal.value.field.startswith("state.")


@everyone
@pytest.mark.parametrize("name", ["mid", "inventory"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_mid_and_inventory_must_be_finite(which: str, name: str, value: float) -> None:
    with pytest.raises(RefusalError):
        model(which).quote(state(**{name: value}))


@everyone
@pytest.mark.parametrize("mid", [1e17, 1e300])
def test_offsets_that_vanish_beside_the_mid_are_no_quote(which: str, mid: float) -> None:
    quoting = model(which, **({"makerFee": 0.0} if which == "ladder" else {}))
    with pytest.raises(RefusalError):
        quoting.quote(state(mid=mid))


@everyone
def test_needs_are_among_what_the_model_says_it_reads(which: str) -> None:
    name, _ = PARAMETERS[which]
    reads = getattr(model_class(name), "reads", ())
    on_the_wire = {"fill_hazard_bid": "fillHazard", "fill_hazard_ask": "fillHazard", "time_left": "timeLeft"}
    needs = {on_the_wire.get(need, need) for need in model(which, **_no_toxicity(which)).needs}
    assert needs <= set(reads)


def _no_toxicity(which: str) -> dict[str, object]:
    return {"toxicityWidening": 0.0} if which == "ladder" else {}


@everyone
def test_parameters_fix_the_calibration_and_win_over_the_state(which: str) -> None:
    name, _ = PARAMETERS[which]
    fixed: dict[str, object] = {"sigma": 0.3}
    if name in {"AvellanedaStoikov", "GLFT", "CarteaJaimungal"}:
        fixed |= {"A": 0.9, "k": 0.3}
    quoting = model(which, **fixed)
    assert not quoting.needs & {"sigma", "fill_hazard_bid", "fill_hazard_ask"}
    wild = FillHazard(77.0, 7.0)
    elsewhere = state(inventory=2.0, sigma=9.0, fill_hazard_bid=wild, fill_hazard_ask=wild)
    assert quoting.quote(elsewhere) == model(which).quote(state(inventory=2.0))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"params.gamma: None must be given >= 0; .*risk.*\[1/\(price·lot\)\]"),
        ({"gamma": -1}, r"params.gamma: -1 must be a finite number >= 0"),
        ({"gamma": math.nan}, r"params.gamma: nan must be a finite number >= 0"),
        ({"gamma": True}, r"params.gamma: True must be a finite number >= 0"),
        ({"gamma": "much"}, r"params.gamma: 'much' must be a finite number >= 0"),
        ({"gamma": 1, "kappa": 2}, r"params.kappa: 2 must be left out; known parameters: A, alphaSkew"),
        ({"gamma": 1, "horizon": "long"}, r"params.horizon: 'long' must be one of 'finite' or 'infinite'"),
        ({"gamma": 1, "depthShare": 2}, r"params.depthShare: 2 must be a finite number > 0 and <= 1"),
    ],
)
def test_a_bad_parameter_is_named_with_value_and_range(params: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("AvellanedaStoikov", params)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"model: 'Magic' must be one of .*FixedSpread"):
        build("Magic", {})


def test_models_without_matrices_do_not_load_numpy() -> None:
    """A sidecar has 60 MiB for fifty instruments."""
    script = (
        "import sys; from quoting_policy.models import build;"
        "build('FixedSpread', {'halfSpread': 1}); build('AvellanedaStoikov', {'gamma': 1});"
        "build('GLFT', {'gamma': 1, 'maxInventory': 9}); build('LinearSkew', {'baseSpread': 1,"
        "'inventorySkew': 1, 'maxInventory': 9}); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
