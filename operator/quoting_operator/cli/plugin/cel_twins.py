"""The CEL rules of the resources in Python, by their message, so that files are checked without a cluster.

A rule about a change (``oldSelf``) has no twin: one file shows no change. A test holds this table complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from quoting_operator.api.implementation import IMMUTABLE

_DECIMAL = re.compile(r"-?[0-9]+([.][0-9]+)?")
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Json = Mapping[str, Any]


def seconds(text: Any) -> int:
    """Seconds of a duration, 0 where it is none."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return 0 if found is None else int(found[1]) * _SECONDS[found[2]]


def _decimal(holds: Callable[[float], bool]) -> Callable[[str], bool]:
    return lambda text: bool(_DECIMAL.fullmatch(text)) and holds(float(text))


def _margin(gate: Json) -> bool:
    if gate.get("kind") != "guardrail" or gate.get("test") in ("proportion", "quantile"):
        return True
    return bool(re.search("[1-9]", str(gate.get("margin", ""))))


def _slots(canary: Json) -> bool:
    """Every slot of a block is at least three washouts long."""
    if not {"blockLength", "washout"} <= set(canary):
        return True
    block, washout = seconds(canary["blockLength"]), seconds(canary["washout"])
    return all(block * min(e, 100 - e) >= 300 * washout for e in _exposures(canary))


def _exposures(canary: Json) -> list[int]:
    found = [step.get("exposure") for step in canary.get("steps", []) if isinstance(step, dict)]
    return [exposure for exposure in found if isinstance(exposure, int)]


def _before(stretch: Json) -> bool:
    try:
        return _moment(stretch["start"]) < _moment(stretch["end"])
    except (KeyError, TypeError, ValueError):
        return True  # told as what it is elsewhere


def _moment(written: Any) -> datetime:
    return written if isinstance(written, datetime) else datetime.fromisoformat(written)


def _typed(kind: str, field: str) -> Callable[[Json], bool]:
    return lambda data: (data.get("type") == kind) == (field in data)


def _required_inputs(spec: Json) -> bool:
    inputs = spec.get("inputs") or {}
    return all(inputs.get(key) for key in spec.get("requiredKeys", []))


TWINS: dict[str, Callable[[Any], bool]] = {
    'must be a decimal number > 0 in quotes, such as "0.1"': _decimal(lambda x: x > 0),
    'must be a decimal number >= 0 in quotes, such as "0.1"': _decimal(lambda x: x >= 0),
    'must be a fraction between -1 and 1 in quotes, such as "0.1"': _decimal(lambda x: -1 < x < 1),
    'must be between 0 and 1 in quotes, such as "0.1"': _decimal(lambda x: 0 <= x <= 1),
    'must be a whole number > 0 and one unit of s, m, h, d, such as "90s" or "5d"': lambda text: (
        seconds(text) > 0
    ),
    "must be between 3s and 300s": lambda text: 3 <= seconds(text) <= 300,
    "must be > 0 for a guardrail: say how much worse is still acceptable": _margin,
    "must be left out unless kind is guardrail": lambda g: g.get("kind") == "guardrail" or "margin" not in g,
    "must be given for this metric: the time after a fill at which it is measured, such as 1s": lambda g: (
        g.get("metric") not in ("markout", "realisedSpread") or "horizon" in g
    ),
    "must be given when test is quantile, and only then": lambda g: (
        (g.get("test") == "quantile") == ("quantile" in g)
    ),
    "must be left out unless test is proportion": lambda g: g.get("test") == "proportion" or "limit" not in g,
    "must be given when test is proportion": lambda g: g.get("test") != "proportion" or "limit" in g,
    "volume must be given when type is Volume, and only then": _typed("Volume", "volume"),
    "simulated must be given when type is Simulated, and only then": _typed("Simulated", "simulated"),
    "blockLength times the smaller share of time must be at least three times washout in every step:"
    " use longer blocks": _slots,
    "steps must differ in exposure": lambda c: len(set(_exposures(c))) == len(_exposures(c)),
    "steps must not shrink in exposure": lambda c: _exposures(c) == sorted(_exposures(c)),
    "must be after start": _before,
    "must have either weekly or between": lambda w: ("weekly" in w) != ("between" in w),
    "must say why the switch is engaged": lambda s: not s.get("engaged") or bool(s.get("reason")),
    "must be a full commit hash or a version tag such as v1.2.3: a branch can change": lambda s: bool(
        re.search(IMMUTABLE, str(s.get("head", "")))
    ),
    "weightsFrom must be given: this model has learned weights": lambda arm: (
        arm.get("model") != "MLP" or "weightsFrom" in arm
    ),
    "must have every key of requiredKeys, none of them empty": _required_inputs,
    "metadata.name must have at most 63 characters: pods name their policy in a label": lambda o: (
        len(str((o.get("metadata") or {}).get("name", ""))) <= 63
    ),
}
"""Message of a rule -> whether a value, as YAML reads it, keeps it."""
