"""Adjustments that every model can ask for: latency, toxicity, market spread, depth, alpha.

They act on a model's answer, around its reservation price, in this order: the distance of each level is
stretched by toxicity, widened for latency, raised to a share of the market's half spread; the centre moves
by alpha; sizes are cut to a share of the depth. All are off by default, and one that is on makes its
inputs needed: without them there is no quote.
"""

from __future__ import annotations

import math

from pydantic import Field

from quoting_policy.domain import Level, MarketState, RawQuote
from quoting_policy.models.contract import (
    FailClosed,
    Parameters,
    PricePerRootSecond,
    QuotingModel,
    Ratio,
    RefusalError,
    check_state,
    layered,
)


class AdjustableParameters(Parameters):
    """Parameters that every model has beside its own."""

    sigma: PricePerRootSecond | None = Field(
        default=None, ge=0, description="Absolute volatility of the mid; wins over the state's."
    )
    latency_widening: Ratio = Field(
        default=0,
        ge=0,
        description="c: each side widens by c·σ·√θ, θ = feed + order latency: the mid moves that far while "
        "a quote cannot be changed.",
    )
    toxicity_widening: Ratio = Field(
        default=0,
        ge=0,
        description="w: each distance from the reservation price is multiplied by 1 + w·toxicity.",
    )
    market_spread_share: Ratio = Field(
        default=0, ge=0, description="The half spread is at least this share of the market's half spread."
    )
    depth_share: Ratio | None = Field(
        default=None, gt=0, le=1, description="Each level is at most this share of the market's depth."
    )
    alpha_skew: Ratio = Field(
        default=0,
        ge=0,
        description="Both quotes move by this multiple of alpha, the expected move of the mid.",
    )


class Adjusted(FailClosed):
    """A model and the adjustments its parameters ask for; :func:`adjusted` says whether there are any."""

    def __init__(self, model: QuotingModel, params: AdjustableParameters) -> None:
        self.name = model.name
        self.model = model
        self._params = params
        self._inputs = _inputs(params)
        self.needs = model.needs | self._inputs

    def propose(self, state: MarketState) -> RawQuote:
        """The model's quote, adjusted."""
        check_state(state, self._inputs)
        raw = self.model.quote(state)
        params = self._params
        stretch = (
            1.0 + params.toxicity_widening * (state.toxicity or 0.0) if params.toxicity_widening else 1.0
        )
        widen = _latency_widening(params, state)
        shift = params.alpha_skew * (state.alpha or 0.0) if params.alpha_skew else 0.0
        most = math.inf if params.depth_share is None else params.depth_share * (state.depth or 0.0)
        if params.market_spread_share:
            widen += _to_market_spread(params, state, raw, stretch, widen)
        centre = raw.reservation

        def moved(level: Level, sign: float) -> Level:
            distance = sign * (level.price - centre) * stretch + widen
            return Level(centre + shift + sign * distance, min(level.qty, most))

        bids = tuple(moved(level, -1.0) for level in raw.bids)
        asks = tuple(moved(level, 1.0) for level in raw.asks)
        return layered(bids, asks, reservation=centre + shift)


def _latency_widening(params: AdjustableParameters, state: MarketState) -> float:
    sigma = state.sigma if params.sigma is None else params.sigma
    if not params.latency_widening or state.latency is None or sigma is None:
        return 0.0
    return params.latency_widening * sigma * math.sqrt(state.latency.feed + state.latency.order)


def _to_market_spread(
    params: AdjustableParameters, state: MarketState, raw: RawQuote, stretch: float, widen: float
) -> float:
    """What is missing to the wished share of the market's half spread, price, >= 0."""
    if state.best_bid is None or state.best_ask is None:
        raise RefusalError("the market's spread is missing")
    if state.best_ask <= state.best_bid:
        raise RefusalError.of("state.bestAsk", state.best_ask, f"> state.bestBid = {state.best_bid!r}")
    floor = 0.5 * params.market_spread_share * (state.best_ask - state.best_bid)
    distances = [raw.reservation - level.price for level in raw.bids[:1]]
    distances += [level.price - raw.reservation for level in raw.asks[:1]]
    return max(0.0, floor - stretch * min(distances) - widen)


def _inputs(params: AdjustableParameters) -> frozenset[str]:
    asked = {
        "latency": params.latency_widening > 0,
        "sigma": params.latency_widening > 0 and params.sigma is None,
        "toxicity": params.toxicity_widening > 0,
        "best_bid": params.market_spread_share > 0,
        "best_ask": params.market_spread_share > 0,
        "depth": params.depth_share is not None,
        "alpha": params.alpha_skew > 0,
    }
    return frozenset(name for name, on in asked.items() if on)


def adjusted(model: QuotingModel, params: Parameters) -> QuotingModel:
    """The model itself where its parameters ask for no adjustment, else the model with them."""
    if isinstance(params, AdjustableParameters) and _inputs(params):
        return Adjusted(model, params)
    return model
