"""Who may command a rollout, and in whose name: what the API server holds to, whatever a client says."""

from __future__ import annotations

import json

import pytest

from quoting_operator.api.command import Command, Verb
from tests.conftest import KubectlError
from tests.integration.people import People
from tests.resources import POLICY, Json, changed

pytestmark = pytest.mark.integration


def command(verb: Verb, by: str, identity: str = "1") -> dict[str, str]:
    return Command(verb=verb, id=identity, by=by, reason="because").annotations()


def patch(people: People, user: str, changes: Json, *words: str) -> str:
    asked = ("patch", "qp", "btc", "-n", people.namespace, f"--as={user}", "--type=merge")
    return people.kube.kubectl(*asked, *words, "-p", json.dumps(changes))


def annotate(people: People, user: str, annotations: dict[str, str | None]) -> None:
    patch(people, user, {"metadata": {"annotations": annotations}})


def refused(people: People, user: str, annotations: dict[str, str | None]) -> str:
    with pytest.raises(KubectlError) as error:
        annotate(people, user, annotations)
    return str(error.value)


@pytest.fixture
def policy(people: People) -> People:
    people.kube.kubectl("apply", "-n", people.namespace, "-f", "-", given=json.dumps(POLICY))
    return people


def role_of(verb: Verb) -> str:
    if verb in (Verb.UNQUARANTINE, Verb.APPROVE_BASELINE):
        return "quoting-risk"
    return "quoting-abort" if verb is Verb.ABORT else "quoting-promote"


@pytest.mark.parametrize("verb", Verb)
def test_a_command_takes_its_own_verb(policy: People, verb: Verb) -> None:
    trusted, editor = policy.bind("trusted", role_of(verb)), policy.bind("editor", "edit", "quoting-edit")
    annotate(policy, trusted, command(verb, trusted))
    assert f"takes the verb {verb} on quotingpolicies" in refused(policy, editor, command(verb, editor))


def test_nobody_commands_in_another_name(policy: People) -> None:
    ann, bob = policy.bind("ann", "quoting-promote"), policy.bind("bob", "quoting-promote")
    words = f"annotation command.quoting.dev/promote.by must be the user who asks, {bob}"
    assert words in refused(policy, bob, command(Verb.PROMOTE, ann))
    annotate(policy, ann, command(Verb.PROMOTE, ann))
    (content, by) = command(Verb.PROMOTE, ann, "2")
    assert words in refused(policy, bob, {content: command(Verb.PROMOTE, ann, "2")[content]})
    assert words in refused(policy, bob, {by: None})
    annotate(policy, bob, command(Verb.PROMOTE, bob, "3"))


def test_nor_is_a_policy_created_with_somebody_elses_command(people: People) -> None:
    ann = people.bind("ann", "quoting-edit", "quoting-promote", "view")
    forged = changed(POLICY, "metadata.annotations", command(Verb.PROMOTE, "risk"))
    assert "must be the user who asks" in people.refused(ann, forged)
    people.apply(ann, changed(POLICY, "metadata.annotations", command(Verb.PROMOTE, ann)))


def test_a_command_is_removed_freely_once_it_is_answered_and_not_before(policy: People) -> None:
    oncall, editor = policy.bind("oncall", "quoting-abort"), policy.bind("editor", "edit", "quoting-edit")
    annotate(policy, oncall, command(Verb.ABORT, oncall, "abc"))
    gone: dict[str, str | None] = dict.fromkeys(command(Verb.ABORT, oncall))
    assert "takes the verb abort" in refused(policy, editor, gone)
    answer = {"verb": "abort", "by": oncall, "at": "2026-11-20T00:00:00Z", "done": False}
    status = ("--subresource=status",)
    patch(
        policy,
        "admin-of-all",
        {"status": {"commands": [{**answer, "id": "ab"}]}},
        *status,
        "--as-group=system:masters",
    )
    assert "takes the verb abort" in refused(policy, editor, gone)
    patch(
        policy,
        "admin-of-all",
        {"status": {"commands": [{**answer, "id": "abc"}]}},
        *status,
        "--as-group=system:masters",
    )
    annotate(policy, editor, gone)


def test_there_is_one_command_at_a_time_and_no_other_than_the_known(policy: People) -> None:
    ann = policy.bind("ann", "quoting-promote")
    both = {**command(Verb.PAUSE, ann), **command(Verb.RESUME, ann)}
    assert "one command at a time: pause, resume" in refused(policy, ann, both)
    assert "there is no such command" in refused(policy, ann, {"command.quoting.dev/halt": "{}"})


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {"paused": True}},
        {"metadata": {"labels": {"venue": "other"}}},
        {"metadata": {"annotations": {"note": "x"}}},
        {"metadata": {"finalizers": ["example.com/stay"]}},
    ],
    ids=lambda changes: next(iter(next(iter(changes.values())))),
)
def test_who_may_command_may_not_edit(policy: People, changes: Json) -> None:
    risk, editor = policy.bind("risk", "quoting-risk"), policy.bind("editor", "edit", "quoting-edit")
    with pytest.raises(KubectlError, match="edited only with the verb update"):
        patch(policy, risk, changes)
    patch(policy, editor, changes)
    if "finalizers" in changes.get("metadata", {}):
        patch(policy, editor, {"metadata": {"finalizers": []}})
