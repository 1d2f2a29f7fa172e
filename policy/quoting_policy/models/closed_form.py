"""Parameters and calibration that the models of the literature share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quoting_policy.domain import MarketState
from quoting_policy.models.adjustments import AdjustableParameters
from quoting_policy.models.contract import Lots, PerPrice, PerSecond, RefusalError, is_intensity

Horizon = Literal["finite", "infinite"]


class ClosedFormParameters(AdjustableParameters):
    """What Avellaneda-Stoikov, GLFT and Cartea-Jaimungal have in common.

    ``sigma``, ``A`` and ``k`` fix the calibration and then win over the state's, on both sides.
    """

    A: PerSecond | None = Field(
        default=None,
        alias="A",
        gt=0,
        description="Fill intensity at the mid, λ(δ) = A·exp(-kδ); wins over the state's.",
    )
    k: PerPrice | None = Field(
        default=None, gt=0, description="Decay of the fill intensity with distance; wins over the state's."
    )
    qty: Lots = Field(default=1.0, gt=0, description="Δ: size of each quote; inventory moves by it a fill.")


HAZARDS = frozenset({"fill_hazard_bid", "fill_hazard_ask"})


def needed_hazards(params: ClosedFormParameters, *, intensity: bool) -> frozenset[str]:
    """Fill hazards that the state must bring: none where the parameters fix k (and A, if it is used)."""
    fixed = params.k is not None and (params.A is not None or not intensity)
    return frozenset() if fixed else HAZARDS


def needed_sigma(params: ClosedFormParameters) -> frozenset[str]:
    """``sigma``, unless the parameters fix it."""
    return frozenset({"sigma"} if params.sigma is None else ())


def volatility(fixed: float | None, state: MarketState) -> float:
    """The fixed volatility or the state's, price/√s. Raises RefusalError where it is missing or negative."""
    sigma = state.sigma if fixed is None else fixed
    if sigma is None or not sigma >= 0.0:
        raise RefusalError("sigma is not a volatility")
    return sigma


def decays(fixed: float | None, state: MarketState) -> tuple[float, float]:
    """Decay k of our bid and of our ask, 1/price. Raises RefusalError where one is missing or unsound."""
    if fixed is not None:
        return fixed, fixed
    bid, ask = state.fill_hazard_bid, state.fill_hazard_ask
    if bid is None or ask is None or not (is_intensity(bid) and is_intensity(ask)):
        raise RefusalError("a fill hazard is missing or outside its domain")
    return bid.k, ask.k


def intensities(fixed: float | None, state: MarketState) -> tuple[float, float]:
    """Intensity A of our bid and of our ask, 1/s. Raises RefusalError where one is missing or unsound."""
    if fixed is not None:
        return fixed, fixed
    bid, ask = state.fill_hazard_bid, state.fill_hazard_ask
    if bid is None or ask is None or not (is_intensity(bid) and is_intensity(ask)):
        raise RefusalError("a fill hazard is missing or outside its domain")
    return bid.A, ask.A
