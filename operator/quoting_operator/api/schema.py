"""What all resources share: the base model, decimals, durations, and rules that the API server checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

GROUP = "quoting.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

MOST_DIGITS = 32
"""Longest decimal or duration, characters: bounds what CEL rules may cost."""


class ApiModel(BaseModel):
    """Base of what users write: frozen, camelCase, nothing unknown; a field's docstring is its help text."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class StatusModel(ApiModel):
    """Base of what the operator writes. Unknown fields are ignored: a newer version may have left them."""

    model_config = ConfigDict(extra="ignore")


def rule(cel: str, message: str, field: str | None = None) -> JsonDict:
    """A CEL rule; the API server answers ``message`` where it does not hold, at ``field`` of the object."""
    found: JsonDict = {"rule": cel, "message": message}
    return found | {"fieldPath": field} if field else found


def checked(*rules: JsonDict) -> ConfigDict:
    """Configuration of a model whose objects the API server holds to ``rules``."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": list(rules)})


def map_list(key: str, most: int) -> JsonDict:
    """Schema of a list whose items are told apart by ``key``: server-side apply merges it item by item."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key], "maxItems": most}


_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('must be a decimal number in quotes, such as "0.1"')
    try:
        return Decimal(value)
    except InvalidOperation:  # more digits than the context allows
        raise ValueError("must have fewer digits") from None


def _bounded(holds: Callable[[Decimal], bool], message: str) -> Callable[[Decimal], Decimal]:
    def check(value: Decimal) -> Decimal:
        if not holds(value):
            raise ValueError(message)
        return value

    return check


def plain(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros, so that equal numbers are equal texts."""
    return format(value.normalize(), "f")


def _decimal_type(condition: str, holds: Callable[[Decimal], bool], words: str) -> Any:
    message = f'must be {words} in quotes, such as "0.1"'
    cel = rf"self.matches('^-?[0-9]+([.][0-9]+)?$') && {condition}"
    schema = {"type": "string", "maxLength": MOST_DIGITS, "x-kubernetes-validations": [rule(cel, message)]}
    return Annotated[
        Decimal,
        BeforeValidator(_decimal),
        AfterValidator(_bounded(holds, message)),
        PlainSerializer(plain, return_type=str),
        WithJsonSchema(schema),
    ]


Positive = _decimal_type("double(self) > 0.0", lambda x: x > 0, "a decimal number > 0")
NonNegative = _decimal_type("double(self) >= 0.0", lambda x: x >= 0, "a decimal number >= 0")
Fraction = _decimal_type(
    "double(self) > -1.0 && double(self) < 1.0", lambda x: -1 < x < 1, "a fraction between -1 and 1"
)
Share = _decimal_type("double(self) >= 0.0 && double(self) <= 1.0", lambda x: 0 <= x <= 1, "between 0 and 1")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_DURATION_HINT = 'must be a whole number > 0 and one unit of s, m, h, d, such as "90s" or "5d"'


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_DURATION_HINT)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def duration_text(value: timedelta) -> str:
    """A duration in the largest unit that divides it: ``90s``, ``5d``."""
    seconds = round(value.total_seconds())
    unit, size = next((u, n) for u, n in reversed(_UNITS.items()) if seconds % n == 0)
    return f"{seconds // size}{unit}"


def cel_seconds(path: str) -> str:
    """CEL text for the seconds of the duration at ``path``, which need not be well formed."""
    number = f"int({path}.substring(0, size({path}) - 1))"
    unit = "{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}" + f"[{path}.substring(size({path}) - 1)]"
    return f"({path}.matches('^[1-9][0-9]{{0,6}}[smhd]$') ? {number} * {unit} : 0)"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 8,
            "x-kubernetes-validations": [rule("self.matches('^[1-9][0-9]{0,6}[smhd]$')", _DURATION_HINT)],
        }
    ),
]

Name = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
]
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Text = Annotated[str, Field(max_length=1024)]
Anything = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
]
