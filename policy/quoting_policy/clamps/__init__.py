"""Deterministic clamps between a model's raw quote and the venue, and breach detection."""

from quoting_policy.clamps.apply import ClampedQuote, apply_limits, clamp
from quoting_policy.clamps.breaches import raw_breaches, realised_breaches
from quoting_policy.clamps.hard import reducing
from quoting_policy.clamps.situation import LiveOrders, Portfolio, Situation
from quoting_policy.clamps.table import CLAMPS, NAMES, Clamp, Tier, rows_for

__all__ = [
    "CLAMPS",
    "NAMES",
    "Clamp",
    "ClampedQuote",
    "LiveOrders",
    "Portfolio",
    "Situation",
    "Tier",
    "apply_limits",
    "clamp",
    "raw_breaches",
    "realised_breaches",
    "reducing",
    "rows_for",
]
