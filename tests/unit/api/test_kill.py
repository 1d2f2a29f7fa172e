"""What all kill switches together say for one policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_operator.api.killswitch import kill_of
from quoting_policy.domain import KillAction
from tests.resources import KILL_SWITCH, POLICY, changed

ENGAGED = {"engaged": True, "action": "Baseline", "reason": "own"}
HALT = changed(changed(KILL_SWITCH, "spec.action", "Halt"), "metadata.name", "halt")
SOFT = changed(KILL_SWITCH, "spec.action", "Baseline")
LABELLED = changed(changed(POLICY, "metadata.namespace", "desk"), "metadata.labels", {"venue": "x"})


def test_nothing_engaged_is_no_kill() -> None:
    released = changed(KILL_SWITCH, "spec.engaged", False)
    assert kill_of(POLICY, [released]).action is KillAction.NONE


def test_the_strongest_switch_wins_whatever_the_order() -> None:
    policy = changed(POLICY, "spec.killSwitch", ENGAGED)
    assert kill_of(policy, [SOFT, HALT]) == kill_of(policy, [HALT, SOFT])
    assert kill_of(policy, [SOFT, HALT]).action is KillAction.HALT


def test_the_reason_names_the_switch() -> None:
    assert kill_of(POLICY, [KILL_SWITCH]).reason == "KillSwitch venue-outage: venue rejects orders"


@pytest.mark.parametrize(
    ("selector", "concerned"),
    [
        ({}, True),
        ({"namespaces": ["desk"]}, True),
        ({"namespaces": ["other"]}, False),
        ({"names": ["btc"]}, True),
        ({"names": ["eth"]}, False),
        ({"namespaces": ["other"], "names": ["btc"]}, False),
        ({"policies": {"matchLabels": {"venue": "x"}}}, True),
        ({"policies": {"matchLabels": {"venue": "y"}}}, False),
        ({"policies": {"matchLabels": {"absent": "x"}}}, False),
        ({"namespaces": ["desk"], "policies": {"matchLabels": {"venue": "y"}}}, False),
    ],
)
def test_a_selector_chooses_by_namespace_name_and_label(selector: dict[str, Any], concerned: bool) -> None:
    switch = changed(KILL_SWITCH, "spec.selector", selector)
    assert (kill_of(LABELLED, [switch]).action is KillAction.HALT) is concerned


@pytest.mark.parametrize("broken", [None, {}, {"engaged": "no"}, {"engaged": False, "action": "Pause"}, [1]])
def test_a_switch_that_cannot_be_read_halts(broken: Any) -> None:
    assert kill_of(POLICY, [{"metadata": {"name": "x"}, "spec": broken}]).action is KillAction.HALT
    if broken is not None:
        assert kill_of(changed(POLICY, "spec.killSwitch", broken or [0]), []).action is KillAction.HALT


@settings(deadline=None)
@given(st.lists(st.sampled_from([SOFT, HALT, changed(SOFT, "spec.engaged", False)])))
def test_one_more_switch_never_weakens_the_kill(switches: list[Any]) -> None:
    order = [KillAction.NONE, KillAction.BASELINE, KillAction.HALT]
    before = order.index(kill_of(POLICY, switches[1:]).action)
    assert order.index(kill_of(POLICY, switches).action) >= before
