"""Ladder: up to N layers a side around a skewed centre, with inventory zones and a rule about fees."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar, Self

from pydantic import Field, model_validator

from quoting_policy.domain import Level, MarketState, RawQuote
from quoting_policy.models.adjustments import AdjustableParameters
from quoting_policy.models.contract import (
    FailClosed,
    Lots,
    Number,
    Parameters,
    Price,
    PricePerRootSecond,
    Ratio,
    RefusalError,
    check_state,
    layered,
)
from quoting_policy.models.linear_skew import skew
from quoting_policy.models.registry import register
from quoting_policy.models.zones import Zone, adding_share, zone

MAX_LAYERS = 10
_AT_ONCE = ((1.0, 1.0),)
"""Beyond the limit: one layer with all of it."""


class LadderParameters(AdjustableParameters):
    """Parameters of :class:`Ladder`. Distances are half spreads: of one side, from the centre."""

    min_edge: Price = Field(
        gt=0,
        description="Profit wished from a fill after its fee; with the fee it is the half spread in calm.",
    )
    maker_fee: Ratio = Field(
        default=0, gt=-1, lt=1, description="Fee of a maker fill, fraction of notional; < 0 is a rebate."
    )
    floor: Price = Field(
        gt=0, description="Half spread is never less, whatever the rebate; at least half a tick."
    )
    sigma_reference: PricePerRootSecond = Field(gt=0, description="Volatility at which the factor is 1.")
    volatility_cap: Ratio = Field(
        default=3, ge=1, description="The volatility factor is σ/sigmaReference, kept in [1, volatilityCap]."
    )
    competition_tightening: Ratio = Field(
        default=0,
        ge=0,
        lt=1,
        description="Competition factor 1 - this·competition; competition is needed if > 0.",
    )
    correlation_widening: Ratio = Field(
        default=0, ge=0, description="Correlation factor 1 + this·min(1, |correlated inventory|/Q)."
    )
    inventory_skew: Price = Field(ge=0, description="κ: shift of the centre at a full position, against it.")
    steepening: Ratio = Field(
        default=0.5, ge=0, description="c: extra skew between 70 % and 100 % of the limit."
    )
    max_inventory: Lots = Field(gt=0, description="Q: the zones are fractions of it.")
    qty: Lots = Field(default=1.0, gt=0, description="Size of a side over all its layers.")
    spacing: tuple[Number, ...] = Field(
        default=(1.0, 2.0, 4.0),
        description="Distance of each layer, in half spreads; rising, the first is 1.",
    )
    split: tuple[Number, ...] = Field(
        default=(0.40, 0.35, 0.25), description="Share of qty in each layer; one a layer, > 0, sum 1."
    )
    min_qty: Lots = Field(default=0, ge=0, description="A layer below it is left out.")
    min_notional: Number = Field(default=0, ge=0, description="A layer worth less is left out, money.")
    toxicity_widening: Ratio = Field(
        default=1,
        ge=0,
        description="w: each distance is multiplied by 1 + w·toxicity; 1 doubles it at toxicity 1.",
    )
    toxicity_size_cut: Ratio = Field(
        default=0.5, ge=0, le=1, description="Sizes are multiplied by 1 - this·toxicity."
    )
    adverse_selection: Price = Field(
        default=0,
        ge=0,
        description="Expected move against us after a fill; a layer must earn it and the fee.",
    )

    @model_validator(mode="after")
    def _layers(self) -> Self:
        spacing, split = self.spacing, self.split
        if not 1 <= len(spacing) <= MAX_LAYERS or len(spacing) != len(split):
            raise ValueError(f"such that spacing and split have the same length, 1 to {MAX_LAYERS}")
        if spacing[0] != 1.0 or any(b <= a for a, b in itertools.pairwise(spacing)):
            raise ValueError(f"such that spacing = {spacing!r} starts at 1 and rises")
        if min(split) <= 0.0 or not math.isclose(math.fsum(split), 1.0, rel_tol=1e-9):
            raise ValueError(f"such that split = {split!r} has shares > 0 with sum 1")
        return self


@register
class Ladder(FailClosed):
    """``half = max(floor, (minEdge + makerFee·mid)·volatility·competition·correlation)``, centre against q.

    The toxicity factor and the latency widening stretch all layers (see the adjustments). Zones: green in
    full; yellow shrinks the side that adds; red and beyond quote only the side that reduces; beyond the
    limit that side is one layer at the floor. Fee rule: a layer whose distance from the reservation price
    does not exceed fee and adverse selection is left out; reducing a red position is exempt.
    """

    name: ClassVar[str] = "Ladder"
    parameters: ClassVar[type[Parameters]] = LadderParameters
    reads: ClassVar[tuple[str, ...]] = (
        "mid",
        "inventory",
        "correlatedInventory",
        "sigma",
        "toxicity",
        "competition",
    )

    def __init__(self, params: LadderParameters) -> None:
        self._params = params
        self._layers = tuple(zip(params.spacing, params.split, strict=True))
        asked = {
            "sigma": params.sigma is None,
            "competition": params.competition_tightening > 0,
            "toxicity": params.toxicity_size_cut > 0,
        }
        self.needs = frozenset(name for name, on in asked.items() if on)

    def propose(self, state: MarketState) -> RawQuote:
        """All layers of both sides, as far as zone, fees and smallest sizes let them."""
        check_state(state, self.needs)
        params = self._params
        if not state.mid > 0.0:
            raise RefusalError.of("state.mid", state.mid, "> 0: fees are a fraction of notional")
        fill = state.inventory / params.max_inventory
        at_risk = fill + state.correlated_inventory / params.max_inventory
        reservation = state.mid + params.inventory_skew * skew(at_risk, params.steepening)
        where = zone(fill)
        unwinding = where is Zone.RED or where is Zone.FLATTEN
        half = params.floor if where is Zone.FLATTEN else self.half_spread(state)
        plan = _AT_ONCE if where is Zone.FLATTEN else self._layers
        cost = -math.inf if unwinding else params.maker_fee * state.mid + params.adverse_selection
        bid_qty, ask_qty = self._sizes(state, fill, unwinding=unwinding)
        bids = self._laid(plan, reservation, -half, bid_qty, cost)
        asks = self._laid(plan, reservation, half, ask_qty, cost)
        if not bids and not asks:
            raise RefusalError(f"no layer passes fees and smallest sizes in the {where} zone")
        return layered(bids, asks, reservation=reservation)

    def half_spread(self, state: MarketState) -> float:
        """Distance of the first layer from the centre before toxicity and latency, price."""
        params = self._params
        sigma = state.sigma if params.sigma is None else params.sigma
        volatility = min(max((sigma or 0.0) / params.sigma_reference, 1.0), params.volatility_cap)
        competition = 1.0 - _share(params.competition_tightening, state.competition)
        crowding = min(1.0, abs(state.correlated_inventory) / params.max_inventory)
        correlation = 1.0 + params.correlation_widening * crowding
        earned = params.min_edge + params.maker_fee * state.mid
        return max(params.floor, earned * volatility * competition * correlation)

    def _sizes(self, state: MarketState, fill: float, *, unwinding: bool) -> tuple[float, float]:
        """Lots of the bid and of the ask side over all their layers."""
        params = self._params
        size = params.qty * (1.0 - _share(params.toxicity_size_cut, state.toxicity))
        held = abs(state.inventory)
        adding = min(size * adding_share(fill), max(0.0, params.max_inventory - held))
        reducing = min(size, held) if unwinding else size
        if fill == 0.0:
            return adding, adding
        return (adding, reducing) if fill > 0.0 else (reducing, adding)

    def _laid(
        self, plan: tuple[tuple[float, float], ...], centre: float, half: float, qty: float, cost: float
    ) -> tuple[Level, ...]:
        """Layers that earn more than ``cost`` and are large enough; ``half`` is negative for bids."""
        params, levels = self._params, []
        for spacing, share in plan:
            price, size = centre + half * spacing, qty * share
            large = size > 0.0 and size >= params.min_qty and size * price >= params.min_notional
            if large and price > 0.0 and abs(half) * spacing > cost:
                levels.append(Level(price, size))
        return tuple(levels)


def _share(weight: float, value: float | None) -> float:
    """``weight·value``; a weight of 0 asks for no value."""
    return weight * value if weight and value is not None else 0.0
