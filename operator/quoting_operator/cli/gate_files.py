"""What the actions of `quoting gates` share: reading gates.yaml, printing numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from quoting_operator.gates import GateSpec, parse_gates
from quoting_policy.errors import InputError


def read_spec(path: Path) -> tuple[GateSpec, ...]:
    """Read gates.yaml: the list itself, or a mapping with a `gates` list."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError("--spec", str(path), "a readable file", error.strerror or "") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        first_line = " ".join(str(error).split())
        raise InputError("--spec", str(path), "YAML", first_line) from None
    return parse_gates(content["gates"] if isinstance(content, dict) and "gates" in content else content)


def json_line(value: dict[str, Any]) -> str:
    """One JSON object; NaN and infinity are refused, not written."""
    return json.dumps(value, allow_nan=False)


def short(value: Any) -> str:
    """A number for people: four digits, "-" for unknown."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
