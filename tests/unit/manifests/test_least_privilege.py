"""The comparison of rights granted with rights used, on small logs."""

from __future__ import annotations

import json

import pytest

from tests.least_privilege import Asked, Right, asked, granted, unused

GET = Right("", "pods", "get")
LOGS = Right("", "pods/log", "get")
PATCH = Right("quoting.dev", "quotingpolicies/status", "patch")


def line(right: Right, user: str = "us", decision: str = "allow") -> str:
    resource, _, sub = right.resource.partition("/")
    about = {"resource": resource, "apiGroup": right.group} | ({"subresource": sub} if sub else {})
    annotations = {"authorization.k8s.io/decision": decision}
    event = {"verb": right.verb, "user": {"username": user}, "objectRef": about, "annotations": annotations}
    return json.dumps(event)


def us(user: str) -> bool:
    return user == "us"


def test_a_rule_grants_every_verb_on_every_resource() -> None:
    rules = [{"apiGroups": ["", "x"], "resources": ["a", "b/c"], "verbs": ["get", "list"]}]
    assert granted(rules) == {
        Right(g, r, v) for g in ("", "x") for r in ("a", "b/c") for v in ("get", "list")
    }


@pytest.mark.parametrize("field", ["apiGroups", "resources", "verbs"])
def test_a_wildcard_is_refused(field: str) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]} | {field: ["*"]}
    with pytest.raises(ValueError, match="wildcard"):
        granted([rule])


def test_only_our_requests_count_and_what_was_forbidden_is_told_apart() -> None:
    log = [line(GET), line(LOGS, user="them"), line(PATCH, decision="forbid")]
    assert asked(log, us) == Asked(frozenset({GET}), frozenset({PATCH}))


def test_a_question_about_no_object_is_no_right() -> None:
    discovery = {"verb": "get", "user": {"username": "us"}, "requestURI": "/apis"}
    assert asked([json.dumps(discovery)], us) == Asked(frozenset(), frozenset())


def test_what_is_granted_and_never_used_is_named() -> None:
    assert unused(frozenset({GET, LOGS}), frozenset({GET})) == ["get pods/log: granted and never used"]
    assert unused(frozenset({GET, LOGS}), frozenset({GET}), ["get pods/log"]) == []


def test_an_exception_that_is_none_is_named_too() -> None:
    granted_rights, used = frozenset({GET, LOGS}), frozenset({GET, LOGS})
    assert unused(granted_rights, used, ["get pods/log"]) == ["get pods/log: excused, and used all the same"]
    assert unused(frozenset({GET}), frozenset({GET}), [str(PATCH)]) == [
        "patch quotingpolicies/status.quoting.dev: excused, and not granted"
    ]
