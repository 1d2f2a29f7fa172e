"""From an arm of a revision to its model, with weights and secret parameters put in.

What a Secret holds is never said: an error about parameters that have a part from there names what is wrong
and what is allowed, and shows no value.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import yaml

from quoting_policy.domain import ArmSpec
from quoting_policy.errors import InputError
from quoting_policy.models.content import Contents
from quoting_policy.models.contract import QuotingModel
from quoting_policy.models.registry import (
    allowed_range,
    build,
    check,
    model_class,
    unit,
    weights_named_by,
)

MOST_SECRET_BYTES = 1 << 14
"""Largest text of secret parameters, bytes: the engine reads it between two quotes."""


class _Hidden:
    """Stands in an error for a value that is nobody's business."""

    def __repr__(self) -> str:
        return "(hidden: from a Secret)"


HIDDEN = _Hidden()


def build_arm(arm: ArmSpec, contents: Contents, field: str) -> QuotingModel:
    """The model of an arm. Raises InputError naming the field; of secret parameters it shows no value."""
    weights = None
    if arm.weights_sha256 is not None:
        weights = _wanted(contents, arm.weights_sha256, f"{field}.weightsFrom")
    if arm.params_sha256 is msgspec.UNSET:
        return build(arm.model, arm.params, f"{field}.params", weights=weights)
    model_class(arm.model, f"{field}.model")
    secret = _parameters(_wanted(contents, arm.params_sha256, f"{field}.paramsFrom"), f"{field}.paramsFrom")
    try:
        return build(arm.model, {**arm.params, **secret}, f"{field}.params", weights=weights)
    except Exception as error:  # noqa: BLE001  whatever speaks of these parameters might say them
        problem = _discreet(error, arm.model, f"{field}.params")
    # Raised out here, so that not even the context of the exception holds what was hidden.
    raise problem


def check_arm(arm: ArmSpec, field: str) -> None:
    """Check what can be checked without weights and Secret. Raises InputError naming the field."""
    model_class(arm.model, f"{field}.model")
    named_by = weights_named_by(arm.model)
    if named_by and arm.weights_sha256 is None:
        raise InputError(f"{field}.weightsFrom", None, "given", f"{arm.model} has learned weights")
    if not named_by and arm.weights_sha256 is not None:
        raise InputError(
            f"{field}.weightsFrom", arm.weights_sha256, "left out", f"{arm.model} has no weights"
        )
    if files := sorted(set(named_by) & arm.params.keys()):
        where = f"{field}.params.{files[0]}"
        raise InputError(where, arm.params[files[0]], "left out", "weightsFrom says where the weights are")
    if arm.content():
        more_to_come = arm.params_sha256 is not msgspec.UNSET
        check(arm.model, arm.params, f"{field}.params", more_to_come=more_to_come)
    else:
        build(arm.model, arm.params, f"{field}.params")


def _wanted(contents: Contents, sha256: str, field: str) -> bytes:
    found = contents.get(sha256)
    if found is None:
        allowed = f"content of sha256 {sha256}"
        raise InputError(field, None, allowed, "it is not mounted here, or was changed without a new sha256")
    return found


def _parameters(content: bytes, field: str) -> dict[str, Any]:
    """YAML or JSON of parameters. The parsers' own messages quote the text, so none of them is passed on."""
    if len(content) > MOST_SECRET_BYTES:
        raise InputError(field, f"{len(content)} bytes", f"at most {MOST_SECRET_BYTES} bytes")
    try:
        found = _parsed(content.decode())
    except Exception:  # noqa: BLE001  as above
        found = None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InputError(
            field, HIDDEN, "YAML or JSON, names of parameters with their values, without aliases"
        )
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            return None
        return yaml.safe_load(text)


def _discreet(error: Exception, model: str, field: str) -> InputError:
    """The error without any value: a known parameter by its name, else the names to choose from."""
    fields = model_class(model).parameters.model_fields
    known = {info.alias or name: info for name, info in fields.items()}
    told = error.field if isinstance(error, InputError) else ""
    if told.partition(".")[0] == "weights":
        return InputError(told, HIDDEN, "usable weights", "see whether they load without secret parameters")
    name = told.removeprefix(f"{field}.").partition(".")[0]
    info = known.get(name)
    if info is None:
        return InputError(
            field, HIDDEN, f"what {model} takes", f"known parameters: {', '.join(sorted(known))}"
        )
    remedy = " ".join(filter(None, [info.description, f"[{unit(info)}]" if unit(info) else ""]))
    return InputError(f"{field}.{name}", HIDDEN, f"given and valid {allowed_range(info)}".rstrip(), remedy)
