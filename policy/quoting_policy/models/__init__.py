"""Quoting models, one file each, and their registry."""

from quoting_policy.models import (
    avellaneda_stoikov,
    cartea_jaimungal,
    fixed_spread,
    glft,
    ladder,
    linear_skew,
    mlp,
)
from quoting_policy.models.registry import Parameters, QuotingModel, RefusalError, build, model_class, names

__all__ = [
    "Parameters",
    "QuotingModel",
    "RefusalError",
    "avellaneda_stoikov",
    "build",
    "cartea_jaimungal",
    "fixed_spread",
    "glft",
    "ladder",
    "linear_skew",
    "mlp",
    "model_class",
    "names",
]
