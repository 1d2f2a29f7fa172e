"""MLP: inference against plain loops, and every way a weights file can be wrong."""

from __future__ import annotations

import hashlib
import itertools
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_policy.errors import InputError
from quoting_policy.models import QuotingModel, RefusalError, build
from quoting_policy.models.mlp_weights import (
    ActionSpace,
    Layer,
    MLPSpec,
    ObservedFeature,
    load_weights,
    save_weights,
)
from quoting_policy.models.observation import FEATURES, Scales, observe
from tests.unit.models.markets import state

FEATURE_NAMES = ("inventory", "spread", "imbalance", "sigma", "time_left", "feed_latency", "decay_bid")
BOX = ActionSpace(names=("bid_offset", "ask_offset"), kind="box", low=(1.0, 1.0), high=(9.0, 9.0))


def spec(action: ActionSpace = BOX, activation: str = "tanh") -> MLPSpec:
    observed = [{"name": name, "shift": 0.1, "scale": 0.5} for name in FEATURE_NAMES]
    return MLPSpec.model_validate({
        "version": 1, "activation": activation, "priceUnit": 0.5, "maxInventory": 20,
        "observation": observed, "action": action.model_dump(),
    })  # fmt: skip


def random_layers(outputs: int, seed: int = 0) -> list[Layer]:
    rng = np.random.default_rng(seed)
    widths = [len(FEATURE_NAMES), 8, 5, outputs]
    return [
        Layer(rng.normal(size=(a, b)), rng.normal(size=b) + (4.0 if b == outputs else 0.0))
        for a, b in itertools.pairwise(widths)
    ]


def saved(
    path: Path, action: ActionSpace = BOX, activation: str = "tanh", seed: int = 0, **params: object
) -> QuotingModel:
    digest = save_weights(path, spec(action, activation), random_layers(action.outputs, seed))
    return build("MLP", {"weights": str(path), "sha256": digest, **params})


def forward(layers: list[Layer], inputs: list[float], activation: str) -> list[float]:
    """The network in plain Python."""
    hidden = inputs
    for depth, (weights, bias) in enumerate(layers):
        hidden = [
            math.fsum(x * weights[i][j] for i, x in enumerate(hidden)) + bias[j] for j in range(len(bias))
        ]
        if depth < len(layers) - 1:
            hidden = [math.tanh(x) if activation == "tanh" else max(0.0, x) for x in hidden]
    return hidden


@settings(max_examples=25)
@given(
    inventory=st.floats(-20, 20),
    sigma=st.floats(0, 3),
    seed=st.integers(0, 5),
    activation=st.sampled_from(["tanh", "relu"]),
)
def test_offsets_are_the_clipped_outputs_of_the_declared_network(
    tmp_path_factory: pytest.TempPathFactory, inventory: float, sigma: float, seed: int, activation: str
) -> None:
    market = state(inventory=inventory, sigma=sigma)
    quoting = saved(tmp_path_factory.mktemp("weights") / "w.npz", activation=activation, seed=seed)
    features = [(1.0 * x - 0.1) * 0.5 for x in observe(market, FEATURE_NAMES, Scales(0.5, 20.0))]
    expected = [min(max(x, 1.0), 9.0) for x in forward(random_layers(2, seed), features, activation)]
    quote = quoting.quote(market)
    assert 1000.0 - quote.bids[0].price == pytest.approx(0.5 * expected[0], abs=1e-9)
    assert quote.asks[0].price - 1000.0 == pytest.approx(0.5 * expected[1], abs=1e-9)


def test_a_categorical_policy_takes_the_largest_logit_of_each_group(tmp_path: Path) -> None:
    action = ActionSpace(
        names=("bid_offset", "ask_offset", "bid_size", "ask_size"), kind="multi_discrete",
        values=((1.0, 2.0, 3.0), (4.0, 5.0), (0.5, 1.0), (0.0, 1.0)),
    )  # fmt: skip
    bias = np.array([0.0, 9.0, 1.0, 5.0, 2.0, 3.0, 1.0, 7.0, 6.0])
    layers = [Layer(np.zeros((len(FEATURE_NAMES), 9)), bias)]
    digest = save_weights(tmp_path / "w.npz", spec(action), layers)
    quote = build("MLP", {"weights": str(tmp_path / "w.npz"), "sha256": digest, "qty": 10}).quote(state())
    assert quote.bids[0] == msgspec.structs.replace(quote.bids[0], price=1000.0 - 2.0 * 0.5, qty=5.0)
    assert quote.asks == (), "size 0 is no quote on that side"


def test_needs_are_those_of_the_declared_features(tmp_path: Path) -> None:
    quoting = saved(tmp_path / "w.npz")
    assert quoting.needs == {need for name in FEATURE_NAMES for need in FEATURES[name].needs}
    for name in quoting.needs:
        with pytest.raises(RefusalError, match=r"^state\."):
            quoting.quote(state(**{name: None}))


