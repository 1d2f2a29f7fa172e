"""MLP: a learned policy, evaluated with numpy from a weights file that declares its spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.errors import InputError
from quoting_policy.models.adjustments import AdjustableParameters
from quoting_policy.models.contract import FailClosed, Lots, Parameters, RefusalError, two_sided
from quoting_policy.models.mlp_weights import (
    ActionSpace,
    Layer,
    Matrix,
    MLPWeights,
    load_weights,
    read_weights,
)
from quoting_policy.models.observation import FEATURES, Scales, observe
from quoting_policy.models.registry import register


class MLPParameters(AdjustableParameters):
    """Parameters of :class:`MLP`."""

    weights: Path | None = Field(
        default=None,
        description="Weights file (.npz) that declares its spaces; a QuotingPolicy has weightsFrom instead.",
    )
    sha256: str | None = Field(
        default=None, pattern="^[0-9a-fA-F]{64}$", description="Digest of the weights file."
    )
    qty: Lots = Field(
        default=1.0, gt=0, description="Largest size of each quote; size actions are shares of it."
    )


@register
class MLP(FailClosed):
    """A multilayer perceptron from features of the state to offsets (and sizes) of both sides.

    Deterministic: the mean of a Gaussian policy, the most likely class of a categorical one. Normalisation
    of the inputs is folded into the first layer.
    """

    name: ClassVar[str] = "MLP"
    parameters: ClassVar[type[Parameters]] = MLPParameters
    reads: ClassVar[tuple[str, ...]] = ("mid", "inventory", "what the weights file declares")
    weights_named_by: ClassVar[tuple[str, ...]] = ("weights", "sha256")

    def __init__(self, params: MLPParameters, weights: bytes | None = None) -> None:
        loaded = _loaded(params, weights)
        spec = loaded.spec
        self._qty = params.qty
        self._scales = Scales(spec.price_unit, spec.max_inventory)
        self._names = tuple(feature.name for feature in spec.observation)
        *inner, last = _folded(loaded)
        self._inner, self._last = tuple(inner), last
        self._activate = _relu if spec.activation == "relu" else _tanh
        self._act = _decoder(spec.action)
        self.needs = frozenset(field for name in self._names for field in FEATURES[name].needs)

    def propose(self, state: MarketState) -> RawQuote:
        """Offsets and sizes that the network picks."""
        if not abs(state.inventory) < math.inf:
            raise RefusalError("inventory is not finite")
        hidden = np.array(observe(state, self._names, self._scales))
        for weights, bias in self._inner:
            hidden = weights.dot(hidden)
            hidden += bias
            self._activate(hidden)
        weights, bias = self._last
        actions = self._act(weights.dot(hidden) + bias)
        unit, qty = self._scales.price_unit, self._qty
        bid, ask, bid_qty, ask_qty = actions[0] * unit, actions[1] * unit, qty, qty
        if len(actions) > 2:
            bid_qty, ask_qty = qty * min(actions[2], 1.0), qty * min(actions[3], 1.0)
        return two_sided(
            state.mid,
            bid if bid_qty > 0.0 else None,
            ask if ask_qty > 0.0 else None,
            bid_qty,
            ask_qty,
            reservation=state.mid + 0.5 * (ask - bid),
        )


def _loaded(params: MLPParameters, weights: bytes | None) -> MLPWeights:
    if weights is not None:
        if params.weights is not None or params.sha256 is not None:
            raise InputError(
                "params.weights", str(params.weights), "left out", "the weights are given already"
            )
        return read_weights(weights, "weights", f"{len(weights)} bytes")
    if params.weights is None or params.sha256 is None:
        missing = "params.weights" if params.weights is None else "params.sha256"
        raise InputError(missing, None, "given", "a weights file and its digest")
    return load_weights(params.weights, params.sha256)


def _folded(loaded: MLPWeights) -> tuple[Layer, ...]:
    """Layers with the normalisation of the inputs in the first one, weights as outputs x inputs."""
    shift = np.array([feature.shift for feature in loaded.spec.observation])
    scale = np.array([feature.scale for feature in loaded.spec.observation])
    first, *rest = loaded.layers
    weights = first.weights * scale[:, None]
    folded = (Layer(weights, first.bias - shift @ weights), *rest)
    return tuple(Layer(np.ascontiguousarray(layer.weights.T), layer.bias) for layer in folded)


def _relu(x: Matrix) -> None:
    np.maximum(x, 0.0, out=x)


def _tanh(x: Matrix) -> None:
    np.tanh(x, out=x)


def _decoder(action: ActionSpace) -> Callable[[Matrix], list[float]]:
    """How outputs become actions."""
    if action.kind == "box":
        bounds = list(zip(action.low, action.high, strict=True))

        def clipped(outputs: Matrix) -> list[float]:
            numbers: list[float] = outputs.tolist()
            if not math.isfinite(math.fsum(numbers)):
                raise RefusalError("an output of the network is not finite")
            return [min(max(x, low), high) for x, (low, high) in zip(numbers, bounds, strict=True)]

        return clipped
    edges = np.cumsum([0, *map(len, action.values)]).tolist()

    def chosen(outputs: Matrix) -> list[float]:
        if not math.isfinite(float(outputs.sum())):
            raise RefusalError("an output of the network is not finite")
        groups = zip(action.values, edges, edges[1:], strict=False)
        return [values[int(outputs[low:high].argmax())] for values, low, high in groups]

    return chosen
