"""``quoting models``: what can be quoted with, and every parameter with unit, range and default."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from quoting_policy.models import model_class, names
from quoting_policy.models.registry import allowed_range, unit


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("model", nargs="?", help="only this model")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the models."""
    listed = [describe(name) for name in ([args.model] if args.model else names())]
    if args.json:
        print(msgspec.json.format(msgspec.json.encode({"models": listed})).decode())
    else:
        print("\n\n".join("\n".join(_text(model)) for model in listed))
    return 0


def describe(name: str) -> dict[str, Any]:
    """One model: name, summary, the state inputs it may read, its parameters."""
    model = model_class(name)
    summary = (inspect.getdoc(model) or "").partition("\n\n")[0].replace("\n", " ")
    fields = model.parameters.model_fields.items()
    return {
        "name": name,
        "summary": summary,
        "reads": list(getattr(model, "reads", ())),
        "parameters": [_parameter(field.alias or key, field) for key, field in fields],
    }


def _parameter(name: str, field: FieldInfo) -> dict[str, Any]:
    default = field.default if field.default is not PydanticUndefined else None
    return {
        "name": name,
        "unit": unit(field),
        "required": field.is_required(),
        "default": default,
        "range": allowed_range(field),
        "choices": _choices(field.annotation),
        "description": field.description,
    }


def _choices(annotation: Any) -> list[str]:
    """Words of a Literal; empty for numbers."""
    is_words = get_origin(annotation) is not None and all(isinstance(x, str) for x in get_args(annotation))
    return [str(x) for x in get_args(annotation)] if is_words else []


def _text(model: dict[str, Any]) -> Iterator[str]:
    yield f"{model['name']}: {model['summary']}"
    yield f"  reads: {', '.join(model['reads'])}"
    for parameter in model["parameters"]:
        facts = [
            parameter["unit"],
            " | ".join(parameter["choices"]) or parameter["range"],
            "required" if parameter["required"] else f"default {_shown(parameter['default'])}",
        ]
        yield f"  {parameter['name']:<22} {', '.join(filter(None, facts))}"
        yield f"  {'':<22} {parameter['description']}"


def _shown(default: Any) -> str:
    return "none" if default is None else f"{default:g}" if isinstance(default, float | int) else str(default)
