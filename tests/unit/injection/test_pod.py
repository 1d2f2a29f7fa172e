"""What the webhook makes of a pod."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.injection.pod import (
    CONFIG_MAPS_ANNOTATION,
    SECRETS_ANNOTATION,
    SIDECAR_ANNOTATION,
    Sidecar,
    injected,
)
from quoting_operator.injection.review import patch, reviewed
from tests.resources import Json, changed

SIDECAR = Sidecar(image="localhost/quoting-sidecar:dev")
APP: Json = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "app-", "labels": {POLICY_LABEL: "btc"}},
    "spec": {"containers": [{"name": "app", "image": "app"}]},
}
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def containers(pod: Json) -> dict[str, Json]:
    return {c["name"]: c for c in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"])}


def mounts(pod: Json, container: str) -> dict[str, str]:
    return {m["mountPath"]: m["name"] for m in containers(pod)[container]["volumeMounts"]}


def test_a_pod_that_names_no_policy_is_left_alone() -> None:
    assert injected(changed(APP, "metadata.labels", {"app": "x"}), SIDECAR) == changed(
        APP, "metadata.labels", {"app": "x"}
    )
    assert injected(changed(APP, "metadata.labels", None), SIDECAR)["spec"] == APP["spec"]


def test_the_sidecars_are_native_and_first_in_line() -> None:
    pod = injected(changed(APP, "spec.initContainers", [{"name": "migrate", "image": "m"}]), SIDECAR)
    first = pod["spec"]["initContainers"]
    assert [c["name"] for c in first] == ["quoting-engine", "quoting-agent", "migrate"]
    assert [c.get("restartPolicy") for c in first] == ["Always", "Always", None]


def test_only_the_agent_has_a_token() -> None:
    pod = injected(APP, SIDECAR)
    assert mounts(pod, "quoting-agent")[TOKEN] == "quoting-token"
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert "projected" in volumes["quoting-token"]
    assert "emptyDir" in volumes[mounts(pod, "quoting-engine")[TOKEN]]
    assert TOKEN not in mounts(pod, "app")


def test_only_the_agent_is_given_the_weights_and_secrets_that_a_pod_names() -> None:
    names = {CONFIG_MAPS_ANNOTATION: "weights-b, weights-a", SECRETS_ANNOTATION: "desk-params"}
    pod = injected(changed(APP, "metadata.annotations", names), SIDECAR)
    content = [v for v in pod["spec"]["volumes"] if v["name"].startswith("quoting-content")]
    assert content == [
        {"name": "quoting-content-0", "configMap": {"name": "weights-a", "optional": True}},
        {"name": "quoting-content-1", "configMap": {"name": "weights-b", "optional": True}},
        {"name": "quoting-content-2", "secret": {"secretName": "desk-params", "optional": True}},
    ]
    who_mounts = {c for c in containers(pod) for name in mounts(pod, c).values() if "content" in name}
    assert who_mounts == {"quoting-agent"}
    assert "--content=/run/quoting-content" in containers(pod)["quoting-agent"]["args"]
    assert injected(pod, SIDECAR) == pod


def test_the_app_reaches_the_engine_and_not_its_control_socket() -> None:
    pod = injected(APP, SIDECAR)
    app = containers(pod)["app"]
    assert {"name": "QUOTING_SOCKET", "value": "/run/quoting/engine.sock"} in app["env"]
    assert set(mounts(pod, "app").values()) == {"quoting-socket"}
    assert "quoting-socket" not in mounts(pod, "quoting-agent").values()
    assert pod["spec"]["securityContext"]["supplementalGroups"] == [65532]


@pytest.mark.parametrize("name", ["quoting-engine", "quoting-agent"])
def test_the_sidecars_meet_the_restricted_standard(name: str) -> None:
    security = containers(injected(APP, SIDECAR))[name]["securityContext"]
    assert security["runAsNonRoot"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}


def test_what_the_app_set_is_kept() -> None:
    pod = copy.deepcopy(APP)
    pod["spec"]["containers"][0] |= {
        "env": [{"name": "A", "value": "1"}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    pod["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    pod["spec"]["securityContext"] = {"supplementalGroups": [7], "runAsUser": 5}
    pod["metadata"]["annotations"] = {"prometheus.io/port": "80"}
    done = injected(pod, SIDECAR)
    assert {"name": "A", "value": "1"} in done["spec"]["containers"][0]["env"]
    assert {"name": "v", "emptyDir": {}} in done["spec"]["volumes"]
    assert done["spec"]["securityContext"] == {"supplementalGroups": [7, 65532], "runAsUser": 5}
    assert done["metadata"]["annotations"]["prometheus.io/port"] == "80"


names = st.sampled_from(["app", "quoting-engine", "quoting-socket", "other"])
lists = st.lists(names, unique=True, max_size=3).map(lambda found: [{"name": name} for name in found])


@settings(deadline=None)
@given(lists, lists, lists)
def test_injecting_again_changes_nothing(init: list[Json], volumes: list[Json], env: list[Json]) -> None:
    pod = copy.deepcopy(APP)
    pod["spec"] |= {"initContainers": init, "volumes": volumes}
    pod["spec"]["containers"][0]["env"] = env
    once = injected(pod, SIDECAR)
    assert injected(once, SIDECAR) == once
    assert patch(once, injected(once, SIDECAR)) == []


def test_the_pod_given_is_not_touched() -> None:
    before = copy.deepcopy(APP)
    injected(APP, SIDECAR)
    assert before == APP


def test_a_newer_sidecar_has_another_fingerprint() -> None:
    annotations = [injected(APP, Sidecar(image=image))["metadata"]["annotations"] for image in ("a:1", "a:2")]
    assert annotations[0][SIDECAR_ANNOTATION] != annotations[1][SIDECAR_ANNOTATION]


def patched(before: Json, operations: list[Json]) -> Json:
    result = copy.deepcopy(before)
    for operation in operations:
        _, parent, part = operation["path"].split("/")
        assert operation["op"] == "add"
        result[parent][part] = operation["value"]
    return result


def test_a_review_is_answered_with_a_patch_that_makes_the_injected_pod() -> None:
    review = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "u", "object": APP}}
    answer = reviewed(review, SIDECAR)["response"]
    assert (answer["uid"], answer["allowed"], answer["patchType"]) == ("u", True, "JSONPatch")
    assert patched(APP, json.loads(base64.b64decode(answer["patch"]))) == injected(APP, SIDECAR)


def test_nothing_to_inject_is_no_patch() -> None:
    pod = changed(APP, "metadata.labels", {})
    review = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "u", "object": pod}}
    assert "patch" not in reviewed(review, SIDECAR)["response"]


@pytest.mark.parametrize("review", [{}, {"request": {}}, {"request": {"uid": "u", "object": 3}}, []])
def test_what_is_no_review_of_a_pod_raises(review: Any) -> None:
    with pytest.raises((KeyError, TypeError, AttributeError)):
        reviewed(review, SIDECAR)
