"""GLFT: market making with bounded inventory under exponential utility, exact and in closed form.

O. Gueant, C.-A. Lehalle and J. Fernandez-Tapia, Dealing with the inventory risk: a solution to the market
making problem, Mathematics and Financial Economics 7 (2013); order size and the separate risk aversion of
fills: O. Gueant, Optimal market making, Applied Mathematical Finance 24 (2017), eq. 4.6-4.7.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.avellaneda_stoikov import fill_premium
from quoting_policy.models.closed_form import ClosedFormParameters, Horizon
from quoting_policy.models.contract import (
    Lots,
    Parameters,
    Price,
    PricePerSecond,
    RefusalError,
    RiskAversion,
    two_sided,
)
from quoting_policy.models.grid_model import Calibrated, Calibration, GridSolution, one_decay, orders_held
from quoting_policy.models.inventory_grid import InventoryGrid
from quoting_policy.models.registry import register

MAX_ORDERS = 300
"""Largest grid: inventories of up to this many orders on either side."""


class GLFTParameters(ClosedFormParameters):
    """Parameters of :class:`GLFT`.

    Two quantities are called ξ in the literature. ``xi`` is the jump of the mid against us on our own
    fills (2013, section 5); the risk aversion of fills, ξ in the paper of 2017, is ``fillRiskAversion``.
    """

    gamma: RiskAversion = Field(ge=0, description="γ: aversion to the risk of holding inventory.")
    fill_risk_aversion: RiskAversion | None = Field(
        default=None,
        ge=0,
        description="Aversion to the risk of not being filled (ξ of Guéant 2017); gamma if absent.",
    )
    xi: Price = Field(
        default=0, ge=0, description="ξ: the mid jumps by it against us on our own fills (adverse selection)."
    )
    drift: PricePerSecond | None = Field(
        default=None, description="μ: drift of the mid; wins over the state's, 0 where neither is given."
    )
    fee: Price = Field(default=0, description="Cost of a fill a lot, < 0 is a rebate.")
    method: Literal["exact", "closed"] = Field(
        default="exact",
        description="exact: the solution on the grid of inventories. closed: the asymptotic formula, off by "
        "10 % and more beside ±Q.",
    )
    horizon: Horizon = Field(
        default="infinite",
        description="finite: exact at the state's timeLeft. infinite: stationary, as closed always is.",
    )
    max_inventory: Lots | None = Field(
        default=None, gt=0, description="Q: no bid beyond it, no ask below -Q; the exact method needs it."
    )

    @model_validator(mode="after")
    def _grid(self) -> Self:
        if self.max_inventory is None:
            if self.method == "exact":
                raise ValueError("given with maxInventory > 0 where method is exact")
            return self
        if self.max_inventory < self.qty:
            raise ValueError(f"such that maxInventory = {self.max_inventory!r} holds qty = {self.qty!r}")
        if self.method == "exact" and self.max_inventory / self.qty > MAX_ORDERS:
            raise ValueError(f"such that maxInventory/qty <= {MAX_ORDERS} where method is exact")
        return self


class _Asymptote(NamedTuple):
    """Closed form of one side: offset = premium + (half an order ± position at risk) x slope."""

    premium: float
    slope: float


@register
class GLFT(Calibrated):
    """Exact: ``δᵇ = c + ln(v_q/v_{q+1})/k``; closed: ``δᵇ = c + (2q + 1)/2·R``, the ask mirrored.

    c = ln(1 + γ/k)/γ, R = σ√(γ/(2kA)·(1 + γ/k)^(1 + k/γ)), v from :mod:`inventory_grid`. Inventory is
    counted in orders of ``qty`` lots. Fees and the jump ξ enter as in the source: A·e^(-k·fee), offsets
    + fee + ξ/2. In the closed form each side has its own A and k; the exact one needs one k.
    """

    name: ClassVar[str] = "GLFT"
    parameters: ClassVar[type[Parameters]] = GLFTParameters
    reads: ClassVar[tuple[str, ...]] = (
        "mid",
        "inventory",
        "correlatedInventory",
        "sigma",
        "timeLeft",
        "fillHazard",
        "drift",
    )

    def __init__(self, params: GLFTParameters) -> None:
        super().__init__(params, params.drift, uses_sigma=True)
        self._params = params
        self._qty = params.qty
        self._limit = math.inf if params.max_inventory is None else params.max_inventory
        fills = params.gamma if params.fill_risk_aversion is None else params.fill_risk_aversion
        self._per_order = fills * params.qty
        self._is_exact = params.method == "exact"
        if self._is_exact and params.horizon == "finite":
            self.needs |= {"time_left"}
        self._exact: GridSolution | None = None
        self._closed = (_Asymptote(0.0, 0.0), _Asymptote(0.0, 0.0), 0.0)
        self.solve_if_fixed()

    def propose(self, state: MarketState) -> RawQuote:
        """Quotes at the state's inventory; a new calibration is solved first."""
        inventory, limit = state.inventory, self._limit
        if not -limit <= inventory <= limit:
            raise RefusalError.of("state.inventory", inventory, f"in [-{limit!r}, {limit!r}] lots")
        self.prepare(state)
        if self._exact is not None:
            return self._exact.quote(state, self._qty)
        return self._asymptotic(state)

    def solve(self, calibration: Calibration) -> None:
        """Solve on the grid, or evaluate the closed form's coefficients."""
        if self._is_exact:
            self._exact = self._on_grid(calibration)
        else:
            bid = self._side(calibration.sigma, calibration.intensity_bid, calibration.k_bid)
            ask = self._side(calibration.sigma, calibration.intensity_ask, calibration.k_ask)
            self._closed = (bid, ask, calibration.correlated - self._drift_in_lots(calibration))

    def _asymptotic(self, state: MarketState) -> RawQuote:
        (bid_premium, bid_slope), (ask_premium, ask_slope), lean = self._closed
        inventory, qty, limit = state.inventory, self._qty, self._limit
        at_risk = (inventory + lean) / qty
        bid_offset = bid_premium + (0.5 + at_risk) * bid_slope if inventory + qty <= limit else None
        ask_offset = ask_premium + (0.5 - at_risk) * ask_slope if inventory - qty >= -limit else None
        shift = -0.5 * at_risk * (bid_slope + ask_slope)
        return two_sided(state.mid, bid_offset, ask_offset, qty, qty, state.mid + shift)

    def _premium(self, k: float) -> float:
        return fill_premium(self._per_order, k) + 0.5 * self._params.xi + self._params.fee

    def _side(self, sigma: float, intensity: float, k: float) -> _Asymptote:
        params = self._params
        rate = intensity * math.exp(-k * params.fee)
        risk = params.gamma * params.qty / (2.0 * k * rate) * _fill_power(self._per_order / k)
        return _Asymptote(self._premium(k), sigma * math.sqrt(risk) * math.exp(0.25 * k * params.xi))

    def _drift_in_lots(self, calibration: Calibration) -> float:
        """Inventory whose risk outweighs the drift, μ/(γσ²), lots."""
        if calibration.drift == 0.0:
            return 0.0
        variance = self._params.gamma * calibration.sigma**2
        if not variance > 0.0:
            raise RefusalError.of(
                "state.drift", calibration.drift, "0 where gamma·sigma² is 0", "or use method: exact"
            )
        return calibration.drift / variance

    def _on_grid(self, calibration: Calibration) -> GridSolution:
        params, k = self._params, one_decay(calibration)
        curvature = 0.5 * k * params.gamma * params.qty * calibration.sigma**2
        thinning = math.exp(-k * (params.fee + 0.5 * params.xi)) / _fill_power(self._per_order / k)
        grid = InventoryGrid(
            curvature=curvature,
            slope=k * calibration.drift - 2.0 * curvature * calibration.correlated / params.qty,
            bid_rate=calibration.intensity_bid * thinning,
            ask_rate=calibration.intensity_ask * thinning,
            terminal=0.5 * k * params.xi,
            limit=orders_held(self._limit, params.qty),
        )
        premium = self._premium(k)
        return GridSolution.of(grid, k, premium, premium, finite=params.horizon == "finite")


def _fill_power(ratio: float) -> float:
    """``(1 + ratio)^(1 + 1/ratio)``, e where ratio -> 0."""
    return math.e if ratio < 1e-8 else math.exp((1.0 + 1.0 / ratio) * math.log1p(ratio))
