"""Windows and freezes: when a rollout may advance. Guarding and rolling back know no windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from quoting_operator.api.rollout import Weekly, Window, WindowType
from quoting_policy.errors import InputError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOOK_AGAIN = timedelta(minutes=1)
"""How often a closed window is looked at."""


class Opening(NamedTuple):
    """Whether the rollout may advance, and why not."""

    open: bool
    reason: str = ""


def opening(windows: Sequence[Window], now: datetime) -> Opening:
    """Whether the rollout may advance at `now`. A freeze wins; without Advance windows it always may.

    Raises InputError for a time zone that nobody knows.
    """
    frozen = next((w for w in windows if w.type is WindowType.FREEZE and within(w, now)), None)
    if frozen is not None:
        return Opening(False, _told(frozen, "freeze"))
    allowed = [w for w in windows if w.type is WindowType.ADVANCE]
    if allowed and not any(within(w, now) for w in allowed):
        names = ", ".join(w.name for w in allowed)
        return Opening(False, f"outside the windows in which the rollout may advance ({names})")
    return Opening(True)


def within(window: Window, now: datetime) -> bool:
    """Whether a moment lies in a window, its start included and its end not."""
    if window.between is not None:
        return window.between.start <= now < window.between.end
    return window.weekly is not None and _weekly(window.weekly, window.name, now)


def _weekly(weekly: Weekly, name: str, now: datetime) -> bool:
    try:
        local = now.astimezone(ZoneInfo(weekly.time_zone))
    except (KeyError, ValueError, OSError):
        raise InputError(
            f"spec.windows[{name}].weekly.timeZone",
            weekly.time_zone,
            "an IANA time zone such as Europe/Berlin",
        ) from None
    start, end = time.fromisoformat(weekly.start), time.fromisoformat(weekly.end)
    days = {day.value for day in weekly.days}
    today, yesterday = _DAYS[local.weekday()], _DAYS[local.weekday() - 1]
    moment = local.time()
    if start < end:
        return today in days and start <= moment < end
    return (today in days and moment >= start) or (yesterday in days and moment < end)


def _told(window: Window, what: str) -> str:
    return f"{what} {window.name}" + (f": {window.reason}" if window.reason else "")
