"""How signals are estimated: part of a revision, because it changes what is quoted."""

from __future__ import annotations

import itertools
import math

import msgspec

from quoting_policy.errors import InputError

_COUNTS = {"sigma_window": 2, "hazard_windows": 10, "latency_window": 1, "toxicity_fills": 2}
"""Windows -> the fewest values that say anything."""
_TIMES = (
    "sigma_step_s",
    "hazard_step_s",
    "hazard_refit_s",
    "hazard_max_age_s",
    "alpha_step_s",
    "alpha_refit_s",
    "toxicity_markout_s",
)
_OPTIONAL = ("horizon_s", "vpin_bucket_lots")


class SignalRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the inputs are estimated that a model needs and an app leaves out.

    sigma_*: changes of the mid over ``sigma_step_s``, the last ``sigma_window`` of them. hazard_*: fill
    intensity by side from public trades in windows of ``hazard_step_s``, the last ``hazard_windows`` of them,
    at depths ``hazard_levels`` (ticks beyond the mid), refitted every ``hazard_refit_s``; a fit that fails
    leaves the last one standing for ``hazard_max_age_s``. alpha_*: the best prices are looked at every
    ``alpha_step_s``, the micro-price refitted every ``alpha_refit_s``. horizon_s: the strategy's rolling
    horizon, its ``time_left``; None leaves that to the app. latency_window: delays whose median counts.
    toxicity_*: own fills that are looked at, ``toxicity_markout_s`` after each. vpin_bucket_lots: volume of
    a bucket of public trades; None leaves VPIN out.
    """

    sigma_step_s: float = 0.5
    sigma_window: int = 100
    hazard_step_s: float = 0.5
    hazard_windows: int = 120
    hazard_levels: tuple[float, ...] = (0.4, 1.4, 2.4, 3.4, 5.4, 8.4)
    hazard_refit_s: float = 5.0
    hazard_max_age_s: float = 120.0
    horizon_s: float | None = None
    alpha_step_s: float = 0.1
    alpha_refit_s: float = 30.0
    latency_window: int = 20
    toxicity_fills: int = 50
    toxicity_markout_s: float = 1.0
    vpin_bucket_lots: float | None = None

    def __post_init__(self) -> None:
        for field, fewest in _COUNTS.items():
            if not (value := getattr(self, field)) >= fewest:
                raise InputError(f"signals.{field}", value, f">= {fewest}")
        given = [field for field in _OPTIONAL if getattr(self, field) is not None]
        for field in (*_TIMES, *given):
            if not (math.isfinite(value := getattr(self, field)) and value > 0):
                raise InputError(f"signals.{field}", value, "a finite number > 0")
        rising = all(low < high for low, high in itertools.pairwise(self.hazard_levels))
        sound = all(math.isfinite(level) and level >= 0 for level in self.hazard_levels)
        if len(self.hazard_levels) < 3 or not (rising and sound):
            raise InputError("signals.hazard_levels", self.hazard_levels, "3 or more rising depths >= 0")
