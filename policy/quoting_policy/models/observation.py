"""What a learned policy may look at: one vocabulary for inference and training.

Every feature is dimensionless or has its unit divided out, never a raw price: prices are counted in the
policy's price unit (usually a tick), positions in its largest inventory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from quoting_policy.domain import FillHazard, MarketState
from quoting_policy.models.contract import RefusalError


class Scales(NamedTuple):
    """price_unit: price, > 0. max_inventory: lots, > 0."""

    price_unit: float
    max_inventory: float


class Feature(NamedTuple):
    """needs: fields of MarketState. of: the value. meaning: for people."""

    needs: tuple[str, ...]
    of: Callable[[MarketState, Scales], float]
    meaning: str


def _known(value: float | None) -> float:
    if value is None:
        raise RefusalError("an input of the observation is missing")
    return value


def _imbalance(state: MarketState, _: Scales) -> float:
    bid, ask = _known(state.bid_qty), _known(state.ask_qty)
    return (bid - ask) / (bid + ask)  # both 0: no signal, the division refuses


def _hazard(hazard: FillHazard | None) -> FillHazard:
    if hazard is None:
        raise RefusalError("a fill hazard of the observation is missing")
    return hazard


def _latency(state: MarketState, name: str) -> float:
    if state.latency is None:
        raise RefusalError("the latency of the observation is missing")
    value: float = getattr(state.latency, name)
    return value


FEATURES = {
    "inventory": Feature((), lambda s, u: s.inventory / u.max_inventory, "q/Q"),
    "correlated_inventory": Feature(
        (), lambda s, u: s.correlated_inventory / u.max_inventory, "risk of other positions, in q/Q"
    ),
    "spread": Feature(
        ("best_bid", "best_ask"),
        lambda s, u: (_known(s.best_ask) - _known(s.best_bid)) / u.price_unit,
        "market spread in price units",
    ),
    "imbalance": Feature(("bid_qty", "ask_qty"), _imbalance, "(Q_b - Q_a)/(Q_b + Q_a)"),
    "sigma": Feature(("sigma",), lambda s, u: _known(s.sigma) / u.price_unit, "σ in price units/√s"),
    "time_left": Feature(("time_left",), lambda s, _: _known(s.time_left), "τ, s"),
    "feed_latency": Feature(("latency",), lambda s, _: _latency(s, "feed"), "s"),
    "order_latency": Feature(("latency",), lambda s, _: _latency(s, "order"), "s"),
    "depth": Feature(("depth",), lambda s, u: _known(s.depth) / u.max_inventory, "depth/Q"),
    "toxicity": Feature(("toxicity",), lambda s, _: _known(s.toxicity), "[0, 1]"),
    "competition": Feature(("competition",), lambda s, _: _known(s.competition), "[0, 1]"),
    "alpha": Feature(("alpha",), lambda s, u: _known(s.alpha) / u.price_unit, "in price units"),
    "drift": Feature(("drift",), lambda s, u: _known(s.drift) / u.price_unit, "in price units/s"),
    "log_intensity_bid": Feature(
        ("fill_hazard_bid",), lambda s, _: math.log(_hazard(s.fill_hazard_bid).A), "ln A, A in 1/s"
    ),
    "log_intensity_ask": Feature(
        ("fill_hazard_ask",), lambda s, _: math.log(_hazard(s.fill_hazard_ask).A), "ln A, A in 1/s"
    ),
    "decay_bid": Feature(
        ("fill_hazard_bid",), lambda s, u: _hazard(s.fill_hazard_bid).k * u.price_unit, "k per price unit"
    ),
    "decay_ask": Feature(
        ("fill_hazard_ask",), lambda s, u: _hazard(s.fill_hazard_ask).k * u.price_unit, "k per price unit"
    ),
}
"""Name of a feature -> how to make it from the state."""


def observe(state: MarketState, names: Sequence[str], scales: Scales) -> list[float]:
    """The features of a state, in order. Raises RefusalError where one is missing or not finite."""
    values = [FEATURES[name].of(state, scales) for name in names]
    if not math.isfinite(math.fsum(values)):
        raise RefusalError("an observation is not finite")
    return values
