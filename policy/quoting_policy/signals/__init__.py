"""Streaming estimates from market data: volatility, fill hazard, toxicity, imbalance, latency."""
