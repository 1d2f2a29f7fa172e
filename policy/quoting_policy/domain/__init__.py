"""What the market, the position and a quote are, with units.

Inside models numbers are floats in price units and lots; what leaves the engine is integer ticks and lots.
"""

from quoting_policy.domain.control import Authority, Kill, KillAction, Mode, Stage
from quoting_policy.domain.instrument import Instrument, lots_down, ticks_down, ticks_up
from quoting_policy.domain.limits import Correlation, Limits, PortfolioLimits
from quoting_policy.domain.market import FillHazard, Latency, MarketState, PublicTrade
from quoting_policy.domain.order import Action, OrderAction
from quoting_policy.domain.quote import Arm, Fill, Level, LiveOrder, QuoteLevel, RawQuote, Side
from quoting_policy.domain.revision import (
    ArmSpec,
    BreachThresholds,
    Frozen,
    RefreshRules,
    Revision,
    canonical_json,
)
from quoting_policy.domain.signal_rules import SignalRules
from quoting_policy.domain.switchback import Schedule, Slot, exposure_of, slot_at

__all__ = [
    "Action",
    "Arm",
    "ArmSpec",
    "Authority",
    "BreachThresholds",
    "Correlation",
    "Fill",
    "FillHazard",
    "Frozen",
    "Instrument",
    "Kill",
    "KillAction",
    "Latency",
    "Level",
    "Limits",
    "LiveOrder",
    "MarketState",
    "Mode",
    "OrderAction",
    "PortfolioLimits",
    "PublicTrade",
    "QuoteLevel",
    "RawQuote",
    "RefreshRules",
    "Revision",
    "Schedule",
    "Side",
    "SignalRules",
    "Slot",
    "Stage",
    "canonical_json",
    "exposure_of",
    "lots_down",
    "slot_at",
    "ticks_down",
    "ticks_up",
]
