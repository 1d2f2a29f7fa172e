"""What is merged is applied, what quotes is shown, actions are carried out, and nothing is written twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest

from quoting_operator.api.command import Verb, commands_of
from tests.argocd.gitops import ArgoCD, Repository
from tests.resources import CANDIDATE, POLICY, Json, changed
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

QUIET_S = float(os.environ.get("QUOTING_QUIET_S", "60"))
"""How long nothing may be written; 600 in a release."""

SETTLED_S = 5.0
"""By then the operator has written what a rollback takes."""

SERVER = "system:serviceaccount:argocd:argocd-server"
WITH_CANDIDATE = changed(POLICY, "spec.candidate", CANDIDATE)


class Desk:
    """A namespace that follows a repository."""

    def __init__(self, argocd: ArgoCD, repository: Repository, namespace: str) -> None:
        self.argocd, self.repository, self.namespace = argocd, repository, namespace
        self.about = {"namespace": namespace, "resourceName": "btc", "kind": "QuotingPolicy",
                      "group": "quoting.dev", "version": "v1alpha1"}  # fmt: skip

    def merge(self, policy: Json) -> str:
        commit = self.repository.merge([policy])
        self.argocd.refresh(self.namespace)
        return commit

    def policy(self) -> Json:
        words = ("get", "qp", "btc", "-n", self.namespace, "-o", "json")
        found: Json = json.loads(self.argocd.kube.kubectl(*words))
        return found

    def shows(self, status: str, message: str, revision: str = "") -> None:
        self.argocd.reaches(self.namespace, "QuotingPolicy", status, message, revision)

    def offered(self) -> set[str]:
        found = self.argocd.actions(self.namespace, self.about)
        return {name for name, enabled in found.items() if enabled}

    def act(self, action: str) -> None:
        self.argocd.act(self.namespace, self.about, action)


@pytest.fixture
def desk(argocd: ArgoCD, repository: Repository, namespace: str) -> Iterator[Desk]:
    found = Desk(argocd, repository, namespace)
    repository.merge([POLICY])
    argocd.application(namespace, namespace, repository.url)
    yield found
    argocd.kube.kubectl("delete", "application", namespace, "-n", "argocd")


def test_what_is_merged_is_applied_and_shown(desk: Desk) -> None:
    desk.shows("Healthy", "Baseline: no candidate; the baseline quotes")
    commit = desk.merge(WITH_CANDIDATE)
    desk.shows("Progressing", "Paper: ", commit)
    commit = desk.merge(changed(WITH_CANDIDATE, "spec.paused", True))
    desk.shows("Suspended", "Paused: ", commit)


def test_an_edit_by_hand_is_healed(desk: Desk) -> None:
    desk.shows("Healthy", "Baseline: ")
    patch = json.dumps({"spec": {"paused": True}})
    desk.argocd.kube.kubectl("patch", "qp", "btc", "-n", desk.namespace, "--type=merge", "-p", patch)
    eventually(lambda: not desk.policy()["spec"].get("paused"), "the edit to be taken back", 60)


def test_a_click_on_abort_rolls_back_and_argo_cd_says_why(desk: Desk) -> None:
    desk.merge(WITH_CANDIDATE)
    desk.shows("Progressing", "Paper: ")
    assert {"abort", "pause"} <= desk.offered()
    desk.act("abort")
    (command,), unread = commands_of(desk.policy()["metadata"]["annotations"])
    assert (command.verb, command.by, unread) == (Verb.ABORT, SERVER, ())
    desk.shows("Degraded", "RolledBack: Aborted")
    assert desk.offered() == set()
    done = {entry["verb"]: entry for entry in desk.policy()["status"]["commands"]}
    assert (done["abort"]["by"], done["abort"]["done"]) == (SERVER, True)
    events = desk.argocd.kube.kubectl("get", "events", "-n", "argocd", "-o", "json")
    told = [e["message"] for e in json.loads(events)["items"] if e["reason"] == "ResourceActionRan"]
    assert any("ran action abort on resource quoting.dev/QuotingPolicy/btc" in message for message in told)


def test_a_click_on_pause_is_undone_by_one_on_resume(desk: Desk) -> None:
    desk.merge(WITH_CANDIDATE)
    desk.shows("Progressing", "Paper: ")
    desk.act("pause")
    desk.shows("Suspended", "Paused: ")
    assert "resume" in desk.offered()
    desk.act("resume")
    desk.shows("Progressing", "Paper: ")


def test_with_a_rolled_back_candidate_in_git_nothing_is_written_again(desk: Desk) -> None:
    desk.shows("Healthy", "Baseline: ")
    commit = desk.merge(WITH_CANDIDATE)
    desk.shows("Progressing", "Paper: ", commit)
    desk.act("abort")
    desk.shows("Degraded", "RolledBack: ", commit)
    time.sleep(SETTLED_S)
    before = desk.policy()
    time.sleep(QUIET_S)
    assert desk.policy() == before
    assert desk.argocd.status(desk.namespace)["sync"]["status"] == "Synced"
    assert len(desk.argocd.status(desk.namespace)["history"]) == 2
