"""From an arm to its model: weights and secret parameters are those of their sha256, and are never shown."""

from __future__ import annotations

import json
import traceback
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_policy.domain import ArmSpec, Level
from quoting_policy.domain.revision import canonical_json
from quoting_policy.errors import InputError
from quoting_policy.models.arms import MOST_SECRET_BYTES, build_arm, check_arm
from quoting_policy.models.content import NOTHING, Contents, read_contents
from tests.unit.models.markets import state
from tests.unit.models.test_mlp import BOX, random_layers, save_weights, saved, spec

MARKER = "h1dd3n"


def secret_arm(content: bytes, model: str = "FixedSpread", **fields: Any) -> ArmSpec:
    return ArmSpec(model=model, params_sha256=sha256(content).hexdigest(), **fields)


@pytest.mark.parametrize("content", [b"halfSpread: 3\nqty: 2\n", b'{"halfSpread": 3, "qty": 2}'])
def test_secret_parameters_go_over_the_others(content: bytes) -> None:
    model = build_arm(secret_arm(content, params={"halfSpread": 9}), Contents([content]), "candidate")
    assert model.quote(state(mid=100.0)).bids == (Level(97.0, 2.0),)


def test_an_arm_without_a_secret_has_the_digest_it_always_had() -> None:
    assert canonical_json(ArmSpec(model="GLFT")) == b'{"model":"GLFT","params":{},"weights_sha256":null}'


def test_content_of_another_sha256_is_not_there() -> None:
    arm = secret_arm(b"halfSpread: 3")
    with pytest.raises(InputError, match=r"candidate.paramsFrom: None must be content of sha256 "):
        build_arm(arm, Contents([b"halfSpread: 4"]), "candidate")


def test_weights_are_those_of_their_sha256(tmp_path: Path) -> None:
    digest = save_weights(tmp_path / "w.npz", spec(BOX), random_layers(2))
    arm = ArmSpec(model="MLP", weights_sha256=digest)
    model = build_arm(arm, read_contents(tmp_path), "candidate")
    assert model.quote(state()) == saved(tmp_path / "file.npz").quote(state())
    with pytest.raises(InputError, match=rf"candidate.weightsFrom: None must be content of sha256 {digest}"):
        build_arm(arm, Contents([b"something else"]), "candidate")


def test_weights_that_are_none_are_refused_by_name() -> None:
    arm = ArmSpec(model="MLP", weights_sha256=sha256(b"x").hexdigest())
    with pytest.raises(InputError, match=r"weights: .* must be an .npz file with spec"):
        build_arm(arm, Contents([b"x"]), "candidate")


def test_a_mount_is_read_as_the_kubelet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "0" / "..2026").mkdir(parents=True)
    (tmp_path / "0" / "..2026" / "key").write_bytes(b"qty: 1")
    (tmp_path / "0" / "..data").symlink_to("..2026")
    (tmp_path / "0" / "key").symlink_to("..data/key")
    (tmp_path / "0" / "gone").symlink_to("..data/gone")
    assert read_contents(tmp_path).blobs() == (b"qty: 1",)


SECRETS = [
    f"halfSpread: {MARKER}",
    f"halfSpread: [{MARKER}, {MARKER}]",
    f"{MARKER}: 1",
    f"halfSpread: 1\nqty: {{{MARKER}: {MARKER}}}",
    f"- {MARKER}",
    f"{MARKER}",
    f"a: &x {MARKER}\nhalfSpread: *x",
    f"halfSpread: '{MARKER}",
    f"halfSpread: 1\n{MARKER}: {MARKER}\n\t{MARKER}",
    f"!!python/object:{MARKER}.{MARKER} {{}}",
    f"halfSpread: -1\nlatencyWidening: {MARKER}",
    f"halfSpread: 1\nhalf_spread: {MARKER}",
    "[" * 9000 + MARKER,
    f"# {MARKER}\n" + "x" * MOST_SECRET_BYTES,
]


@pytest.mark.parametrize("text", SECRETS)
def test_an_error_about_secret_parameters_never_shows_them(text: str) -> None:
    content = text.encode()
    with pytest.raises(InputError) as caught:
        build_arm(secret_arm(content, params={"qty": 1}), Contents([content]), "candidate")
    said = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert MARKER not in said
    assert caught.value.__context__ is None
    assert str(caught.value).startswith("candidate.params")


@given(
    value=st.floats(-1e6, -1.5).map(lambda x: round(x, 6)), model=st.sampled_from(["FixedSpread", "Ladder"])
)
def test_a_bad_secret_number_is_named_and_not_shown(value: float, model: str) -> None:
    content = json.dumps({"halfSpread": value, "qty": 1}).encode()
    with pytest.raises(InputError) as caught:
        build_arm(secret_arm(content, model), Contents([content]), "candidate")
    assert repr(value) not in str(caught.value)
    assert str(caught.value).startswith("candidate.params")
    assert "(hidden: from a Secret)" in str(caught.value)


def test_a_rule_over_several_parameters_does_not_show_them_either() -> None:
    content = b"qty: 7.25"
    fixed = {"gamma": 0.1, "maxInventory": 5, "horizon": "infinite"}
    with pytest.raises(InputError) as caught:
        build_arm(secret_arm(content, "AvellanedaStoikov", params=fixed), Contents([content]), "candidate")
    assert "7.25" not in str(caught.value)


def test_contents_do_not_show_themselves() -> None:
    assert MARKER not in repr(Contents([MARKER.encode()]))


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        (ArmSpec(model="No"), "spec.candidate.model: 'No' must be one of "),
        (ArmSpec(model="MLP"), "spec.candidate.weightsFrom: None must be given; MLP has learned weights"),
        (ArmSpec(model="MLP", weights_sha256="0" * 64, params={"weights": "/etc/passwd"}),
         "spec.candidate.params.weights: '/etc/passwd' must be left out"),
        (ArmSpec(model="MLP", weights_sha256="0" * 64, params={"qty": -1}), "spec.candidate.params.qty: -1 "),
        (ArmSpec(model="GLFT", weights_sha256="0" * 64), "weightsFrom: .* GLFT has no weights"),
        (ArmSpec(model="FixedSpread"), "spec.candidate.params.halfSpread: None must be given"),
        (secret_arm(b"", params={"qty": -1}), "spec.candidate.params.qty: -1 must be"),
        (secret_arm(b"", params={"spred": 1}), "spec.candidate.params.spred: 1 must be left out"),
    ],
)  # fmt: skip
def test_what_can_be_checked_without_content_is(arm: ArmSpec, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_arm(arm, "spec.candidate")


def test_what_a_secret_may_still_bring_is_not_missing() -> None:
    check_arm(secret_arm(b"", params={"qty": 1}), "spec.candidate")
    check_arm(ArmSpec(model="MLP", weights_sha256="0" * 64, params={"qty": 1}), "spec.candidate")


def test_nothing_is_there_where_nothing_is_mounted() -> None:
    assert read_contents(None) is NOTHING
    assert msgspec.UNSET is ArmSpec(model="GLFT").params_sha256
