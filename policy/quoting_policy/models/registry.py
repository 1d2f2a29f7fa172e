"""The registry of quoting models: name -> model, parameters checked by pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.errors import InputError


class Parameters(BaseModel):
    """Base of every model's parameters: frozen, no unknown fields, bounds and units in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class RefusalError(ValueError):
    """A model will not quote from this state: outside its domain, or an input is missing.

    The engine answers the same request with the baseline and counts the reason.
    """


class QuotingModel(Protocol):
    """A pure function from a market state to a raw quote; built once a parameter set."""

    name: ClassVar[str]
    parameters: ClassVar[type[Parameters]]
    needs: ClassVar[frozenset[str]]
    """Fields of :class:`MarketState` that must be known, besides ``mid``."""

    def __init__(self, params: Any) -> None: ...

    def quote(self, state: MarketState) -> RawQuote:
        """The raw quote for this state. Raises :class:`RefusalError` outside the model's domain."""
        ...


_MODELS: dict[str, type[QuotingModel]] = {}


def register(model: type[QuotingModel]) -> type[QuotingModel]:
    """Class decorator: make a model known under its ``name``."""
    if model.name in _MODELS:
        raise ValueError(f"two models are named {model.name}")
    _MODELS[model.name] = model
    return model


def names() -> tuple[str, ...]:
    """Names of all models, sorted."""
    return tuple(sorted(_MODELS))


def model_class(name: str, field: str = "model") -> type[QuotingModel]:
    """The class registered under ``name``; an unknown name is an :class:`InputError`."""
    try:
        return _MODELS[name]
    except KeyError:
        raise InputError(field, name, f"one of {', '.join(names())}") from None


def build(name: str, params: Mapping[str, Any], field: str = "params") -> QuotingModel:
    """A model with checked parameters. Raises InputError naming the first bad parameter."""
    model = model_class(name)
    try:
        return model(model.parameters.model_validate(dict(params)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([field, *(str(part) for part in first["loc"])])
        raise InputError(where, first["input"], first["msg"].removeprefix("Value error, ")) from None
