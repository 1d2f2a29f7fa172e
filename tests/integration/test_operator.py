"""The operator's process against a real API server: kopf's watches, the queue, reads, actions, status."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from quoting_operator.api.breach_event import breach_event
from quoting_operator.handlers import operator
from quoting_operator.rollout.decide import decide
from quoting_operator.rollout.decision import StoreRevision
from quoting_operator.rollout.observed import observed
from quoting_policy.protocol.control import BreachLatched
from tests.conftest import Kube, KubectlError
from tests.resources import CANDIDATE, KILL_SWITCH, POLICY, Json, changed
from tests.waiting import eventually

pytestmark = pytest.mark.integration

RISK = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "desk-risk", "labels": {"quoting.dev/risk-policy": "true"}},
    "data": {"limits.yaml": "limits: {maxPosition: '4'}"},
}


class Running:
    """The operator in a thread of its own."""

    def __init__(self, namespace: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.stop = asyncio.Event()
        options = operator.Options(namespaces=(namespace,), host="127.0.0.1", port=0)
        self.thread = threading.Thread(target=self._run, args=(options,), daemon=True)
        self.failure: BaseException | None = None
        self.thread.start()

    def _run(self, options: operator.Options) -> None:
        try:
            self.loop.run_until_complete(operator.run(options, self.stop))
        except BaseException as error:  # noqa: BLE001  shown by the fixture
            self.failure = error

    def end(self) -> float:
        started = time.monotonic()
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(timeout=20)
        assert not self.thread.is_alive(), "the operator did not stop"
        if self.failure is not None:
            raise self.failure
        return time.monotonic() - started


@pytest.fixture
def running(quoting_api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("KUBECONFIG", str(quoting_api.kubeconfig))
    found = Running(namespace)
    yield found
    found.end()


class Desk:
    """A namespace, as its user sees it."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace

    def apply(self, resource: Json) -> None:
        self.kube.kubectl("apply", "--namespace", self.namespace, "-f", "-", given=json.dumps(resource))

    def get(self, kind: str, *words: str) -> Any:
        return json.loads(self.kube.kubectl("get", kind, *words, "-n", self.namespace, "-o", "json"))

    def status(self) -> Json:
        return self.get("quotingpolicy", "btc").get("status") or {}

    def reaches(self, phase: str) -> Json:
        found = eventually(lambda: (s := self.status()).get("phase") == phase and s, f"phase {phase}", 20)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def desk(quoting_api: Kube, namespace: str, running: Running) -> Desk:
    return Desk(quoting_api, namespace)


def test_a_policy_gets_its_revision_and_its_status(desk: Desk) -> None:
    desk.apply(POLICY)
    status = desk.reaches("Baseline")
    revision = desk.get("controllerrevision", status["effective"]["revision"])
    assert revision["metadata"]["annotations"]["quoting.dev/digest"] == status["effective"]["digest"]
    assert revision["metadata"]["ownerReferences"][0]["name"] == "btc"
    assert status["observedGeneration"] == desk.get("quotingpolicy", "btc")["metadata"]["generation"]
    listed = desk.kube.kubectl("get", "qp", "-n", desk.namespace).splitlines()[1].split()
    assert listed[:4] == ["btc", "Baseline", "Baseline", "0"]


