"""FixedSpread: a constant spread around the mid, the default baseline."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from quoting_policy.domain import Level, MarketState, RawQuote
from quoting_policy.models.registry import Parameters, register


class FixedSpreadParameters(Parameters):
    """Parameters of :class:`FixedSpread`."""

    half_spread: float = Field(
        alias="halfSpread", gt=0, description="Distance of each quote from the mid, price."
    )
    qty: float = Field(default=1.0, gt=0, description="Size of each quote, lots.")


@register
class FixedSpread:
    """Bid ``mid - halfSpread``, ask ``mid + halfSpread``, whatever the inventory."""

    name: ClassVar[str] = "FixedSpread"
    parameters: ClassVar[type[Parameters]] = FixedSpreadParameters
    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, params: FixedSpreadParameters) -> None:
        self._half_spread = params.half_spread
        self._qty = params.qty

    def quote(self, state: MarketState) -> RawQuote:
        """The same half spread on both sides of the mid."""
        mid, half = state.mid, self._half_spread
        return RawQuote(
            bids=(Level(mid - half, self._qty),),
            asks=(Level(mid + half, self._qty),),
            reservation=mid,
            half_spread=half,
        )
