"""FixedSpread: a constant spread around the mid, the default baseline."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.adjustments import AdjustableParameters
from quoting_policy.models.contract import FailClosed, Lots, Parameters, Price, RefusalError, two_sided
from quoting_policy.models.registry import register


class FixedSpreadParameters(AdjustableParameters):
    """Parameters of :class:`FixedSpread`."""

    half_spread: Price = Field(gt=0, description="Distance of each quote from the mid.")
    qty: Lots = Field(default=1.0, gt=0, description="Size of each quote.")


@register
class FixedSpread(FailClosed):
    """Bid ``mid - halfSpread``, ask ``mid + halfSpread``, whatever the inventory."""

    name: ClassVar[str] = "FixedSpread"
    parameters: ClassVar[type[Parameters]] = FixedSpreadParameters

    def __init__(self, params: FixedSpreadParameters) -> None:
        self._half_spread = params.half_spread
        self._qty = params.qty

    def propose(self, state: MarketState) -> RawQuote:
        """The same half spread on both sides of the mid."""
        if not math.isfinite(state.inventory):
            raise RefusalError("inventory is not finite")
        half, qty = self._half_spread, self._qty
        return two_sided(state.mid, half, half, qty, qty, state.mid)