def test_nothing_is_left_on_the_policy_and_a_deletion_never_waits(desk: Desk) -> None:
    desk.apply(POLICY)
    desk.reaches("Baseline")
    metadata = desk.get("quotingpolicy", "btc")["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    desk.kube.kubectl("delete", "qp", "btc", "-n", desk.namespace, "--timeout=10s")
    eventually(lambda: not desk.get("controllerrevisions")["items"], "revisions to be collected", 30)


def test_a_status_that_did_not_change_is_not_written_again(desk: Desk) -> None:
    desk.apply(POLICY)
    desk.reaches("Baseline")
    before = desk.get("quotingpolicy", "btc")["metadata"]["resourceVersion"]
    desk.apply(RISK)  # wakes every policy of the namespace
    time.sleep(2)
    assert desk.get("quotingpolicy", "btc")["metadata"]["resourceVersion"] == before


def test_a_status_that_somebody_else_wrote_is_set_right(desk: Desk) -> None:
    desk.apply(POLICY)
    before = desk.reaches("Baseline")
    forged = json.dumps({"status": {"phase": "Live", "message": "all is well"}})
    words = ("patch", "qp", "btc", "-n", desk.namespace, "--subresource=status", "--type=merge", "-p", forged)
    desk.kube.kubectl(*words)
    assert desk.reaches("Baseline")["message"] == before["message"]


def test_a_breach_that_an_agent_tells_of_rolls_back(desk: Desk) -> None:
    desk.apply(changed(POLICY, "spec.candidate", CANDIDATE))
    digest = desk.reaches("Paper")["candidate"]["digest"]
    latched = BreachLatched(
        digest=digest, breaches=("max_position",), instrument="BTC-USDT", wall_ns=time.time_ns(), drill=False
    )
    event = breach_event(
        latched, namespace=desk.namespace, policy="btc", policy_uid="", pod="one", pod_uid="u", rehearsal=""
    )
    desk.apply({"apiVersion": "v1", "kind": "Event", **event})
    status = desk.reaches("RolledBack")
    assert status["rollback"]["pod"] == "one"
    assert [held["digest"] for held in status["quarantined"]] == [digest]


def test_a_kill_switch_shows_in_status_and_goes_when_released(desk: Desk) -> None:
    desk.apply(changed(POLICY, "spec.candidate", CANDIDATE))
    desk.reaches("Paper")
    switch = changed(KILL_SWITCH, "metadata.name", f"halt-{desk.namespace}")
    switch["spec"]["selector"] = {"namespaces": [desk.namespace]}
    desk.apply(switch)
    assert desk.reaches("Killed")["effective"]["arm"] == "None"
    desk.apply(changed(changed(switch, "spec.engaged", False), "spec.reason", "over"))
    assert desk.reaches("Paper")["effective"]["arm"] == "Baseline"
    reasons = {event["reason"] for event in desk.get("events")["items"]}
    assert {"PhaseChanged", "RevisionAccepted"} <= reasons


def test_deleted_risk_limits_freeze_and_keep_what_held(desk: Desk) -> None:
    desk.apply(RISK)
    desk.apply(changed(POLICY, "spec.riskPolicyRef", {"name": "desk-risk"}))
    assert desk.reaches("Baseline")["effectiveLimits"]["limits"]["maxPosition"] == "4"
    desk.kube.kubectl("delete", "configmap", "desk-risk", "-n", desk.namespace)
    status = desk.reaches("Pending")
    assert "ConfigMap desk-risk is missing" in status["message"]
    assert status["effectiveLimits"]["limits"]["maxPosition"] == "4"
    assert status["effective"]["arm"] == "Baseline"


def test_a_forged_lease_is_revoked(desk: Desk) -> None:
    desk.apply(POLICY)
    desk.reaches("Baseline")
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "btc"}}
    desk.apply(lease)
    desk.apply(changed(POLICY, "spec.paused", True))  # wakes the policy

    def gone() -> bool:
        try:
            desk.get("lease", "btc")
        except KubectlError:
            return True
        return False

    eventually(gone, "the Lease to be deleted", 10)


def test_a_revision_that_is_not_what_its_name_says_is_made_anew(desk: Desk) -> None:
    metadata = {"name": "btc", "namespace": desk.namespace, "uid": "u"}
    decision = decide(observed(changed(POLICY, "metadata", metadata)), datetime.now(UTC))
    (revision,) = [a.revision for a in decision.actions if isinstance(a, StoreRevision)]
    planted = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": revision.name}}
    desk.apply(planted | {"revision": 1, "data": {"digest": revision.digest, "revision": {}}})
    desk.apply(POLICY)
    desk.reaches("Baseline")
    assert desk.get("controllerrevision", revision.name)["data"]["revision"]["limits"]["max_position"] == 10


def test_it_stops_within_five_seconds(desk: Desk, running: Running) -> None:
    desk.apply(POLICY)
    desk.reaches("Baseline")
    assert running.end() < 5


def test_a_sigterm_ends_the_process_in_order(
    quoting_api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(quoting_api.kubeconfig))
    words = [sys.executable, "-m", "quoting_operator.cli.operator", "run", "--port=0"]
    process = subprocess.Popen([*words, f"--namespace={namespace}"], stderr=subprocess.PIPE, text=True)
    try:
        desk = Desk(quoting_api, namespace)
        desk.apply(POLICY)
        eventually(lambda: desk.status().get("phase") == "Baseline", "the process to work", 60)
        started = time.monotonic()
        process.terminate()
        _, told = process.communicate(timeout=20)
        took = time.monotonic() - started
    finally:
        process.kill()
    assert process.returncode == 0, told
    assert took < 5
    assert told.splitlines()[-1].endswith("stopped")
