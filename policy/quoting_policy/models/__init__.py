"""Quoting models, one file each, and their registry."""

from quoting_policy.models import fixed_spread
from quoting_policy.models.registry import Parameters, QuotingModel, RefusalError, build, model_class, names

__all__ = ["Parameters", "QuotingModel", "RefusalError", "build", "fixed_spread", "model_class", "names"]
