"""What the trading app of the demonstration prints, read back."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"(?P<at>\d+\.\d+) (?P<mode>\w+) (?P<arm>\w+) (?P<bid>\S+) (?P<ask>\S+)"
    r" inventory (?P<inventory>-?\d+) profit (?P<profit>-?[\d.]+|nan)(?: breach (?P<breach>\S+))?"
)


@dataclass(frozen=True, slots=True)
class VenueLine:
    """One answer of the sidecar as the app carried it out. at: Unix time, s. text: without the time."""

    at: float
    mode: str
    arm: str
    inventory: int
    profit: float
    breaches: tuple[str, ...]
    text: str


def read(log: str) -> list[VenueLine]:
    """The lines of a log that tell of an answer; others, such as warnings, are left out."""
    return [_line(found, line) for line in log.splitlines() if (found := _LINE.match(line))]


def _line(found: re.Match[str], text: str) -> VenueLine:
    breach = found["breach"]
    return VenueLine(
        at=float(found["at"]),
        mode=found["mode"],
        arm=found["arm"],
        inventory=int(found["inventory"]),
        profit=float(found["profit"]),
        breaches=tuple(breach.split(",")) if breach else (),
        text=text.partition(" ")[2],
    )


def seconds_to(lines: list[VenueLine], since: float, **wanted: str) -> float | None:
    """How long after ``since`` (Unix time, s) the app first got an answer like this; None: not yet."""
    for line in lines:
        if line.at >= since and all(getattr(line, name) == value for name, value in wanted.items()):
            return line.at - since
    return None


def last_of(lines: list[VenueLine], arm: str) -> float | None:
    """When this arm's quote was last carried out, Unix time; None where it was not."""
    return next((line.at for line in reversed(lines) if line.arm == arm), None)
