"""The plugin as a whole: verbs, exit status, completion, switches, reports, listing."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest

from quoting_operator.api.killswitch import SwitchSelector
from quoting_operator.api.status import Phase
from quoting_operator.cli.plugin import screen
from quoting_operator.cli.plugin.completion import SCRIPTS, candidates, complete
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.health import OF_PHASE, Health, health, worth_a_look
from quoting_operator.cli.plugin.listing import brief, listing
from quoting_operator.cli.plugin.main import VERBS, main, parser
from quoting_operator.cli.plugin.naming import given
from quoting_operator.cli.plugin.report import unpacked
from quoting_operator.cli.plugin.style import Style
from quoting_operator.cli.plugin.switches import scope, stronger
from quoting_operator.cli.plugin.view import policy_view
from quoting_policy.errors import InputError
from tests.conftest import REPOSITORY
from tests.resources import KILL_SWITCH, changed
from tests.unit.plugin.policies import NOW, POLICIES, policy


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert "usage: kubectl quoting" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["fly"], [], ["get", "--fast"], ["kill", "btc", "--all"], ["undo"]])
def test_wrong_words_are_one_line_and_end_in_three(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_every_verb_takes_the_flags_that_name_a_cluster() -> None:
    for verb in set(VERBS) - {"lint", "completion"}:
        words = [verb, *(() if verb in ("get", "list") else ("btc",))]
        args = parser(verb).parse_args([*words, "-n", "desk", "--context", "c", "--kubeconfig", "k"])
        assert (args.namespace, args.context, args.kubeconfig) == ("desk", "c", "k")


def test_every_phase_has_an_exit_status() -> None:
    assert set(OF_PHASE) == set(Phase)
    assert {phase for phase, (found, _) in OF_PHASE.items() if found is Health.HEALTHY} == {
        Phase.LIVE,
        Phase.BASELINE,
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("live", 0), ("baseline", 0), ("rolled back", 1), ("expired", 1), ("killed", 1), ("invalid", 1),
     ("canary", 2), ("paused", 2), ("new", 2), ("not yet judged", 2)],
)  # fmt: skip
def test_scripts_go_by_the_exit_status(state: str, status: int) -> None:
    assert int(health(policy_view(POLICIES[state]))) == status


def test_conditions_are_worth_a_look_when_they_are_not_as_they_should_be() -> None:
    def found(kind: str, status: str) -> bool:
        condition = {
            "type": kind,
            "status": status,
            "reason": "X",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        return bool(worth_a_look(policy_view(policy("Live", "", conditions=[condition]))))

    assert [found("GatesHealthy", status) for status in ("True", "False", "Unknown")] == [False, True, True]
    assert [found("Killed", status) for status in ("True", "False", "Unknown")] == [True, False, True]


def test_a_status_that_this_version_does_not_know_is_told() -> None:
    with pytest.raises(InputError, match=r"status\.phase: 'Flying' must be as this version knows it"):
        policy_view({**POLICIES["new"], "status": {"phase": "Flying"}})


def test_a_listing_has_a_line_for_every_policy() -> None:
    views = [policy_view(POLICIES[name]) for name in ("canary", "live", "killed", "new")]
    assert listing(views, NOW, Style(), namespaces=True) == [
        "NAMESPACE  NAME  PHASE     STEP  QUOTES          GATES  PODS  AGE  MESSAGE",
        "desk       btc   … Canary  2/3   candidate 20 %  …4     3/4   7d   step 2 of 3, the candidate quotes"
        " 20 % of the time; waiting for: evidence",
        "desk       btc   ✓ Live    -     candidate 95 %  ✓3 …1  3/4   7d   the candidate quotes 95 % of the"
        " time, guarded by 4 gate(s)",
        "desk       btc   ✗ Killed  2/3   nothing         -      3/4   7d   KillSwitch all: venue rejects"
        " orders (by risk); nothing quotes",
        "desk       btc   … Unseen  -     -               -      -     7d",
    ]


def test_a_log_has_a_line_that_time_alone_does_not_change() -> None:
    assert brief(policy_view(POLICIES["live"]), Style()) == (
        "desk/btc ✓ Live, quotes candidate 95 %, gates ✓3 …1: the candidate quotes 95 % of the time, guarded"
        " by 4 gate(s)"
    )
    assert brief(policy_view(POLICIES["new"]), Style()) == "desk/btc … Unseen, quotes -, gates -"


async def test_only_what_was_not_there_before_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter([["a", "b"], ["a", "b"], ["a", "c"], ["b", "a"]])

    async def look() -> list[str]:
        return next(looks)

    with pytest.raises(RuntimeError):  # the looks are at an end
        await screen.tell_changes(look, refresh_s=0.0)
    told = [line.split(" ")[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["a", "b", "c", "b"]


def test_the_guide_shows_a_listing_as_a_terminal_of_120_columns_does() -> None:
    views = [
        policy_view(changed(POLICIES[name], "metadata.name", name.replace(" ", "-")))
        for name in ("canary", "killed", "live", "rolled back")
    ]
    lines = listing(views, NOW, Style(), namespaces=True, width=120)
    assert "\n".join(lines) in (REPOSITORY / "docs" / "kubectl-quoting.md").read_text()


def test_a_switch_concerns_a_policy_labels_or_everything() -> None:
    assert scope("btc", "", current="desk", given="") == (
        "desk.btc",
        SwitchSelector(namespaces=("desk",), names=("btc",)),
    )
    assert scope("", "", current="desk", given="") == ("everything", SwitchSelector())
    name, selector = scope("", "venue=Kraken,tier==1", current="desk", given="")
    assert name == "labels.venue-kraken-tier-1"
    assert selector.policies.match_labels == {"venue": "Kraken", "tier": "1"}
    assert selector.namespaces == ()
    with pytest.raises(InputError, match="label=value"):
        scope("", "venue", current="desk", given="")


def test_a_namespace_that_is_typed_bounds_a_switch() -> None:
    everything = scope("", "", current="desk", given="desk")
    assert everything == ("everything.desk", SwitchSelector(namespaces=("desk",)))
    name, selector = scope("", "venue=x", current="desk", given="desk")
    assert (name, selector.namespaces) == ("labels.venue-x.desk", ("desk",))


@pytest.mark.parametrize(
    ("present", "asked", "action"),
    [("Halt", "Baseline", "Halt"), ("Baseline", "Halt", "Halt"), ("Baseline", "Baseline", "Baseline")],
)
def test_engaging_never_weakens_a_switch(present: str, asked: str, action: str) -> None:
    switch = changed(KILL_SWITCH, "spec.action", present)
    spec = {"engaged": True, "action": asked, "reason": "again"}
    assert stronger(switch, spec)["spec"]["action"] == action
    released = changed(switch, "spec.engaged", False)
    assert stronger(released, spec)["spec"]["action"] == asked


def packed(content: bytes) -> dict[str, Any]:
    return {"metadata": {"name": "r"}, "binaryData": {"report.html.gz": base64.b64encode(content).decode()}}


def test_a_report_is_unpacked_or_its_damage_told() -> None:
    assert unpacked(packed(gzip.compress(b"<html>"))) == b"<html>"
    for damaged in (packed(b"no gzip"), packed(gzip.compress(b"<html>" * 99)[:-9])):
        with pytest.raises(PluginError, match=r"ConfigMap r, key report.html.gz: not gzip"):
            unpacked(damaged)
    with pytest.raises(PluginError, match="has no key"):
        unpacked({"metadata": {"name": "r"}})


def test_words_are_completed_for_kubectl(capsys: pytest.CaptureFixture[str]) -> None:
    assert complete(["un"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "unquarantine\tlet a quarantined digest begin again",
        "undo\tput back the arms of an older revision",
        ":4",
    ]
    complete(["lint", ""])
    assert capsys.readouterr().out == ":0\n"


def test_options_and_shells_are_completed() -> None:
    assert ("--to-revision" in dict(candidates(["undo", "btc", "--"]))) is True
    assert dict(candidates(["completion", ""])).keys() == SCRIPTS.keys()
    assert candidates(["kill", "-"])[0][0].startswith("-")


def test_the_cluster_that_is_typed_is_the_one_that_is_asked() -> None:
    words = ["get", "-n", "desk", "--context=prod"]
    assert (given("-n", words), given("--context", words), given("--as", words)) == ("desk", "prod", "")


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_completion_script_asks_the_program_that_kubectl_asks(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    assert "kubectl_complete-quoting" in capsys.readouterr().out
