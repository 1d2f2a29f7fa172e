"""CarteaJaimungal: expected wealth with a running and a terminal penalty on inventory.

A. Cartea, S. Jaimungal and J. Penalva, Algorithmic and High-Frequency Trading, Cambridge University Press
(2015), sections 10.2 (market making) and 10.4 (adverse selection).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.closed_form import ClosedFormParameters, Horizon
from quoting_policy.models.contract import (
    Lots,
    Number,
    Parameters,
    Price,
    PricePerSecond,
    RefusalError,
    Unit,
)
from quoting_policy.models.glft import MAX_ORDERS
from quoting_policy.models.grid_model import Calibrated, Calibration, GridSolution, one_decay, orders_held
from quoting_policy.models.inventory_grid import InventoryGrid
from quoting_policy.models.registry import register


class CarteaJaimungalParameters(ClosedFormParameters):
    """Parameters of :class:`CarteaJaimungal`; the book's λ is ``A`` here, its κ is ``k``."""

    phi: Annotated[Number, Unit("price/(lot·s)")] = Field(
        ge=0, description="φ: running penalty φ·q² a second; plays the part of ½γσ²."
    )
    alpha: Annotated[Number, Unit("price/lot")] = Field(
        default=0,
        ge=0,
        description="α: penalty α·q² on what is held at the end; of no effect for an infinite horizon.",
    )
    epsilon: Price = Field(
        default=0,
        ge=0,
        description="ε: the mid jumps by it with every market order, whether it fills us or not.",
    )
    drift: PricePerSecond | None = Field(
        default=None, description="μ: drift of the mid; wins over the state's, 0 where neither is given."
    )
    horizon: Horizon = Field(
        default="finite", description="finite: the state's timeLeft. infinite: stationary."
    )
    max_inventory: Lots = Field(gt=0, description="Q: no bid beyond it, no ask below -Q.")

    @model_validator(mode="after")
    def _grid(self) -> Self:
        if not 1.0 <= self.max_inventory / self.qty <= MAX_ORDERS:
            raise ValueError(f"such that maxInventory/qty is in [1, {MAX_ORDERS}]")
        return self


@register
class CarteaJaimungal(Calibrated):
    """``δᵇ = 1/κ + ε + h(q) - h(q + 1)``, ``δᵃ = 1/κ + ε + h(q) - h(q - 1)``, h = ln(exp(Kτ)z)/κ."""

    name: ClassVar[str] = "CarteaJaimungal"
    parameters: ClassVar[type[Parameters]] = CarteaJaimungalParameters
    reads: ClassVar[tuple[str, ...]] = (
        "mid",
        "inventory",
        "correlatedInventory",
        "timeLeft",
        "fillHazard",
        "drift",
    )

    def __init__(self, params: CarteaJaimungalParameters) -> None:
        super().__init__(params, params.drift, uses_sigma=False)
        self._params = params
        self._limit = params.max_inventory
        self._qty = params.qty
        if params.horizon == "finite":
            self.needs |= {"time_left"}
        self._solution: GridSolution | None = None
        self.solve_if_fixed()

    def propose(self, state: MarketState) -> RawQuote:
        """Quotes at the state's inventory; a new calibration is solved first."""
        inventory, limit = state.inventory, self._limit
        if not abs(inventory) <= limit:
            raise RefusalError.of("state.inventory", inventory, f"in [-{limit!r}, {limit!r}] lots")
        self.prepare(state)
        if self._solution is None:
            raise RefusalError("not solved")
        return self._solution.quote(state, self._qty)

    def solve(self, calibration: Calibration) -> None:
        """Solve on the grid."""
        self._solution = self._on_grid(calibration)

    def _on_grid(self, calibration: Calibration) -> GridSolution:
        params, k = self._params, one_decay(calibration)
        thinning = math.exp(-1.0 - k * params.epsilon)
        imbalance = params.epsilon * (calibration.intensity_ask - calibration.intensity_bid)
        curvature = k * params.phi * params.qty
        grid = InventoryGrid(
            curvature=curvature,
            slope=k * (calibration.drift + imbalance) - 2.0 * curvature * calibration.correlated / params.qty,
            bid_rate=calibration.intensity_bid * thinning,
            ask_rate=calibration.intensity_ask * thinning,
            terminal=params.alpha * k * params.qty,
            limit=orders_held(self._limit, params.qty),
        )
        premium = 1.0 / k + params.epsilon
        return GridSolution.of(grid, k, premium, premium, finite=params.horizon == "finite")
