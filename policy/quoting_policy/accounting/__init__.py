"""Inventory, P&L, markouts and sealed counters, per arm."""

from quoting_policy.accounting.account import Account
from quoting_policy.accounting.counters import COUNTERS, HORIZONS_S, Counter, markout_gain
from quoting_policy.accounting.ledger import Ledger
from quoting_policy.accounting.markouts import Markouts, SpreadSums
from quoting_policy.accounting.sealing import Sealed, Timeline
from quoting_policy.accounting.track import Track

__all__ = [
    "COUNTERS",
    "HORIZONS_S",
    "Account",
    "Counter",
    "Ledger",
    "Markouts",
    "Sealed",
    "SpreadSums",
    "Timeline",
    "Track",
    "markout_gain",
]
