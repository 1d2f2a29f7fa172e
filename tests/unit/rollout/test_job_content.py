"""Weights and secret parameters in the pods that prove a revision."""

from __future__ import annotations

from typing import Any

import msgspec

from quoting_operator.api.policy import PolicySpec
from quoting_operator.rollout.conformance_job import conformance_job
from quoting_operator.rollout.job_content import content_args, content_of
from quoting_operator.rollout.jobs import Workplace
from quoting_operator.rollout.revisions import StoredRevision, wanted
from quoting_policy.domain import Limits, PortfolioLimits, canonical_json
from tests.resources import POLICY, Json, changed

PARAMS: Json = {"secretKeyRef": {"name": "desk-params", "key": "v2.yaml"}, "sha256": "a" * 64}
WEIGHTS: Json = {"configMapKeyRef": {"name": "desk-weights", "key": "v2.npz"}, "sha256": "b" * 64}
MLP: Json = {"model": "MLP", "params": {"qty": 1}, "paramsFrom": PARAMS, "weightsFrom": WEIGHTS}
PLACE = Workplace(image="paper")


def policy(**arms: Json) -> Json:
    meta = {"name": "btc", "namespace": "desk", "uid": "u"}
    changes: Any = changed(POLICY, "metadata", meta)
    for name, arm in arms.items():
        changes = changed(changes, f"spec.{name}", arm)
    return changes


def stored(body: Json) -> StoredRevision:
    content = wanted(PolicySpec.model_validate(body["spec"]), Limits(), {}, PortfolioLimits())
    return StoredRevision(name="btc-1", number=1, digest=content.digest(), content=content)


def test_each_key_is_mounted_by_itself_and_no_other_key_of_its_secret() -> None:
    body = policy(candidate=MLP)
    volumes = [dict(volume) for volume, _ in content_of(body, stored(body))]
    assert volumes == [
        {"name": "content-0",
         "secret": {"secretName": "desk-params", "items": [{"key": "v2.yaml", "path": "content"}]}},
        {"name": "content-1",
         "configMap": {"name": "desk-weights", "items": [{"key": "v2.npz", "path": "content"}]}},
    ]  # fmt: skip


def test_the_pod_that_proves_the_clamps_has_them_and_no_token() -> None:
    body = policy(candidate=MLP)
    spec = conformance_job(body, stored(body), 0, PLACE)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert "--content=/content" in container["args"]
    assert {m["mountPath"] for m in container["volumeMounts"]} >= {"/content/0", "/content/1"}
    assert spec["automountServiceAccountToken"] is False


def test_a_source_of_another_sha256_than_the_revisions_is_not_mounted() -> None:
    body = policy(candidate=MLP)
    edited = policy(candidate={**MLP, "paramsFrom": {**PARAMS, "sha256": "c" * 64}})
    assert len(content_of(edited, stored(body))) == 1


def test_a_policy_without_content_mounts_nothing() -> None:
    body = policy()
    assert content_of(body, stored(body)) == []
    assert content_args([]) == []


def test_a_new_sha256_is_a_new_digest_and_the_revision_names_nothing_else() -> None:
    one, two = policy(candidate=MLP), policy(candidate={**MLP, "paramsFrom": {**PARAMS, "sha256": "c" * 64}})
    assert stored(one).digest != stored(two).digest
    manifest = msgspec.json.encode(stored(one).manifest(one)).decode()
    assert PARAMS["sha256"] in manifest
    assert "desk-params" not in manifest
    assert "paramsFrom" not in canonical_json(stored(one).content).decode()
