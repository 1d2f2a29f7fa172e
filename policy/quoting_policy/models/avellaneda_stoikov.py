"""AvellanedaStoikov: inventory risk against fill intensity, under exponential utility.

M. Avellaneda and S. Stoikov, High-frequency trading in a limit order book, Quantitative Finance 8 (2008).
"""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import Field, model_validator

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.closed_form import (
    ClosedFormParameters,
    Horizon,
    decays,
    needed_hazards,
    needed_sigma,
    volatility,
)
from quoting_policy.models.contract import FailClosed, Lots, Parameters, RefusalError, RiskAversion, two_sided
from quoting_policy.models.registry import register


def fill_premium(risk_aversion: float, k: float) -> float:
    """``ln(1 + γ/k)/γ``, price: what a fill must earn beside the indifference price; 1/k where γ -> 0.

    risk_aversion: 1/(price·lot), >= 0, for fills of one lot. k: decay of the intensity, 1/price, > 0.
    """
    ratio = risk_aversion / k
    return (1.0 - 0.5 * ratio) / k if ratio < 1e-8 else math.log1p(ratio) / risk_aversion


class AvellanedaStoikovParameters(ClosedFormParameters):
    """Parameters of :class:`AvellanedaStoikov`. ``A`` plays no part in this model's formulas."""

    gamma: RiskAversion = Field(ge=0, description="γ: risk aversion; > 0 for the infinite horizon.")
    horizon: Horizon = Field(
        default="finite", description="finite: the state's timeLeft is τ. infinite: a stationary quote."
    )
    max_inventory: Lots | None = Field(
        default=None, gt=0, description="Q: no bid beyond it, no ask below -Q; the infinite horizon needs it."
    )

    @model_validator(mode="after")
    def _infinite_horizon(self) -> Self:
        if self.horizon == "infinite" and (self.max_inventory is None or self.gamma <= 0.0):
            raise ValueError("given with gamma > 0 and maxInventory > 0 where horizon is infinite")
        if self.max_inventory is not None and self.max_inventory < self.qty:
            raise ValueError(f"such that maxInventory = {self.max_inventory!r} holds qty = {self.qty!r}")
        return self


@register
class AvellanedaStoikov(FailClosed):
    """Reservation price ``s - qγσ²τ``, total spread ``γσ²τ + (2/γ)ln(1 + γ/k)`` (eq. 29-30).

    With orders of Δ lots: ``δᵇ = ln(1 + γΔ/k)/(γΔ) + (Δ + 2q)/2·γσ²τ``, the ask with ``Δ - 2q``. Each side
    uses its own k. The infinite horizon uses the indifference prices of the stationary problem (section
    2.3 of the paper, with the ask corrected so that it solves its own indifference condition).
    """

    name: ClassVar[str] = "AvellanedaStoikov"
    parameters: ClassVar[type[Parameters]] = AvellanedaStoikovParameters
    reads: ClassVar[tuple[str, ...]] = (
        "mid",
        "inventory",
        "correlatedInventory",
        "sigma",
        "timeLeft",
        "fillHazard",
    )

    def __init__(self, params: AvellanedaStoikovParameters) -> None:
        self._gamma = params.gamma
        self._qty = params.qty
        self._sigma = params.sigma
        self._k = params.k
        self._is_finite = params.horizon == "finite"
        self._limit = math.inf if params.max_inventory is None else params.max_inventory
        self._hazards: tuple[object, ...] = ()
        self._premiums = (math.nan, math.nan)
        self.needs = needed_hazards(params, intensity=False) | needed_sigma(params)
        if self._is_finite:
            self.needs |= {"time_left"}

    def propose(self, state: MarketState) -> RawQuote:
        """Quotes around the reservation price."""
        hazards = state.fill_hazard_bid, state.fill_hazard_ask
        if hazards != self._hazards:
            self._premiums, self._hazards = self._premiums_of(state), hazards
        bid_premium, ask_premium = self._premiums
        inventory, qty, limit = state.inventory, self._qty, self._limit
        if not -limit <= inventory <= limit:
            raise RefusalError.of("state.inventory", inventory, f"in [-{limit!r}, {limit!r}] lots")
        bid_risk, ask_risk, shift = self._finite(state) if self._is_finite else self._infinite(state)
        bid = bid_premium + bid_risk if inventory + qty <= limit else None
        ask = ask_premium + ask_risk if inventory - qty >= -limit else None
        return two_sided(state.mid, bid, ask, qty, qty, state.mid + shift)

    def _finite(self, state: MarketState) -> tuple[float, float, float]:
        """Distance of the indifference bid and ask from the mid, and of the reservation price; price."""
        sigma, tau = self._sigma, state.time_left
        if sigma is None:
            sigma = state.sigma
        if sigma is None or tau is None or not (sigma >= 0.0 and tau >= 0.0):
            raise RefusalError("sigma or time_left is outside its domain")
        risk = self._gamma * sigma * sigma * tau
        shift = -(state.inventory + state.correlated_inventory) * risk
        width = 0.5 * self._qty * risk
        return width - shift, width + shift, shift

    def _infinite(self, state: MarketState) -> tuple[float, float, float]:
        """The same for the stationary problem with ω = ½γ²σ²(Q + 1)², in which σ cancels."""
        if volatility(self._sigma, state) == 0.0:
            raise RefusalError.of("state.sigma", 0.0, "> 0 price/√s", "or set horizon: finite")
        if state.correlated_inventory != 0.0:
            raise RefusalError.of(
                "state.correlatedInventory", state.correlated_inventory, "0", "or set horizon: finite"
            )
        held, wall = state.inventory / self._qty, self._limit / self._qty + 1.0
        room = wall * wall - held * held
        scale = 1.0 / (self._gamma * self._qty)
        bid = -scale * math.log1p(-(1.0 + 2.0 * held) / room) if held + 1.0 < wall else math.inf
        ask = -scale * math.log1p(-(1.0 - 2.0 * held) / room) if held - 1.0 > -wall else math.inf
        if math.isinf(bid) or math.isinf(ask):
            return bid, ask, ask if math.isinf(bid) else -bid
        return bid, ask, 0.5 * (ask - bid)

    def _premiums_of(self, state: MarketState) -> tuple[float, float]:
        k_bid, k_ask = decays(self._k, state)
        risk_aversion = self._gamma * self._qty
        bid = fill_premium(risk_aversion, k_bid)
        return (bid, bid) if k_ask == k_bid else (bid, fill_premium(risk_aversion, k_ask))
