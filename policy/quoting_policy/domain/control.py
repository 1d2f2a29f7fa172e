"""Who may quote: kill switch, authority, and the mode an app is told."""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

from quoting_policy.domain.switchback import Schedule
from quoting_policy.errors import InputError


class KillAction(StrEnum):
    """What an engaged kill switch does: the baseline alone quotes, or nobody does."""

    NONE = "None"
    BASELINE = "Baseline"
    HALT = "Halt"


class Mode(StrEnum):
    """What an app may expect: quotes, reducing quotes only, none by order, none for want of a revision."""

    ACTIVE = "Active"
    REDUCING = "Reducing"
    HALTED = "Halted"
    NOT_CONFIGURED = "NotConfigured"


class Stage(StrEnum):
    """Stages of a rollout in which a sidecar runs both arms."""

    SHADOW = "Shadow"
    CANARY = "Canary"
    LIVE = "Live"


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """State of all kill switches that concern this policy, the strongest one first to count."""

    action: KillAction
    reason: str = ""


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Permission for the candidate's influence, to be renewed before its lifetime is over.

    digest: the revision it is for. exposure_percent: share of time the candidate may quote, 0..100.
    fencing: number of the grant; a smaller one than the last is a ghost and is refused. block_length_s,
    washout_s: the switchback of ``Stage``. lifetime_s: how long silence is tolerated.
    """

    digest: str
    stage: Stage
    exposure_percent: float = 0.0
    fencing: int = 0
    block_length_s: float = 600.0
    washout_s: float = 5.0
    lifetime_s: float = 15.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lifetime_s) and 0 < self.lifetime_s <= 300):
            raise InputError("authority.lifetime_s", self.lifetime_s, "in (0, 300] s")
        if not 0 <= self.exposure_percent <= 100:
            raise InputError("authority.exposure_percent", self.exposure_percent, "in [0, 100]")
        if not all(math.isfinite(seconds) for seconds in (self.block_length_s, self.washout_s)):
            raise InputError("authority.block_length_s", self.block_length_s, "finite, as washout_s")
        self.schedule()

    def schedule(self) -> Schedule:
        """The switchback this authority asks for; in shadow the baseline has every slot."""
        shadow = self.stage is Stage.SHADOW
        return Schedule(
            block_ns=round(self.block_length_s * 1e9),
            washout_ns=0 if shadow else round(self.washout_s * 1e9),
            exposure_percent=0.0 if shadow else self.exposure_percent,
        )
