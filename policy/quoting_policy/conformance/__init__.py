"""Proof that the clamps hold for one revision: its own limits, through the real engine, against the worst."""

from quoting_policy.conformance.check import check

__all__ = ["check"]
