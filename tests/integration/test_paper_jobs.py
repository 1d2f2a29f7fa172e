"""The API server takes the Jobs of the paper stage exactly as they are built."""

from __future__ import annotations

import json

import pytest

from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.injection.pod import CONFIG_MAPS_ANNOTATION, SECRETS_ANNOTATION, Sidecar, injected
from quoting_operator.rollout.conformance_job import conformance_inputs, conformance_job
from quoting_operator.rollout.paper_job import paper_inputs, paper_job, report_job
from quoting_policy.domain import ArmSpec
from tests.conftest import Kube
from tests.paper_cases import PLACE, POLICY, plan, stored

pytestmark = pytest.mark.integration

SECRET = {"secretKeyRef": {"name": "s", "key": "k"}, "sha256": "a" * 64}
WEIGHTS = {"configMapKeyRef": {"name": "w", "key": "k"}, "sha256": "b" * 64}
LEARNED = ArmSpec(model="MLP", weights_sha256="b" * 64, params_sha256="a" * 64)
LABELS = {POLICY_LABEL: "btc"}
DRY = ("create", "-f", "-", "--dry-run=server", "--validate=strict", "-o", "json")
VOLUME = {"type": "Volume", "volume": {"claimName": "tapes"}}


@pytest.mark.parametrize(
    "build",
    [
        lambda policy: paper_inputs(policy, stored(), plan(), 1),
        lambda policy: paper_job(policy, stored(), plan(), 1, PLACE),
        lambda policy: paper_job(policy, stored(), plan(data=VOLUME, sessions=10_000), 1, PLACE),
        lambda policy: report_job(policy, stored(), plan(), 1, PLACE),
        lambda policy: conformance_inputs(policy, stored(), 1),
        lambda policy: conformance_job(policy, stored(), 1, PLACE),
        lambda policy: paper_job(policy, stored(candidate=LEARNED), plan(), 1, PLACE),
        lambda policy: conformance_job(policy, stored(candidate=LEARNED), 1, PLACE),
    ],
    ids=[
        "inputs",
        "sessions",
        "most sessions",
        "report",
        "revision",
        "conformance",
        "sessions with content",
        "conformance with content",
    ],
)
@pytest.mark.parametrize("name", ["btc", "a.policy.with.dots", "x" * 63])
def test_what_is_built_is_taken_and_nothing_in_it_is_dropped(
    control_plane: Kube, namespace: str, name: str, build
) -> None:
    spec = {"baseline": {}, "candidate": {"paramsFrom": SECRET, "weightsFrom": WEIGHTS}}
    policy = {"metadata": POLICY["metadata"] | {"name": name, "namespace": namespace}, "spec": spec}
    manifest = build(policy)
    taken = json.loads(control_plane.kubectl(*DRY, given=json.dumps(manifest)))
    assert _within(manifest, taken) == []


def test_a_pod_with_secrets_and_weights_is_taken_as_it_is_injected(
    control_plane: Kube, namespace: str
) -> None:
    names = {CONFIG_MAPS_ANNOTATION: "w, x", SECRETS_ANNOTATION: "s"}
    pod = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "app", "namespace": namespace, "labels": LABELS, "annotations": names},
        "spec": {"automountServiceAccountToken": False, "containers": [{"name": "app", "image": "app"}]},
    }  # fmt: skip
    wanted = injected(pod, Sidecar(image="sidecar"))
    control_plane.kubectl(*DRY, given=json.dumps(wanted))


def _within(wanted, found, path="") -> list[str]:
    """Paths of what was wanted and is not there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [p for key, value in wanted.items() for p in _within(value, found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [p for i, value in enumerate(wanted) for p in _within(value, found[i], f"{path}[{i}]")]
    return [] if wanted == found else [path]
