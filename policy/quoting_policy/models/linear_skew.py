"""LinearSkew: a spread that widens with volatility and a centre that leans against the inventory."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.adjustments import AdjustableParameters
from quoting_policy.models.contract import (
    FailClosed,
    Lots,
    Number,
    Parameters,
    Price,
    Ratio,
    RefusalError,
    Unit,
    two_sided,
)
from quoting_policy.models.registry import register


def skew(fill: float, steepening: float) -> float:
    """Lean of the centre for a position of ``fill`` times the limit, in [-1 - c, 1 + c]; odd, continuous.

    ``-x (1 + c max(0, |x| - 0.7) / 0.3)``: linear up to 70 % of the limit, then steeper. The factor is 1 at
    70 %, so that the quote does not jump there.
    """
    return -fill * (1.0 + steepening * max(0.0, abs(fill) - 0.7) / 0.3)


class LinearSkewParameters(AdjustableParameters):
    """Parameters of :class:`LinearSkew`."""

    base_spread: Price = Field(gt=0, description="Total spread at zero volatility.")
    volatility_adjustment: Annotated[Number, Unit("√s/price")] = Field(
        default=0, ge=0, description="v: the spread is baseSpread·(1 + v·σ)."
    )
    inventory_skew: Price = Field(ge=0, description="κ: shift of both quotes at a full position.")
    steepening: Ratio = Field(
        default=0.5, ge=0, description="c: extra skew between 70 % and 100 % of the limit."
    )
    max_inventory: Lots = Field(gt=0, description="Q: position at which only the reducing side is quoted.")
    qty: Lots = Field(default=1.0, gt=0, description="Size of each quote at zero inventory.")


@register
class LinearSkew(FailClosed):
    """Spread from volatility, centre at ``mid - κ·x·(1 + c·max(0, |x| - 0.7)/0.3)``, x = q/Q.

    The side that would add to the position shrinks to ``qty·max(0, 1 - |x|)``, never beyond the room that
    is left; the side that reduces it keeps its size. At the limit only the reducing side is left. A simple
    rule, not the solution of a control problem.
    """

    name: ClassVar[str] = "LinearSkew"
    parameters: ClassVar[type[Parameters]] = LinearSkewParameters
    reads: ClassVar[tuple[str, ...]] = ("mid", "inventory", "correlatedInventory", "sigma")

    def __init__(self, params: LinearSkewParameters) -> None:
        self._half = 0.5 * params.base_spread
        self._sigma = params.sigma
        self._by_sigma = params.volatility_adjustment
        self._skew = params.inventory_skew
        self._steepening = params.steepening
        self._limit = params.max_inventory
        self._qty = params.qty
        self.needs = frozenset({"sigma"} if self._by_sigma > 0 and self._sigma is None else ())

    def propose(self, state: MarketState) -> RawQuote:
        """Both quotes down when long, up when short."""
        mid, inventory, limit = state.mid, state.inventory, self._limit
        half = self._half
        if self._by_sigma:
            sigma = state.sigma if self._sigma is None else self._sigma
            if sigma is None or not sigma >= 0.0:
                raise RefusalError("sigma is not a volatility")
            half *= 1.0 + self._by_sigma * sigma
        shift = self._skew * skew((inventory + state.correlated_inventory) / limit, self._steepening)
        bid_qty, ask_qty = self._sizes(inventory)
        bid_offset = half - shift if bid_qty > 0.0 else None
        ask_offset = half + shift if ask_qty > 0.0 else None
        return two_sided(mid, bid_offset, ask_offset, bid_qty, ask_qty, mid + shift)

    def _sizes(self, inventory: float) -> tuple[float, float]:
        """Sizes of bid and ask, lots; <= 0 where there is no room."""
        room = self._limit - abs(inventory)
        qty = self._qty
        adding = min(qty * room / self._limit, room)
        if inventory == 0.0:
            return adding, adding
        return (adding, qty) if inventory > 0.0 else (qty, adding)
