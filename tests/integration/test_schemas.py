"""What the API server answers to whatever a user might write."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.conftest import Kube, KubectlError
from tests.resources import CANDIDATE, GATE_SET, IMPLEMENTATION, KILL_SWITCH, POLICY, Json, changed

pytestmark = pytest.mark.integration

DECIMAL = 'must be a decimal number > 0 in quotes, such as "0.1"'
DURATION = 'must be a whole number > 0 and one unit of s, m, h, d, such as "90s" or "5d"'
WEEKLY = {"days": ["Mon"], "start": "09:00", "end": "17:00"}
KEY = {"name": "w", "key": "k"}
QUANTILE = {"name": "p99", "metric": "decisionLatency", "kind": "guardrail", "test": "quantile"}

INVALID_POLICIES: list[tuple[str, Any, str]] = [
    ("metadata.name", "x" * 64, "metadata.name must have at most 63 characters"),
    ("spec.instruments", None, "spec.instruments: Required value"),
    ("spec.instruments", [], "spec.instruments in body should have at least 1 items"),
    ("spec.instruments.0.tickSize", "0", f'spec.instruments[0].tickSize: Invalid value: "0": {DECIMAL}'),
    ("spec.instruments.0.tickSize", 0.1, "spec.instruments[0].tickSize in body must be of type string"),
    ("spec.instruments.0.lotSize", "1e-3", f'spec.instruments[0].lotSize: Invalid value: "1e-3": {DECIMAL}'),
    ("spec.instruments.0.makerFee", "1.5", "must be a fraction between -1 and 1"),
    ("spec.instruments.0.symbol", None, "spec.instruments[0].symbol: Required value"),
    ("spec.instruments", [POLICY["spec"]["instruments"][0]] * 2, "spec.instruments[1]: Duplicate value"),
    ("spec.baseline", None, "spec.baseline: Required value"),
    ("spec.baseline.model", None, "spec.baseline.model: Required value"),
    ("spec.baseline.params", [1], "spec.baseline.params in body must be of type object"),
    ("spec.candidate", {**CANDIDATE, "weightsFrom": {"configMapKeyRef": KEY, "sha256": "x"}},
     "spec.candidate.weightsFrom.sha256 in body should match"),
    ("spec.candidate", {**CANDIDATE, "paramsFrom": {"secretKeyRef": KEY, "sha256": "x"}},
     "spec.candidate.paramsFrom.sha256 in body should match"),
    ("spec.candidate", {**CANDIDATE, "paramsFrom": {"secretKeyRef": KEY}},
     "spec.candidate.paramsFrom.sha256: Required value"),
    ("spec.candidate", {**CANDIDATE, "paramsFrom": {"secretKeyRef": {"name": "x"}, "sha256": "a" * 64}},
     "spec.candidate.paramsFrom.secretKeyRef.key: Required value"),
    ("spec.candidate", {**CANDIDATE, "paramsFrom": {"configMapKeyRef": KEY, "sha256": "a" * 64}},
     'unknown field "spec.candidate.paramsFrom.configMapKeyRef"'),
    ("spec.candidate", {"model": "MLP"}, "weightsFrom must be given: this model has learned weights"),
    ("spec.limits.maxPosition", "-3", f'spec.limits.maxPosition: Invalid value: "-3": {DECIMAL}'),
    ("spec.limits.maxPosition", "ten", f'spec.limits.maxPosition: Invalid value: "ten": {DECIMAL}'),
    ("spec.limits.minSpread", "-1", "must be a decimal number >= 0"),
    ("spec.limits.reduceOnlyAt", "1.1", "must be between 0 and 1"),
    ("spec.limits.maxPositon", "3", 'unknown field "spec.limits.maxPositon"'),
    ("spec.riskPolicyRef", {"key": "x"}, "spec.riskPolicyRef.name: Required value"),
    ("spec.rollout.paper.data", {"type": "Tape"}, 'supported values: "Volume", "Simulated"'),
    ("spec.rollout.paper.data", {"type": "Volume"},
     "volume must be given when type is Volume, and only then"),
    ("spec.rollout.paper.sessions", 1,
     "spec.rollout.paper.sessions in body should be greater than or equal to 2"),
    ("spec.rollout.paper.deadline", "2 hours",
     f'spec.rollout.paper.deadline: Invalid value: "2 hours": {DURATION}'),
    ("spec.rollout.shadow", {"blockLength": "0s"}, DURATION),
    ("spec.rollout.canary.steps", [], "spec.rollout.canary.steps in body should have at least 1 items"),
    ("spec.rollout.canary.steps.0.exposure", 0, "should be greater than or equal to 1"),
    ("spec.rollout.canary.steps.0.exposure", 100, "should be less than or equal to 99"),
    ("spec.rollout.canary.steps.0.exposure", 30, "steps must not shrink in exposure"),
    ("spec.rollout.canary.steps.0.exposure", 20, "steps must differ in exposure"),
    ("spec.rollout.canary.washout", "60s", "must be at least three times washout in every step"),
    ("spec.rollout.live", {"holdBack": 0},
     "spec.rollout.live.holdBack in body should be greater than or equal to 1"),
    ("spec.rollout.leaseDuration", "1s", "must be between 3s and 300s"),
    ("spec.rollout.leaseDuration", "1h", "must be between 3s and 300s"),
    ("spec.gates.1.name", "profit", 'spec.gates[1]: Duplicate value: {"name":"profit"}'),
    ("spec.gates.1.margin", None, "must be > 0 for a guardrail: say how much worse is still acceptable"),
    ("spec.gates.1.margin", "0.0", "must be > 0 for a guardrail: say how much worse is still acceptable"),
    ("spec.gates.1.margin", 0.2, "spec.gates[1].margin in body must be of type string"),
    ("spec.gates.0.margin", "1", "must be left out unless kind is guardrail"),
    ("spec.gates.1.horizon", None, "the time after a fill at which it is measured"),
    ("spec.gates.0.kind", "win", 'supported values: "success", "guardrail", "deterioration", "integrity"'),
    ("spec.gates.0.alpha", 0, "spec.gates[0].alpha in body should be greater than 0"),
    ("spec.gates.0.alpha", 0.5, "spec.gates[0].alpha in body should be less than 0.5"),
    ("spec.gates.0.minBlocks", 1, "spec.gates[0].minBlocks in body should be greater than or equal to 2"),
    ("spec.gates.0.maxLossPerBlock", "0", DECIMAL),
    ("spec.gates.0.stages", ["beta"], 'supported values: "paper", "shadow", "canary", "live"'),
    ("spec.gates.0.stages", ["paper", "paper"], "spec.gates[0].stages[1]: Duplicate value"),
    ("spec.gates", [QUANTILE], "must be given when test is quantile, and only then"),
    ("spec.gates.0.limit", 0.1, "must be left out unless test is proportion"),
    ("spec.killSwitch", {"engaged": True}, "must say why the switch is engaged"),
    ("spec.killSwitch", {"engaged": True, "reason": "x", "action": "Stop"},
     'supported values: "Baseline", "Halt"'),
    ("spec.paused", "yes", "spec.paused in body must be of type boolean"),
    ("spec.windows", [{"name": "desk", "type": "Advance"}], "must have either weekly or between"),
    ("spec.windows", [{"name": "desk", "type": "Advance", "weekly": {**WEEKLY, "start": "9:00"}}],
     "spec.windows[0].weekly.start in body should match"),
    ("spec.windows", [{"name": "x", "type": "Freeze",
                       "between": {"start": "2026-12-24T00:00:00Z", "end": "2026-12-23T00:00:00Z"}}],
     "must be after start"),
]  # fmt: skip

INVALID_OTHERS: list[tuple[Json, str, Any, str]] = [
    (GATE_SET, "spec.gates", [], "spec.gates in body should have at least 1 items"),
    (GATE_SET, "spec.gates.0.kind", "guardrail", "must be > 0 for a guardrail"),
    (KILL_SWITCH, "spec.reason", None, "spec.reason: Required value"),
    (KILL_SWITCH, "spec.reason", "", "spec.reason in body should be at least 1 chars long"),
    (KILL_SWITCH, "spec.action", "Pause", 'supported values: "Baseline", "Halt"'),
    (KILL_SWITCH, "spec.engaged", None, "spec.engaged: Required value"),
    (KILL_SWITCH, "spec.expires", "2030-01-01", 'unknown field "spec.expires"'),
    (IMPLEMENTATION, "spec.head", "main", "must be a full commit hash or a version tag"),
    (IMPLEMENTATION, "spec.repository", "", "spec.repository in body should be at least 1 chars long"),
    (IMPLEMENTATION, "spec.designDoc", None, "spec.designDoc: Required value"),
    (IMPLEMENTATION, "spec.riskPolicyPath", None, "spec.riskPolicyPath: Required value"),
    (IMPLEMENTATION, "spec.namespace", None, "spec.namespace: Required value"),
    (IMPLEMENTATION, "spec.base", None, "spec.base: Required value"),
    (IMPLEMENTATION, "spec.requiredKeys", ["ticket"],
     "must have every key of requiredKeys, none of them empty"),
    (IMPLEMENTATION, "spec.artifacts.0.sha256", "abc", "spec.artifacts[0].sha256 in body should match"),
]  # fmt: skip


def refusal(kube: Kube, namespace: str, resource: Json) -> str:
    with pytest.raises(KubectlError) as refused:
        apply(kube, namespace, resource)
    return str(refused.value)


def apply(kube: Kube, namespace: str, resource: Json) -> None:
    kube.kubectl("apply", "--namespace", namespace, "-f", "-", given=json.dumps(resource))


def test_every_bad_policy_is_refused_with_its_field_and_the_remedy(quoting_api: Kube, namespace: str) -> None:
    told = {
        (path, str(value)): (refusal(quoting_api, namespace, changed(POLICY, path, value)), message)
        for path, value, message in INVALID_POLICIES
    }
    assert {case: answer for case, (answer, message) in told.items() if message not in answer} == {}


@pytest.mark.parametrize(("resource", "path", "value", "message"), INVALID_OTHERS)
def test_other_bad_resources_are_refused_too(
    quoting_api: Kube, namespace: str, resource: Json, path: str, value: Any, message: str
) -> None:
    assert message in refusal(quoting_api, namespace, changed(resource, path, value))


@pytest.mark.parametrize("resource", [POLICY, GATE_SET, IMPLEMENTATION], ids=lambda r: r["kind"])
def test_what_is_stored_is_what_was_written(quoting_api: Kube, namespace: str, resource: Json) -> None:
    apply(quoting_api, namespace, resource)
    kind, name = resource["kind"].lower(), resource["metadata"]["name"]
    stored = yaml.safe_load(quoting_api.kubectl("get", kind, name, "--namespace", namespace, "-o", "yaml"))
    assert stored["spec"] == resource["spec"]


@pytest.fixture
def engaged(quoting_api: Kube, namespace: str) -> Json:
    """A kill switch of the test's own that concerns no policy of any other test."""
    switch = changed(KILL_SWITCH, "metadata.name", f"switch-{namespace}")
    switch["spec"]["selector"] = {"namespaces": [namespace]}
    apply(quoting_api, namespace, switch)
    return switch


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("spec.engaged", False, "must say why the switch is released: give a new reason"),
        ("spec.action", "Baseline", "must not be weakened while engaged"),
        ("spec.selector", {"namespaces": ["elsewhere"]}, "must not change while engaged"),
        ("spec.selector", None, "must not change while engaged"),
    ],
)
def test_an_engaged_switch_is_not_weakened(
    quoting_api: Kube, namespace: str, engaged: Json, path: str, value: Any, message: str
) -> None:
    assert message in refusal(quoting_api, namespace, changed(engaged, path, value))


def test_a_switch_is_released_with_a_reason(quoting_api: Kube, namespace: str, engaged: Json) -> None:
    released = changed(changed(engaged, "spec.engaged", False), "spec.reason", "the venue is back")
    apply(quoting_api, namespace, released)
    name = engaged["metadata"]["name"]
    assert quoting_api.kubectl("get", "ks", name, "-o", "jsonpath={.spec.engaged}") == "false"


def test_kubectl_explains_the_fields(quoting_api: Kube) -> None:
    told = quoting_api.kubectl("explain", "qp.spec.rollout.canary.washout")
    assert "Time after each change of arm that counts for neither. Default: 5s." in " ".join(told.split())


def test_a_listing_shows_what_quotes(quoting_api: Kube, namespace: str) -> None:
    apply(quoting_api, namespace, POLICY)
    header = quoting_api.kubectl("get", "qp", "--namespace", namespace).splitlines()[0]
    assert header.split() == ["NAME", "PHASE", "STEP", "ARM", "EXPOSURE", "GATES", "AGE"]
    assert "btc" in quoting_api.kubectl("get", "quoting", "--namespace", namespace)
