"""Quoting models, one file each, and their registry, which loads each when it is first asked for."""

from quoting_policy.models.registry import Parameters, QuotingModel, RefusalError, build, model_class, names

__all__ = ["Parameters", "QuotingModel", "RefusalError", "build", "model_class", "names"]
