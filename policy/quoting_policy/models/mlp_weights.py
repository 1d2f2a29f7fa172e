"""The weights file of an MLP policy: an ``.npz`` that declares its own observation and action spaces.

Arrays ``w0, b0, w1, b1, ...`` (``w``: inputs x outputs, floating point) and ``spec``, a JSON text::

    {"version": 1, "activation": "tanh",
     "priceUnit": 0.01, "maxInventory": 10,
     "observation": [{"name": "inventory", "shift": 0.0, "scale": 1.0}, ...],
     "action": {"names": ["bid_offset", "ask_offset"], "kind": "box", "low": [...], "high": [...]}}

An input of the network is ``(feature - shift)·scale``. Actions are distances of bid and ask from the mid in
price units, and optionally ``bid_size``, ``ask_size``, shares of the order size. Kind ``box``: the outputs,
clipped to [low, high]. Kind ``multi_discrete``: one group of logits an action, the largest picks from
``values``.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from quoting_policy.errors import InputError
from quoting_policy.models.observation import FEATURES

MAX_BYTES = 64 << 20
"""Largest weights file, packed or unpacked."""
ACTIONS = (("bid_offset", "ask_offset"), ("bid_offset", "ask_offset", "bid_size", "ask_size"))
Matrix = NDArray[np.float64]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class ObservedFeature(_Spec):
    """One input of the network: ``(feature - shift)·scale``."""

    name: str
    shift: float = 0.0
    scale: float = 1.0

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.name not in FEATURES:
            raise ValueError(f"{self.name!r} must be one of {', '.join(FEATURES)}")
        return self


class ActionSpace(_Spec):
    """What the outputs mean."""

    names: tuple[str, ...]
    kind: Literal["box", "multi_discrete"]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.names not in ACTIONS:
            raise ValueError(f"names {self.names!r} must be one of {ACTIONS!r}")
        box = len(self.low) == len(self.high) == len(self.names) and not self.values
        groups = len(self.values) == len(self.names) and all(self.values) and not (self.low or self.high)
        if not (box if self.kind == "box" else groups):
            raise ValueError("a box has low and high, multi_discrete has values: one for each action")
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low must be <= high")
        return self

    @property
    def outputs(self) -> int:
        """Number of outputs of the network."""
        return len(self.names) if self.kind == "box" else sum(map(len, self.values))


class MLPSpec(_Spec):
    """The declaration in the file."""

    version: Literal[1]
    activation: Literal["tanh", "relu"]
    price_unit: float = Field(alias="priceUnit", gt=0)
    max_inventory: float = Field(alias="maxInventory", gt=0)
    observation: tuple[ObservedFeature, ...] = Field(min_length=1)
    action: ActionSpace


class Layer(NamedTuple):
    """weights: inputs x outputs. bias: outputs."""

    weights: Matrix
    bias: Matrix


class MLPWeights(NamedTuple):
    """A checked file: its declaration and its layers, first to last."""

    spec: MLPSpec
    layers: tuple[Layer, ...]


def save_weights(path: Path, spec: MLPSpec, layers: Sequence[Layer]) -> str:
    """Write a weights file and return its sha256. Raises InputError where layers and spec do not match."""
    _check_shapes(spec, layers, "layers")
    arrays = {
        f"{name}{i}": array for i, layer in enumerate(layers) for name, array in zip("wb", layer, strict=True)
    }
    buffer = io.BytesIO()
    np.savez(buffer, spec=np.array(spec.model_dump_json(by_alias=True)), **arrays)  # type: ignore[arg-type]  # numpy's stub takes the arrays for allow_pickle
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def load_weights(path: Path, sha256: str) -> MLPWeights:
    """Read a weights file whose content must have this sha256. Raises InputError as :func:`read_weights`."""
    content = _content(path)
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256.lower():
        raise InputError("params.sha256", sha256, f"the digest of params.weights, {actual}")
    return read_weights(content, "params.weights", str(path))


def read_weights(content: bytes, field: str, source: str) -> MLPWeights:
    """Read the bytes of a weights file; field, source: what errors call it, and where it is from.

    Raises InputError naming what does not match: the declaration, shapes, or a number that is not finite.
    Nothing in the file is executed (no pickle).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise InputError(field, source, f"at most {MAX_BYTES} bytes unpacked")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        spec = MLPSpec.model_validate_json(str(arrays.pop("spec")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([field, "spec", *map(str, first["loc"])])
        raise InputError(where, first["input"], f"valid: {first['msg']}") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(field, source, f"an .npz file with spec, w0, b0, ...: {error}") from None
    layers = _layers(arrays, field)
    _check_shapes(spec, layers, field)
    return MLPWeights(spec, layers)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("params.weights", str(path), f"at most {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise InputError("params.weights", str(path), f"a readable file: {error.strerror}") from None


def _layers(arrays: dict[str, NDArray[np.generic]], field: str) -> tuple[Layer, ...]:
    count = len(arrays) // 2
    wanted = {f"{name}{i}" for i in range(count) for name in "wb"}
    if not count or set(arrays) != wanted:
        raise InputError(field, sorted(arrays), "the arrays spec, w0, b0, w1, b1, ... and no other")
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
            raise InputError(f"{field}.{name}", str(array.dtype), "an array of finite floating-point numbers")
    as_float = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    return tuple(Layer(as_float[f"w{i}"], as_float[f"b{i}"]) for i in range(count))


def _check_shapes(spec: MLPSpec, layers: Sequence[Layer], field: str) -> None:
    width = len(spec.observation)
    for i, (weights, bias) in enumerate(layers):
        if weights.ndim != 2 or weights.shape[0] != width or bias.shape != (weights.shape[1],):
            shapes = (weights.shape, bias.shape)
            raise InputError(f"{field}.w{i}", shapes, f"({width}, n) with a bias of (n,)")
        width = weights.shape[1]
    if width != spec.action.outputs:
        raise InputError(f"{field}.w{len(layers) - 1}", width, f"{spec.action.outputs} outputs, as declared")
