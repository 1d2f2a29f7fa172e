"""What the market, the position and a quote are, with units.

Inside models numbers are floats in price units and lots; what leaves the engine is integer ticks and lots.
"""

from quoting_policy.domain.instrument import Instrument, lots_down, ticks_down, ticks_up
from quoting_policy.domain.limits import Limits
from quoting_policy.domain.market import FillHazard, Latency, MarketState
from quoting_policy.domain.quote import Arm, Fill, Level, LiveOrder, QuoteLevel, RawQuote, Side

__all__ = [
    "Arm",
    "Fill",
    "FillHazard",
    "Instrument",
    "Latency",
    "Level",
    "Limits",
    "LiveOrder",
    "MarketState",
    "QuoteLevel",
    "RawQuote",
    "Side",
    "lots_down",
    "ticks_down",
    "ticks_up",
]
