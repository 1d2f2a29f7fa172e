"""Models and states that tests share: every model of the registry with sound parameters."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from quoting_policy.domain import FillHazard, Latency, MarketState, RawQuote
from quoting_policy.models import QuotingModel, build, model_class, names

CALIBRATED = {"sigma": 0.3, "A": 0.9, "k": 0.3}
"""The calibration of the reference table in ticks (Gueant, Lehalle and Fernandez-Tapia 2013)."""

PARAMETERS: dict[str, tuple[str, dict[str, object]]] = {
    "fixed": ("FixedSpread", {"halfSpread": 2.0}),
    "linear skew": (
        "LinearSkew",
        {"baseSpread": 4.0, "inventorySkew": 1.5, "maxInventory": 30, "volatilityAdjustment": 0.5},
    ),
    "avellaneda-stoikov": ("AvellanedaStoikov", {"gamma": 0.01}),
    "avellaneda-stoikov infinite": (
        "AvellanedaStoikov",
        {"gamma": 0.01, "horizon": "infinite", "maxInventory": 30},
    ),
    "glft closed": ("GLFT", {"gamma": 0.01, "method": "closed", "maxInventory": 30}),
    "glft exact": ("GLFT", {"gamma": 0.01, "maxInventory": 30}),
    "glft finite": ("GLFT", {"gamma": 0.01, "maxInventory": 30, "horizon": "finite", "xi": 0.2}),
    "cartea-jaimungal": ("CarteaJaimungal", {"phi": 0.001, "alpha": 0.01, "maxInventory": 30}),
    "ladder": (
        "Ladder",
        {
            "minEdge": 1.0,
            "makerFee": 0.001,
            "floor": 0.5,
            "sigmaReference": 0.2,
            "inventorySkew": 1.5,
            "maxInventory": 30,
            "qty": 10,
            "competitionTightening": 0.3,
            "correlationWidening": 0.5,
        },
    ),
}
"""Name in test ids -> model and parameters; limits of 30 lots."""


def shipped() -> list[str]:
    """Names of the models of this package; other tests may have registered some of their own."""
    return [name for name in names() if model_class(name).__module__.startswith("quoting_policy.models.")]


def model(which: str, **more: object) -> QuotingModel:
    """One of PARAMETERS, with further parameters."""
    name, params = PARAMETERS[which]
    return build(name, {**params, **more})


def state(**known: object) -> MarketState:
    """A complete state in which every model quotes."""
    hazard = FillHazard(0.9, 0.3)
    whole = {
        "mid": 1000.0,
        "best_bid": 999.0,
        "best_ask": 1001.0,
        "bid_qty": 5.0,
        "ask_qty": 7.0,
        "inventory": 0.0,
        "sigma": 0.3,
        "time_left": 60.0,
        "fill_hazard_bid": hazard,
        "fill_hazard_ask": hazard,
        "latency": Latency(0.01, 0.02),
        "depth": 40.0,
        "toxicity": 0.2,
        "alpha": 0.0,
        "drift": 0.0,
        "competition": 0.4,
    }
    return MarketState(**{**whole, **known})  # type: ignore[arg-type]  # a table of all fields


def mirrored(market: MarketState) -> MarketState:
    """Sides swapped about the mid; inventory and everything that points up or down negated."""
    return msgspec.structs.replace(
        market,
        best_bid=None if market.best_ask is None else 2 * market.mid - market.best_ask,
        best_ask=None if market.best_bid is None else 2 * market.mid - market.best_bid,
        bid_qty=market.ask_qty,
        ask_qty=market.bid_qty,
        inventory=-market.inventory,
        fill_hazard_bid=market.fill_hazard_ask,
        fill_hazard_ask=market.fill_hazard_bid,
        alpha=None if market.alpha is None else -market.alpha,
        drift=None if market.drift is None else -market.drift,
        correlated_inventory=-market.correlated_inventory,
    )


def offsets(quote: RawQuote, mid: float) -> tuple[float | None, float | None]:
    """Distances of best bid and best ask from the mid."""
    bid = mid - quote.bids[0].price if quote.bids else None
    ask = quote.asks[0].price - mid if quote.asks else None
    return bid, ask


inventories = st.integers(-30, 30).map(float)
market_states = st.builds(
    state,
    inventory=inventories,
    sigma=st.floats(0.01, 1.0),
    time_left=st.floats(0.0, 3600.0),
    alpha=st.floats(-2.0, 2.0),
    drift=st.floats(-1e-4, 1e-4),
    toxicity=st.floats(0.0, 1.0),
    competition=st.floats(0.0, 1.0),
)
