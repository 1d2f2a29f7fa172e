"""How long a model's quote takes, beside the bare construction of its answer.

``python benchmarks/models.py --json`` prints for each model the best and the median batch, µs a quote, and
the best as a multiple of building a two-sided RawQuote, which every model must. On a busy machine look at
``best`` and ``times``; batches are short so that some run undisturbed. The MLP is 9-64-64-2.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from quoting_policy.domain import FillHazard, Latency, Level, MarketState, RawQuote
from quoting_policy.models import QuotingModel, build
from quoting_policy.models.mlp_weights import ActionSpace, Layer, MLPSpec, ObservedFeature, save_weights

_BATCH, _BATCHES = 100, 400
_LIMITS_US = {"FixedSpread": 1.5, "AvellanedaStoikov": 1.5, "GLFT closed": 1.5, "MLP 64x64": 20.0}
_MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "FixedSpread": ("FixedSpread", {"halfSpread": 1}),
    "LinearSkew": ("LinearSkew", {"baseSpread": 1, "inventorySkew": 1, "maxInventory": 10}),
    "AvellanedaStoikov": ("AvellanedaStoikov", {"gamma": 0.1}),
    "GLFT closed": ("GLFT", {"gamma": 0.01, "method": "closed"}),
    "GLFT exact": ("GLFT", {"gamma": 0.01, "maxInventory": 30}),
    "CarteaJaimungal": ("CarteaJaimungal", {"phi": 0.01, "maxInventory": 30}),
    "Ladder": (
        "Ladder",
        {"minEdge": 1, "floor": 0.5, "sigmaReference": 0.2, "inventorySkew": 1, "maxInventory": 30},
    ),
    "FixedSpread, adjusted": (
        "FixedSpread",
        {"halfSpread": 1, "latencyWidening": 1, "toxicityWidening": 1, "depthShare": 0.5},
    ),
}
_FEATURES = (
    "inventory", "spread", "imbalance", "sigma", "time_left", "feed_latency", "order_latency", "toxicity",
    "decay_bid",
)  # fmt: skip


def batches(action: Callable[[], object]) -> dict[str, float]:
    """Best and median batch, µs a call."""
    taken = []
    for _ in range(_BATCHES):
        start = time.perf_counter_ns()
        for _ in range(_BATCH):
            action()
        taken.append((time.perf_counter_ns() - start) / (1e3 * _BATCH))
    return {"best": min(taken), "median": statistics.median(taken)}


def answer() -> RawQuote:
    """A two-sided answer."""
    bid, ask = Level(99.0, 1.0), Level(101.0, 1.0)
    return RawQuote(100.0, (bid,), (ask,))


def mlp(folder: Path) -> QuotingModel:
    """A network with two hidden layers of 64."""
    rng = np.random.default_rng(0)
    action = ActionSpace(names=("bid_offset", "ask_offset"), kind="box", low=(1.0, 1.0), high=(9.0, 9.0))
    spec = MLPSpec(
        version=1,
        activation="tanh",
        price_unit=0.01,
        max_inventory=10.0,
        observation=tuple(ObservedFeature(name=name) for name in _FEATURES),
        action=action,
    )
    widths = (len(_FEATURES), 64, 64, 2)
    layers = [Layer(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in itertools.pairwise(widths)]
    digest = save_weights(folder / "weights.npz", spec, layers)
    return build("MLP", {"weights": str(folder / "weights.npz"), "sha256": digest})


def measure() -> dict[str, object]:
    """All models on one state."""
    hazard = FillHazard(0.9, 0.3)
    state = MarketState(
        mid=100.0, best_bid=99.9, best_ask=100.1, bid_qty=3.0, ask_qty=2.0, inventory=3.0, sigma=0.3,
        time_left=600.0, fill_hazard_bid=hazard, fill_hazard_ask=hazard, latency=Latency(0.01, 0.01),
        depth=9.0, toxicity=0.1,
    )  # fmt: skip
    bare = batches(answer)
    with tempfile.TemporaryDirectory(prefix="quoting-bench-") as folder:
        built = {name: build(model, params) for name, (model, params) in _MODELS.items()}
        built["MLP 64x64"] = mlp(Path(folder))
        found = {name: batches(lambda model=model: model.quote(state)) for name, model in built.items()}
    rows = {
        name: {**taken, "times": taken["best"] / bare["best"], "limit": _LIMITS_US.get(name)}
        for name, taken in found.items()
    }
    return {"unit": "µs", "answer alone": bare, "models": rows}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON")
    as_json = parser.parse_args().json
    figures = measure()
    print(
        json.dumps(figures, ensure_ascii=False)
        if as_json
        else json.dumps(figures, indent=2, ensure_ascii=False)
    )


if __name__ == "__main__":
    main()
