"""Inventory, P&L, markouts and sealed counters, per arm."""

from quoting_policy.accounting.account import Account
from quoting_policy.accounting.counters import COUNTERS, Counter, markout_gain
from quoting_policy.accounting.latency import LATENCY_BUDGET_NS, LATENCY_EDGES_NS, Histogram
from quoting_policy.accounting.ledger import Ledger
from quoting_policy.accounting.markouts import Markouts, SpreadSums
from quoting_policy.accounting.sealing import Sealed, Timeline
from quoting_policy.accounting.track import TRACKS, Track
from quoting_policy.domain.measures import HORIZONS_S

__all__ = [
    "COUNTERS",
    "HORIZONS_S",
    "LATENCY_BUDGET_NS",
    "LATENCY_EDGES_NS",
    "TRACKS",
    "Account",
    "Counter",
    "Histogram",
    "Ledger",
    "Markouts",
    "Sealed",
    "SpreadSums",
    "Timeline",
    "Track",
    "markout_gain",
]
