"""Times, numbers and digests as people read them."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """A length of time in its two largest units: ``45 s``, ``2 h 10 min``."""
    left = max(0, round(seconds))
    at = next((i for i, (_, size) in enumerate(_UNITS) if left >= size), len(_UNITS) - 1)
    parts: list[str] = []
    for unit, size in _UNITS[at : at + 2]:
        count, left = divmod(left, size)
        if count or not parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, ``-`` where that is unknown."""
    return "-" if since is None else duration((now - since).total_seconds())


def short_age(since: datetime | None, now: datetime) -> str:
    """How long ago in one word, as kubectl's listings have it: ``3d``."""
    if since is None:
        return "-"
    seconds = max(0, round((now - since).total_seconds()))
    unit, size = next(((u, n) for u, n in _UNITS if seconds >= n), ("s", 1))
    return f"{seconds // size}{unit[0]}"


def clock(at: datetime, now: datetime) -> str:
    """A moment in UTC; without the date where that is today's."""
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def signed(value: float | None) -> str:
    """A difference with its sign, three digits; ``?`` while unknown."""
    return "?" if value is None else f"{value:+.3g}"


def short(digest: str) -> str:
    """A digest as it is shown."""
    return digest[:12]


def plural(count: int, one: str) -> str:
    """``1 block``, ``3 blocks``."""
    return f"{count} {one}" + ("" if count == 1 else "s")
