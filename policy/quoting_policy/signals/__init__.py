"""Streaming estimates from market data: volatility, fill hazard, toxicity, imbalance, latency, correlation.

Every signal is a value, or None: not enough data, or data that say nothing. None is never a good sign; a
model that needs the signal does not quote without it. Time is the caller's: nothing here reads a clock.
"""

from quoting_policy.signals.book import imbalance, order_book_imbalance, weighted_mid
from quoting_policy.signals.correlation import Covariance, PairWindow
from quoting_policy.signals.fill_hazard import FillHazardEstimator, HazardFit, NoFitError, fit_mle, fit_ols
from quoting_policy.signals.latency import LatencyQuantiles
from quoting_policy.signals.market_signals import MarketSignals
from quoting_policy.signals.toxicity import (
    Alarms,
    MarkoutTest,
    OneSidedness,
    ToxicityResponse,
    Vpin,
    bulk_buy_share,
    one_sided_p_value,
    refresh_interval,
)
from quoting_policy.signals.volatility import Volatility

__all__ = [
    "Alarms",
    "Covariance",
    "FillHazardEstimator",
    "HazardFit",
    "LatencyQuantiles",
    "MarketSignals",
    "MarkoutTest",
    "NoFitError",
    "OneSidedness",
    "PairWindow",
    "ToxicityResponse",
    "Volatility",
    "Vpin",
    "bulk_buy_share",
    "fit_mle",
    "fit_ols",
    "imbalance",
    "one_sided_p_value",
    "order_book_imbalance",
    "refresh_interval",
    "weighted_mid",
]