def test_an_empty_book_and_numbers_beyond_range_are_refused(tmp_path: Path) -> None:
    quoting = saved(tmp_path / "w.npz")
    for known in (
        {"bid_qty": 0.0, "ask_qty": 0.0},
        {"sigma": math.nan},
        {"inventory": math.inf},
        {"mid": math.nan},
    ):
        with pytest.raises(RefusalError):
            quoting.quote(state(**known))


def test_a_policy_that_crosses_its_own_quotes_is_refused(tmp_path: Path) -> None:
    action = ActionSpace(names=("bid_offset", "ask_offset"), kind="box", low=(-9.0, -9.0), high=(-8.0, -8.0))
    with pytest.raises(RefusalError, match="not a quote"):
        saved(tmp_path / "w.npz", action).quote(state())


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_its_needs_and_no_unit_of_price(name: str) -> None:
    """Ten times the price unit and prices ten times as large: the same observation."""
    from quoting_policy.domain import FillHazard

    hazard = FillHazard(0.9, 0.03)
    small = state(inventory=4.0, alpha=0.3, drift=0.2)
    large = msgspec.structs.replace(
        small, mid=1e4, best_bid=9990.0, best_ask=10010.0, sigma=3.0, alpha=3.0, drift=2.0,
        fill_hazard_bid=hazard, fill_hazard_ask=hazard,
    )  # fmt: skip
    one, other = (observe(m, [name], Scales(u, 20.0)) for m, u in ((small, 0.1), (large, 1.0)))
    assert one == pytest.approx(other)
    for need in FEATURES[name].needs:
        with pytest.raises(RefusalError):
            observe(state(**{need: None}), [name], Scales(0.1, 20.0))


def rewritten(path: Path, **arrays: object) -> str:
    """The file with arrays replaced (or removed, by None); its digest."""
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files} | arrays
    np.savez(path, **{name: array for name, array in content.items() if array is not None})
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"w0": np.zeros((3, 8))}, r"w0: .* must be \(7, n\)"),
        ({"b1": np.zeros(4)}, "w1: .* with a bias"),
        ({"w2": np.zeros((5, 3)), "b2": np.zeros(3)}, "w2: 3 must be 2 outputs, as declared"),
        ({"w1": np.full((8, 5), np.nan)}, "finite floating-point"),
        ({"w1": np.ones((8, 5), dtype=int)}, "finite floating-point"),
        ({"extra": np.ones(2), "more": np.ones(2)}, "and no other"),
        ({"b2": None}, "spec, w0, b0, w1, b1"),
        ({"spec": None}, "an .npz file with spec"),
        ({"spec": np.array("{}")}, "weights.spec.version"),
        ({"spec": np.array("not json")}, "weights.spec"),
        ({"w0": np.array([object()])}, "an .npz file with spec"),
    ],
)
def test_a_file_that_does_not_match_its_declaration_is_refused(
    tmp_path: Path, arrays: dict[str, object], message: str
) -> None:
    path = tmp_path / "w.npz"
    saved(path)
    digest = rewritten(path, **arrays)
    with pytest.raises(InputError, match=message):
        load_weights(path, digest)


def test_a_changed_file_a_missing_file_and_other_content_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    saved(path)
    with pytest.raises(InputError, match=r"params.sha256: '0000.* must be the digest of params.weights, "):
        load_weights(path, "0" * 64)
    with pytest.raises(InputError, match=r"params.weights: .* must be a readable file"):
        load_weights(tmp_path / "absent.npz", "0" * 64)
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"an .npz file"):
        load_weights(path, hashlib.sha256(b"no archive").hexdigest())


@pytest.mark.parametrize(
    "change",
    [
        {"observation": [{"name": "phase_of_the_moon"}]},
        {"observation": []},
        {"version": 2},
        {"activation": "gelu"},
        {"priceUnit": 0},
        {"action": {"names": ["bid_offset"], "kind": "box", "low": [0], "high": [1]}},
        {"action": {"names": ["bid_offset", "ask_offset"], "kind": "box", "low": [2, 2], "high": [1, 1]}},
        {
            "action": {
                "names": ["bid_offset", "ask_offset"],
                "kind": "multi_discrete",
                "low": [0, 0],
                "high": [1, 1],
            }
        },
        {"action": {"names": ["bid_offset", "ask_offset"], "kind": "multi_discrete", "values": [[1.0], []]}},
    ],
)
def test_declarations_that_mean_nothing_are_refused(change: dict[str, object]) -> None:
    whole = spec().model_dump(by_alias=True)
    with pytest.raises(ValueError, match="validation error"):
        MLPSpec.model_validate({**whole, **change})


def test_scale_and_shift_default_to_the_bare_feature() -> None:
    assert ObservedFeature(name="sigma") == ObservedFeature(name="sigma", shift=0.0, scale=1.0)
