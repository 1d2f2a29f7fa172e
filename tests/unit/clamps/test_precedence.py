"""Precedence is total: every combination of circumstances has one answer, and the safest one wins."""

from __future__ import annotations

import itertools

import pytest

from quoting_policy.clamps.precedence import PRECEDENCE, Standing, choose
from quoting_policy.domain import Arm, KillAction, Mode, Stage

EVERY_STANDING = [
    Standing(
        configured=configured,
        draining=draining,
        kill=kill,
        has_candidate=candidate,
        latched=latched,
        stage=stage,
        slot_arm=arm,
    )
    for configured, draining, kill, candidate, latched, stage, arm in itertools.product(
        (False, True),
        (False, True),
        (None, *KillAction),
        (False, True),
        (None, "exception"),
        (None, *Stage),
        Arm,
    )
]


@pytest.mark.parametrize("standing", EVERY_STANDING)
def test_every_standing_has_an_answer_and_nobody_quotes_without_leave(standing):
    choice = choose(standing)
    may_anybody = (
        standing.configured
        and not standing.draining
        and standing.kill in (KillAction.NONE, KillAction.BASELINE)
    )
    may_candidate = (
        may_anybody
        and standing.kill is KillAction.NONE
        and standing.has_candidate
        and standing.latched is None
        and standing.stage in (Stage.CANARY, Stage.LIVE)
        and standing.slot_arm is Arm.CANDIDATE
    )
    expected = Arm.CANDIDATE if may_candidate else Arm.BASELINE if may_anybody else None
    assert choice.arm is expected


@pytest.mark.parametrize(("higher", "lower"), list(itertools.combinations(PRECEDENCE, 2)))
def test_of_two_rules_that_apply_the_higher_one_wins(higher, lower):
    rank = {rule.name: place for place, rule in enumerate(PRECEDENCE)}
    both = [standing for standing in EVERY_STANDING if higher.applies(standing) and lower.applies(standing)]
    assert all(rank[choose(standing).rule] <= rank[higher.name] for standing in both)


@pytest.mark.parametrize("rule", PRECEDENCE)
def test_every_rule_decides_somewhere(rule):
    assert any(choose(standing).rule == rule.name for standing in EVERY_STANDING)


def test_rules_come_in_the_order_the_desk_expects():
    assert [rule.name for rule in PRECEDENCE] == [
        "draining",
        "not_configured",
        "kill_unknown",
        "kill_halt",
        "kill_baseline",
        "no_candidate",
        "latched_breach",
        "no_authority",
        "shadow",
        "baseline_slot",
        "candidate_slot",
    ]


def test_a_halt_is_told_as_halted_and_a_kill_that_was_never_told_as_not_configured():
    ready = {"configured": True, "has_candidate": True, "stage": Stage.LIVE, "slot_arm": Arm.CANDIDATE}
    assert choose(Standing(kill=KillAction.HALT, **ready)).mode is Mode.HALTED
    assert choose(Standing(kill=None, **ready)).mode is Mode.NOT_CONFIGURED
    assert choose(Standing(kill=KillAction.BASELINE, **ready)).mode is Mode.ACTIVE
