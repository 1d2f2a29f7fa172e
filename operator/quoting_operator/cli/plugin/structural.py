"""Objects held to the schema that the API server has, without the API server.

The schema is the one of crds/, made from the models. CEL rules are held by their twins in `cel_twins`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quoting_operator.cli.plugin.cel_twins import TWINS

_LONGEST = 80
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_WORDS = {"object": "a mapping", "array": "a list", "string": "a text", "integer": "a whole number",
          "number": "a number", "boolean": "true or false"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field. problem: what it must be, and the remedy."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


def faults(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Everything that the API server would refuse."""
    kind = schema.get("type", "object")
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        quotes = "; put it in quotes" if kind == "string" and isinstance(value, int | float) else ""
        yield Fault(path, f"{shown(value)} must be {_WORDS[kind]}{quotes}")
        return
    yield from _bounds(value, schema, path)
    if isinstance(value, dict):
        yield from _members(value, schema, path)
    if isinstance(value, list):
        yield from _items(value, schema, path)
    for rule in schema.get("x-kubernetes-validations", ()):
        yield from _rule(value, rule, path)


def shown(value: Any) -> str:
    """A value, short enough for one line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _rule(value: Any, rule: Mapping[str, Any], path: str) -> Iterator[Fault]:
    holds = TWINS.get(rule["message"])
    if holds is None or holds(value):
        return
    message = rule["message"]
    where = path + rule.get("fieldPath", "")
    if not message.startswith("must"):
        yield Fault(path, message)
    elif isinstance(value, dict):
        yield Fault(where, message)
    else:
        yield Fault(where, f"{shown(value)} {message}")


def _bounds(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for word, (breaks, words) in _BOUNDS.items():
        limit = schema.get(word)
        if limit is not None and breaks(value, limit, schema):
            yield Fault(path, f"{shown(value)} must {words(limit, schema)}")


_Breaks = Callable[[Any, Any, Mapping[str, Any]], bool]
_Says = Callable[[Any, Mapping[str, Any]], str]
_BOUNDS: dict[str, tuple[_Breaks, _Says]] = {
    "enum": (lambda v, x, _: v not in x, lambda x, _: f"be one of {', '.join(map(str, x))}"),
    "pattern": (lambda v, x, _: not re.search(x, v), lambda x, _: f"match {x}"),
    "minimum": (
        lambda v, x, s: v <= x if s.get("exclusiveMinimum") else v < x,
        lambda x, s: f"be {'>' if s.get('exclusiveMinimum') else '>='} {x}",
    ),
    "maximum": (
        lambda v, x, s: v >= x if s.get("exclusiveMaximum") else v > x,
        lambda x, s: f"be {'<' if s.get('exclusiveMaximum') else '<='} {x}",
    ),
    "minLength": (lambda v, x, _: len(v) < x, lambda x, _: f"have at least {x} characters"),
    "maxLength": (lambda v, x, _: len(v) > x, lambda x, _: f"have at most {x} characters"),
    "minItems": (lambda v, x, _: len(v) < x, lambda x, _: f"have at least {x} items"),
    "maxItems": (lambda v, x, _: len(v) > x, lambda x, _: f"have at most {x} items"),
    "maxProperties": (lambda v, x, _: len(v) > x, lambda x, _: f"have at most {x} keys"),
}


def _members(value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[Fault]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            what = known.get(name, {}).get("description", "")
            yield Fault(_inside(path, name), f"must be given{f': {what}' if what else ''}")
    others = schema.get("additionalProperties")
    for name, item in value.items():
        where = _inside(path, name)
        if name in known:
            yield from faults(item, known[name], where)
        elif others is not None:
            yield from faults(item, others, where)
        elif known and not schema.get("x-kubernetes-preserve-unknown-fields"):
            close = difflib.get_close_matches(str(name), known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            yield Fault(where, f"is not a field; {meant}")


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _items(value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[Fault]:
    kind = schema.get("x-kubernetes-list-type")
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: dict[str, int] = {}
    for i, item in enumerate(value):
        yield from faults(item, schema["items"], f"{path}[{i}]")
        if kind == "map" and isinstance(item, dict):
            key, where = [item.get(k) for k in keys], f"{path}[{i}].{keys[0]}"
        elif kind == "set":
            key, where = [item], f"{path}[{i}]"
        else:
            continue
        first = seen.setdefault(shown(key), i)
        if first != i:
            yield Fault(where, f"{shown(key[0])} must be unique; {path}[{first}] has it too")
