"""One decision: state -> features -> model -> clamps -> Decision."""

from quoting_policy.engine.decision import Decision
from quoting_policy.engine.engine import Engine
from quoting_policy.engine.latch import Latch, Latched
from quoting_policy.engine.refresh import Timing, refresh

__all__ = [
    "Decision",
    "Engine",
    "Latch",
    "Latched",
    "Timing",
    "refresh",
]
