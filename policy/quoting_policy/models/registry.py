"""The registry of quoting models: name -> model, parameters checked by pydantic."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import annotated_types
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from quoting_policy.errors import InputError
from quoting_policy.models.adjustments import adjusted
from quoting_policy.models.contract import (
    LearnedClass,
    ModelClass,
    Parameters,
    QuotingModel,
    RefusalError,
    Unit,
)

__all__ = [
    "ModelClass",
    "Parameters",
    "QuotingModel",
    "RefusalError",
    "allowed_range",
    "build",
    "check",
    "model_class",
    "names",
    "register",
    "unit",
    "weights_named_by",
]

_SHIPPED = MappingProxyType(
    {
        "AvellanedaStoikov": "avellaneda_stoikov",
        "CarteaJaimungal": "cartea_jaimungal",
        "FixedSpread": "fixed_spread",
        "GLFT": "glft",
        "Ladder": "ladder",
        "LinearSkew": "linear_skew",
        "MLP": "mlp",
    }
)
"""Our models -> their modules, loaded when first asked for: a quoter of FixedSpread never loads numpy."""
_MODELS: dict[str, ModelClass] = {}
_Model = TypeVar("_Model", bound=ModelClass)
_BOUNDS = MappingProxyType(
    {
        annotated_types.Gt: (">", "gt"),
        annotated_types.Ge: (">=", "ge"),
        annotated_types.Lt: ("<", "lt"),
        annotated_types.Le: ("<=", "le"),
    }
)


def register(model: _Model) -> _Model:
    """Class decorator: make a model known under its ``name``."""
    if model.name in _MODELS:
        raise ValueError(f"two models are named {model.name}")
    _MODELS[model.name] = model
    return model


def names() -> tuple[str, ...]:
    """Names of all models, sorted."""
    return tuple(sorted({*_SHIPPED, *_MODELS}))


def model_class(name: str, field: str = "model") -> ModelClass:
    """The class registered under ``name``; an unknown name is an :class:`InputError`."""
    if name not in _MODELS and name in _SHIPPED:
        importlib.import_module(f"quoting_policy.models.{_SHIPPED[name]}")
    try:
        return _MODELS[name]
    except KeyError:
        raise InputError(field, name, f"one of {', '.join(names())}") from None


def build(
    name: str, params: Mapping[str, Any], field: str = "params", *, weights: bytes | None = None
) -> QuotingModel:
    """A model with checked parameters and the adjustments they ask for.

    weights: learned weights, for a model that takes them. Raises InputError naming the first bad parameter,
    its value, its range and what it means.
    """
    model = model_class(name)
    try:
        checked = model.parameters.model_validate(dict(params))
    except ValidationError as error:
        raise _input_error(model.parameters, error.errors()[0], field) from None
    if weights is None:
        return adjusted(model(checked), checked)
    if not isinstance(model, LearnedClass):
        raise InputError("weights", f"{len(weights)} bytes", "left out", f"{name} has no weights")
    return adjusted(model(checked, weights), checked)


def check(name: str, params: Mapping[str, Any], field: str, *, more_to_come: bool) -> None:
    """Check parameters without making a model. Raises InputError as :func:`build`.

    more_to_come: each is checked by itself, for those that are missing or would not fit may still be given.
    """
    model = model_class(name)
    try:
        model.parameters.model_validate(dict(params))
    except ValidationError as error:
        for details in error.errors():
            if not more_to_come or (details["loc"] and details["type"] != "missing"):
                raise _input_error(model.parameters, details, field) from None


def weights_named_by(name: str) -> tuple[str, ...]:
    """Parameters that name a file with learned weights; none where the model has no weights."""
    model = model_class(name)
    return model.weights_named_by if isinstance(model, LearnedClass) else ()


def unit(field: FieldInfo) -> str:
    """Unit of a parameter: ``price``, ``lots``, ...; empty for words and switches."""
    found = next((x for x in _metadata(field) if isinstance(x, Unit)), None)
    return str(found) if found is not None else ""


def allowed_range(field: FieldInfo) -> str:
    """Bounds of a parameter, such as ``> 0 and <= 1``; empty where it has none."""
    bounds = [
        f"{sign} {getattr(bound, attribute):g}"
        for bound in _metadata(field)
        for kind, (sign, attribute) in _BOUNDS.items()
        if isinstance(bound, kind)
    ]
    return " and ".join(bounds)


def _metadata(field: FieldInfo) -> list[Any]:
    """Metadata of the field and of the members of its union (``Price | None``)."""
    inner = [x for member in getattr(field.annotation, "__args__", ()) for x in _flat(member)]
    return [*field.metadata, *inner]


def _flat(annotation: Any) -> list[Any]:
    return list(getattr(annotation, "__metadata__", ()))


def _input_error(parameters: type[Parameters], details: ErrorDetails, field: str) -> InputError:
    where = ".".join([field, *(str(part) for part in details["loc"])])
    known = {info.alias or name: info for name, info in parameters.model_fields.items()}
    if details["type"] == "extra_forbidden":
        return InputError(
            where, details["input"], "left out", f"known parameters: {', '.join(sorted(known))}"
        )
    info = known.get(str(details["loc"][0])) if details["loc"] else None
    message = details["msg"].removeprefix("Value error, ")
    if info is None:
        return InputError(where, details["input"], message)
    remedy = " ".join(filter(None, [info.description, f"[{unit(info)}]" if unit(info) else ""]))
    if details["type"] == "missing":
        return InputError(where, None, f"given {allowed_range(info)}".rstrip(), remedy)
    if details["type"] == "literal_error":
        return InputError(where, details["input"], f"one of {details['ctx']['expected']}", remedy)
    if unit(info) and len(details["loc"]) == 1:
        return InputError(where, details["input"], f"a finite number {allowed_range(info)}".rstrip(), remedy)
    return InputError(where, details["input"], f"valid: {message}", remedy)
