"""Who may release, loosen and let go: the rules that hold whatever else a role allows."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Kube, KubectlError
from tests.integration.people import People
from tests.resources import KILL_SWITCH, POLICY, Json, changed

pytestmark = pytest.mark.integration

RISK: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "desk-risk", "labels": {"quoting.dev/risk-policy": "true"}},
    "data": {"limits.yaml": "limits: {maxPosition: '4'}"},
}
BOUND = changed(POLICY, "spec.riskPolicyRef", {"name": "desk-risk"})


@pytest.fixture
def switch(namespace: str) -> Json:
    found = changed(KILL_SWITCH, "metadata.name", f"halt-{namespace}")
    found["spec"]["selector"] = {"namespaces": [namespace]}
    return found


def test_who_may_engage_a_switch_may_not_release_it(people: People, switch: Json) -> None:
    trader = people.bind("trader", "quoting-killswitch-engage")
    released = changed(changed(switch, "spec.engaged", False), "spec.reason", "all is well")
    people.apply(trader, switch)
    assert "only with the verb release" in people.refused(trader, released)
    officer = people.bind("officer", "quoting-killswitch-release")
    people.apply(officer, released)
    people.apply(trader, changed(switch, "spec.reason", "again"))
    people.kube.kubectl("delete", "killswitch", switch["metadata"]["name"], f"--as={officer}")


def test_the_risk_role_alone_changes_risk_limits(people: People) -> None:
    quant, officer = people.bind("quant", "edit"), people.bind("officer", "quoting-risk")
    words = "risk limits are changed only with the verb update on risklimits"
    assert words in people.refused(quant, RISK)
    people.apply(officer, RISK)
    assert words in people.refused(quant, changed(RISK, "data", {"limits.yaml": "{}"}))
    unlabelled = changed(RISK, "metadata.labels", {"quoting.dev/risk-policy": None})
    assert words in people.refused(quant, unlabelled)
    people.apply(quant, {**RISK, "metadata": {"name": "own", "labels": {}}})


def test_a_policy_does_not_let_go_of_its_risk_limits_by_itself(people: People) -> None:
    quant = people.bind("quant", "edit", "quoting-edit")
    people.apply(quant, BOUND)
    words = "spec.riskPolicyRef is changed or removed only with"
    removed = changed(BOUND, "spec.riskPolicyRef", None)
    assert words in people.refused(quant, removed)
    assert words in people.refused(quant, changed(BOUND, "spec.riskPolicyRef.name", "softer"))
    people.apply(quant, changed(BOUND, "spec.paused", True))
    officer = people.bind("officer", "edit", "quoting-edit", "quoting-risk")
    people.apply(officer, removed)


def test_a_quarantine_is_not_edited_away(people: People) -> None:
    kube, namespace = people.kube, people.namespace
    kube.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(POLICY))
    editor = people.bind("editor", "quoting-status-editor")
    role = (
        "--verb=patch,update,get",
        "--resource=quotingpolicies.quoting.dev/status,quotingpolicies.quoting.dev",
    )
    kube.kubectl("create", "clusterrole", "quoting-status-editor", *role)
    quarantined = [{"digest": "d" * 64, "reason": "breach", "at": "2026-11-20T00:00:00Z"}]

    def patch(status: Json) -> str:
        words = ("patch", "qp", "btc", "-n", namespace, "--subresource=status", "--type=merge")
        return kube.kubectl(*words, f"--as={editor}", "-p", json.dumps({"status": status}))

    patch({"quarantined": quarantined, "phase": "RolledBack"})
    patch({"phase": "Pending"})
    for status in (
        {"quarantined": []},
        {"quarantined": None},
        {"quarantined": [{**quarantined[0], "digest": "e" * 64}]},
    ):
        with pytest.raises(KubectlError, match="only with the verb unquarantine"):
            patch(status)
    kube.kubectl("delete", "clusterrole", "quoting-status-editor")


def test_a_namespace_with_risk_limits_and_policies_can_always_be_deleted(guarded_api: Kube) -> None:
    name = "leaving"
    guarded_api.kubectl("create", "namespace", name)
    for resource in (RISK, BOUND):
        guarded_api.kubectl("apply", "-n", name, "-f", "-", given=json.dumps(resource))
    guarded_api.kubectl("delete", "namespace", name, "--timeout=60s")
