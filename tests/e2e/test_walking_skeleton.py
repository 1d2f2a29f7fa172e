"""From manifests to a quote and back: operator, webhook, sidecar and a trading app on a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import REPOSITORY, Kube, KubectlError
from tests.e2e.desk import rollout
from tests.resources import KILL_SWITCH, Json, changed
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

# The example quotes 100 +- 5 with a tick of 0.1; its candidate, 100 +- 4, must never be seen.
BASELINE = "Active baseline [950] [1050]"


class Desk:
    """The example desk in a namespace of its own."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace
        self.switch = changed(KILL_SWITCH, "metadata.name", f"halt-{namespace}")
        self.switch["spec"]["selector"] = {"namespaces": [namespace]}

    def kubectl(self, *words: str, given: Json | None = None) -> str:
        text = None if given is None else json.dumps(given)
        return self.kube.kubectl("--namespace", self.namespace, *words, given=text)

    def apply(self, resource: Json) -> None:
        self.kubectl("apply", "-f", "-", given=resource)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def app_says(self) -> str:
        """The app's last line, without its time."""
        lines = self.kubectl("logs", "deploy/trader", "-c", "trader").splitlines()
        return " ".join(lines[-1].split()[1:]) if lines else ""

    def app_reaches(self, words: str) -> None:
        eventually(lambda: self.app_says().startswith(words), f"the app to say {words!r}", 90)

    def listed(self) -> list[str]:
        """Phase, arm and exposure as `kubectl get qp` shows them. There is no step yet."""
        return self.kubectl("get", "qp", "btc").splitlines()[1].split()[1:4]

    def release(self) -> None:
        self.apply(changed(changed(self.switch, "spec.engaged", False), "spec.reason", "the venue is back"))


@pytest.fixture
def desk(installed: Kube, node_namespace: str) -> Iterator[Desk]:
    found = Desk(installed, node_namespace)
    found.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "examples"))
    found.app_reaches(BASELINE)
    yield found
    installed.kubectl("delete", "killswitch", found.switch["metadata"]["name"], "--ignore-not-found")


def test_an_app_quotes_the_baseline_and_kubectl_shows_it(desk: Desk) -> None:
    eventually(lambda: desk.listed() == ["Pending", "Baseline", "0"], "phase and arm", 30)
    status = eventually(
        lambda: (s := desk.get("qp", "btc")["status"])["pods"] == {"total": 1, "withSidecar": 1} and s,
        "the pod to be counted",
        30,
    )
    assert status["effectiveLimits"]["limits"]["maxPosition"] == "5", "the tighter of the two"
    assert "spec.rollout.paper is left out" in status["message"]


def test_the_injected_pod_keeps_the_token_from_app_and_engine(desk: Desk) -> None:
    (pod,) = desk.get("pods", "-l", "quoting.dev/policy=btc")["items"]
    engine, agent = pod["spec"]["initContainers"][:2]
    assert [engine["name"], agent["name"]] == ["quoting-engine", "quoting-agent"]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    tokens = {
        container["name"]: [
            mount["name"] for mount in container["volumeMounts"] if "projected" in volumes[mount["name"]]
        ]
        for container in (engine, agent, *pod["spec"]["containers"])
    }
    assert tokens == {"quoting-engine": [], "quoting-agent": ["quoting-token"], "trader": []}


def test_an_engaged_kill_switch_halts_the_app_and_a_release_lets_it_quote(desk: Desk) -> None:
    desk.apply(desk.switch)
    desk.app_reaches("Halted None [] []")
    eventually(lambda: desk.listed()[:2] == ["Killed", "None"], "the kill to be shown", 30)
    desk.release()
    desk.app_reaches(BASELINE)


def test_the_policys_own_switch_acts_too(desk: Desk) -> None:
    engaged = {"engaged": True, "action": "Halt", "reason": "fat finger"}
    desk.kubectl("patch", "qp", "btc", "--type=merge", "-p", json.dumps({"spec": {"killSwitch": engaged}}))
    desk.app_reaches("Halted")


def test_without_the_operator_kill_switches_act_and_deletions_finish(desk: Desk) -> None:
    scale = ("-n", "quoting-system", "scale", "deploy/quoting-operator")
    desk.kube.kubectl(*scale, "--replicas=0")
    try:
        desk.kube.kubectl(
            "-n", "quoting-system", "wait", "pod", "-l", "app.kubernetes.io/name=quoting-operator",
            "--for=delete", "--timeout=60s",
        )  # fmt: skip
        desk.apply(desk.switch)
        desk.app_reaches("Halted")
        desk.release()
        desk.app_reaches(BASELINE)
        desk.kubectl("delete", "qp", "btc", "--timeout=20s")
    finally:
        desk.kube.kubectl(*scale, "--replicas=1")
        rollout(desk.kube, "quoting-operator")


def test_a_pod_that_names_no_policy_is_left_alone(desk: Desk) -> None:
    bare = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare"},
        "spec": {"containers": [{"name": "bare", "image": "localhost/pause:1"}]},
    }
    desk.apply(bare)
    assert "initContainers" not in desk.get("pod", "bare")["spec"]


def test_a_labelled_pod_is_refused_while_no_webhook_answers(desk: Desk) -> None:
    scale = ("-n", "quoting-system", "scale", "deploy/quoting-webhook")
    labelled = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "labelled", "labels": {"quoting.dev/policy": "btc"}},
        "spec": {"containers": [{"name": "app", "image": "localhost/pause:1"}]},
    }

    def refused() -> bool:
        try:
            desk.kubectl("create", "--dry-run=server", "-f", "-", given=labelled)
        except KubectlError as error:
            return "failed calling webhook" in str(error)
        return False

    desk.kube.kubectl(*scale, "--replicas=0")
    try:
        eventually(refused, "the pod to be refused", 60)
    finally:
        desk.kube.kubectl(*scale, "--replicas=2")
        rollout(desk.kube, "quoting-webhook")
    eventually(lambda: not refused(), "pods to be admitted again", 30)
