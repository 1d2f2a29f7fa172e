"""The plugin against a real API server and the operator: what it writes, and what it says."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quoting_operator.cli.plugin.main import main
from tests.conftest import Kube
from tests.integration.people import People
from tests.integration.test_operator import Running
from tests.resources import CANDIDATE, POLICY, Json, changed
from tests.waiting import eventually

pytestmark = pytest.mark.integration

ROLLED_OUT = changed(POLICY, "spec.candidate", CANDIDATE)


class Said(NamedTuple):
    status: int
    out: str
    err: str


class Terminal:
    """Types commands of the plugin in a namespace."""

    def __init__(self, people: People, capsys: pytest.CaptureFixture[str]) -> None:
        self.people, self._capsys = people, capsys
        self._kubeconfig = str(people.kube.kubeconfig)

    def types(self, *words: str, user: str = "") -> Said:
        person = ("--as", user) if user else ()
        self._capsys.readouterr()
        status = main([*words, "-n", self.people.namespace, "--kubeconfig", self._kubeconfig, *person])
        return Said(status, *self._capsys.readouterr())

    def apply(self, resource: Json) -> None:
        words = ("apply", "-n", self.people.namespace, "-f", "-")
        self.people.kube.kubectl(*words, given=json.dumps(resource))

    def policy(self) -> Any:
        return json.loads(self.types("get", "btc", "-o", "json").out)

    def reaches(self, phase: str) -> None:
        eventually(lambda: self.policy().get("status", {}).get("phase") == phase, f"phase {phase}", 20)


@pytest.fixture
def terminal(people: People, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(people, capsys)


@pytest.fixture
def running(guarded_api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("KUBECONFIG", str(guarded_api.kubeconfig))
    found = Running(namespace)
    yield found
    found.end()


@pytest.mark.usefixtures("running")
def test_commands_are_asked_in_the_users_name_and_answered(terminal: Terminal) -> None:
    ann, risk = terminal.people.bind("ann", "quoting-promote"), terminal.people.bind("risk", "quoting-risk")
    terminal.apply(ROLLED_OUT)
    terminal.reaches("Paper")
    said = terminal.types("pause", "btc", "--reason", "CPI at 14:30", user=ann)
    assert said == (0, f"✓ pause btc by {ann}: the rollout does not advance; it is guarded as before\n", "")
    written = terminal.policy()["metadata"]["annotations"]
    assert written["command.quoting.dev/pause.by"] == ann
    assert json.loads(written["command.quoting.dev/pause"])["reason"] == "CPI at 14:30"
    assert f"paused by {ann}: CPI at 14:30" in terminal.types("get", "btc").out
    assert terminal.types("resume", "btc", user=ann).status == 0
    said = terminal.types("promote", "btc", "--reason", "looks right", user=ann)
    assert said.status == 1
    assert "refused: only a canary step waits for consent" in said.out
    said = terminal.types("rehearse", "btc", user=ann)
    assert (said.status, "refused: a rollback is rehearsed in shadow" in said.out) == (1, True)
    said = terminal.types("attest", "btc", "--reason", "read", "--criterion", "reviewed", user=ann)
    assert (said.status, "reviewed counts as met" in said.out) == (0, True)
    said = terminal.types("retry", "btc", "--reason", "again", user=ann)
    assert (said.status, "refused: it is under way" in said.out) == (1, True)
    said = terminal.types("approve-baseline", "btc", "--reason", "agreed", user=risk)
    assert (said.status, "may become the baseline" in said.out) == (0, True)


@pytest.mark.usefixtures("running")
def test_an_abort_is_seen_and_a_quarantine_ended_by_name(terminal: Terminal) -> None:
    oncall = terminal.people.bind("oncall", "quoting-abort", "quoting-view", "view")
    risk = terminal.people.bind("risk", "quoting-risk")
    terminal.apply(ROLLED_OUT)
    terminal.reaches("Paper")
    assert terminal.types("status", "btc").status == 2
    assert terminal.types("abort", "btc", "--reason", "fills look wrong", user=oncall).status == 0
    assert terminal.types("status", "btc", "--watch", "--timeout", "20", user=oncall).status == 1
    tree = terminal.types("get", "btc", user=oncall).out
    assert f"aborted by {oncall}: fills look wrong" in tree
    assert "is quarantined since" in tree
    said = terminal.types("unquarantine", "btc", "--reason", "tested", user=oncall)
    assert said.status == 3
    assert said.err.startswith("kubectl quoting unquarantine: quotingpolicies.quoting.dev")
    assert said.err.endswith(
        '"btc" is forbidden: this command takes the verb unquarantine on quotingpolicies\n'
    )
    assert terminal.types("unquarantine", "btc", "--reason", "tested", user=risk).status == 0
    terminal.reaches("Paper")


def test_a_command_that_nobody_answers_is_not_taken_for_done(terminal: Terminal) -> None:
    terminal.apply(ROLLED_OUT)
    said = terminal.types("pause", "btc", "--wait", "0.3")
    assert said.status == 2
    assert "not answered within 0.3 s; does the operator run?" in said.out
    assert terminal.types("pause", "btc", "--no-wait").status == 0


@pytest.mark.usefixtures("running")
def test_an_older_revision_is_compared_and_put_back(terminal: Terminal) -> None:
    terminal.apply(ROLLED_OUT)
    terminal.reaches("Paper")
    assert terminal.types("diff", "btc").status == 0
    edited = changed(ROLLED_OUT, "spec.candidate.params", {"halfSpread": 3, "qty": 1})
    terminal.apply(edited)
    eventually(
        lambda: "revision 2" in terminal.types("diff", "btc", "--from", "1", "--to", "2").out, "it", 20
    )
    said = terminal.types("diff", "btc", "--from", "1", "--to", "2")
    assert said.status == 1
    assert said.out.splitlines()[1].split() == ["candidate.params.halfSpread", "4", "→", "3"]
    planned = terminal.types("undo", "btc", "--dry-run")
    assert "dry run: nothing is changed" in planned.out
    assert terminal.policy()["spec"] == edited["spec"]
    assert terminal.types("undo", "btc").status == 0
    assert terminal.policy()["spec"] == ROLLED_OUT["spec"]
    assert "has the arms of revision 1" in terminal.types("undo", "btc", "--to-revision", "1").out
    said = terminal.types("undo", "btc", "--to-revision", "9")
    assert (said.status, "revision: '9' must be one of: 1 (" in said.err) == (3, True)


@pytest.mark.usefixtures("running")
def test_a_refused_edit_is_undone(terminal: Terminal) -> None:
    terminal.apply(ROLLED_OUT)
    terminal.reaches("Paper")
    terminal.apply(changed(ROLLED_OUT, "spec.candidate.params.halfSpread", -4))
    terminal.reaches("Invalid")
    said = terminal.types("undo", "btc")
    assert said.status == 0
    assert said.out.splitlines()[1].split() == ["candidate.params.halfSpread", "-4", "→", "4"]
    terminal.reaches("Paper")


@pytest.mark.usefixtures("running")
def test_who_may_kill_may_not_release(terminal: Terminal) -> None:
    trader = terminal.people.bind("trader", "quoting-killswitch-engage")
    officer = terminal.people.bind("officer", "quoting-killswitch-release")
    terminal.apply(ROLLED_OUT)
    terminal.reaches("Paper")
    name = f"{terminal.people.namespace}.btc"
    said = terminal.types("kill", "btc", "--reason", "odd fills", user=trader)
    assert (said.status, said.out.splitlines()[0]) == (
        0,
        f"! KillSwitch {name} is engaged: baselines quote; which policies it concerns could not be read",
    )
    assert terminal.types("kill", "btc", "--halt", "--reason", "worse", user=trader).status == 0
    assert "it concerns 1 policy: " in terminal.types("kill", "btc", "--reason", "softer").out
    said = terminal.types("kill", "bct", "--reason", "odd fills")
    assert (said.status, "no QuotingPolicy bct" in said.err) == (3, True)
    terminal.reaches("Killed")
    me = terminal.people.kube.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert f"softer (by {me}); nothing quotes" in terminal.types("status", "btc").out
    said = terminal.types("release", "btc", "--reason", "fine", user=trader)
    assert said == (
        3,
        "",
        f'kubectl quoting release: killswitches.quoting.dev "{name}" is forbidden: an engaged KillSwitch is'
        " released or deleted only with the verb release on killswitches\n",
    )
    assert terminal.types("release", "btc", "--reason", "the venue is back", user=officer).status == 0
    terminal.reaches("Paper")
    assert "is not engaged" in terminal.types("release", name, "--reason", "again").out
    terminal.people.kube.kubectl("delete", "killswitch", name)


def test_the_report_is_written_where_it_is_wanted(terminal: Terminal, tmp_path: Path) -> None:
    terminal.apply(ROLLED_OUT)
    said = terminal.types("report", "btc")
    assert said == (3, "", "kubectl quoting report: there is no report of btc yet\n")
    packed = base64.b64encode(gzip.compress(b"<html>paper</html>")).decode()
    metadata = {"name": "btc-report"}
    terminal.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "binaryData": {"report.html.gz": packed},
        }
    )
    status = {"paper": {"job": "j", "sessions": 2, "finished": 2, "report": "btc-report"}}
    words = ("patch", "qp", "btc", "-n", terminal.people.namespace, "--subresource=status", "--type=merge")
    terminal.people.kube.kubectl(*words, "-p", json.dumps({"status": status}))
    said = terminal.types("report", "btc", "-o", str(tmp_path / "reports"))
    assert said.out == f"{tmp_path}/reports/btc-paper.html\n"
    assert Path(said.out.strip()).read_bytes() == b"<html>paper</html>"


def test_policies_are_listed_and_missing_ones_told(terminal: Terminal) -> None:
    namespace = terminal.people.namespace
    assert terminal.types("list").out == f"no QuotingPolicies in namespace {namespace}\n"
    terminal.apply(POLICY)
    terminal.apply(changed(changed(POLICY, "metadata.name", "eth"), "metadata.labels", {"venue": "x"}))
    lines = terminal.types("list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "btc", "eth"]
    assert len(terminal.types("list", "-l", "venue=x").out.splitlines()) == 2
    assert f"{namespace}  eth" in terminal.types("list", "-A").out
    both = json.loads(terminal.types("list", "-o", "json").out)
    assert [item["metadata"]["name"] for item in both["items"]] == ["btc", "eth"]
    said = terminal.types("get", "sol")
    assert said == (
        3,
        "",
        f"kubectl quoting get: no QuotingPolicy sol in namespace {namespace}; there are: btc, eth\n",
    )


def test_what_may_not_be_read_is_told_and_the_rest_shown(terminal: Terminal) -> None:
    terminal.apply(POLICY)
    outsider, looker = terminal.people.bind("outsider"), terminal.people.bind("looker", "quoting-view")
    said = terminal.types("get", "btc", user=outsider)
    assert said.status == 3
    assert "cannot get resource" in said.err
    assert len(said.err.splitlines()) == 1
    assert "you may not list pods here" in terminal.types("get", "btc", user=looker).out


def test_a_cluster_that_cannot_be_reached_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user: Json = {"name": "u", "user": {}}
    kubeconfig.write_text(
        json.dumps({"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"})
    )
    assert main(["list", "--kubeconfig", str(kubeconfig)]) == 3
    err = capsys.readouterr().err
    assert err.startswith("kubectl quoting list: the API server cannot be reached")
    assert len(err.splitlines()) == 1
