"""One reconcile pass: what is decided from what is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_operator.api.metadata import Truth
from quoting_operator.api.status import EffectiveArm, Phase
from quoting_operator.rollout.decide import STEPS, Step, decide
from quoting_operator.rollout.decision import (
    Decision,
    PostEvent,
    RevokeAuthority,
    StoreRevision,
)
from quoting_operator.rollout.revisions import StoredRevision, arm_digest
from quoting_policy.domain import ArmSpec
from tests.resources import CANDIDATE, KILL_SWITCH, Json, changed
from tests.unit.rollout.world import BASE, NOW, WITH_CANDIDATE, World

WITH_RISK = changed(WITH_CANDIDATE, "spec.riskPolicyRef", {"name": "desk-risk"})


def risk_map(text: str = "limits: {maxPosition: '4'}", **labels: str) -> Json:
    metadata = {"name": "desk-risk", "labels": labels or {"quoting.dev/risk-policy": "true"}}
    return {"metadata": metadata, "data": {"limits.yaml": text}}


def condition(decision: Decision, kind: str) -> tuple[Truth, str]:
    found = next(c for c in decision.status.conditions if c.type == kind)
    return found.status, found.message


def pinned(decision: Decision) -> str:
    assert decision.status.effective is not None
    return decision.status.effective.revision


def limit(decision: Decision, name: str = "max_position") -> float | None:
    assert decision.status.effective_limits is not None
    return getattr(decision.status.effective_limits.limits.to_domain(), name)


def test_a_policy_without_a_candidate_has_its_baseline_pinned_and_quoting() -> None:
    decision = World().step()
    assert decision.status.phase is Phase.BASELINE
    assert decision.status.effective.arm is EffectiveArm.BASELINE  # type: ignore[union-attr]  # it is there
    assert [type(action) for action in decision.actions] == [StoreRevision, PostEvent, PostEvent]
    assert decision.status.observed_generation == 3
    assert condition(decision, "BaselineUnproven")[0] is Truth.TRUE


def test_a_revision_is_stored_before_the_status_points_to_it() -> None:
    decision = World().step()
    stored = next(a.revision for a in decision.actions if isinstance(a, StoreRevision))
    assert pinned(decision) == stored.name == f"btc-{stored.digest[:12]}"


def test_a_revision_that_was_stored_before_an_upgrade_is_still_read() -> None:
    world = World(WITH_CANDIDATE)
    world.step()
    (stored,) = world.revisions.values()
    del stored["data"]["revision"]["signals"]
    stored["data"]["revision"]["engine_version"] = "1"
    stored["data"]["digest"] = "00d04f42ae1afbb3f4d2b6733c7eb29ba5060833047466a3a41f92e52b87aa0a"
    read = StoredRevision.read(stored)
    assert read is not None
    assert read.content.candidate is not None


def test_a_second_pass_over_an_unchanged_world_decides_nothing() -> None:
    world = World(WITH_CANDIDATE)
    world.step()
    first = world.step()
    second = world.step()
    assert second.actions == ()
    assert second.status == first.status


def test_a_candidate_without_a_course_waits_and_the_message_says_for_what() -> None:
    decision = World(changed(WITH_CANDIDATE, "spec.rollout.paper", None)).step()
    assert decision.status.phase is Phase.PENDING
    assert (
        "spec.rollout.paper is left out, so nothing is rolled out; the baseline quotes"
        in decision.status.message
    )
    assert decision.status.attempt == 1


def test_a_candidate_begins_in_paper() -> None:
    decision = World(WITH_CANDIDATE).step()
    assert decision.status.phase is Phase.PAPER
    assert decision.status.message.startswith("the baseline quotes; waiting for: evidence")
    assert decision.status.attempt == 1


def test_a_new_candidate_is_a_new_attempt() -> None:
    world = World(WITH_CANDIDATE)
    before = world.step()
    after = world.edit("spec.candidate.params.halfSpread", 3)
    assert (before.status.attempt, after.status.attempt) == (1, 2)
    assert pinned(before) != pinned(after)


@pytest.mark.parametrize(
    ("action", "arm"), [("Baseline", EffectiveArm.BASELINE), ("Halt", EffectiveArm.NONE)]
)
def test_a_kill_switch_is_reported_with_its_reason(action: str, arm: EffectiveArm) -> None:
    decision = World(WITH_CANDIDATE, switches=[changed(KILL_SWITCH, "spec.action", action)]).step()
    assert decision.status.phase is Phase.KILLED
    assert decision.status.effective.arm is arm  # type: ignore[union-attr]  # it is there
    assert "KillSwitch venue-outage: venue rejects orders" in decision.status.message


def test_a_kill_is_seen_though_the_rest_of_the_spec_is_not_usable() -> None:
    world = World(changed(BASE, "spec.instruments", "what"))
    decision = world.edit("spec.killSwitch", {"engaged": True, "reason": "x", "action": "Halt"})
    assert decision.status.phase is Phase.KILLED


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("spec.baseline.model", "Oracle", "spec.baseline.model: 'Oracle' must be one of"),
        ("spec.baseline.params", {"halfSpread": -1}, "spec.baseline.params.halfSpread"),
        ("spec.limits.maxPosition", "-1", "spec.limits.maxPosition: must be a decimal number > 0"),
        ("spec.instruments", [], "spec.instruments"),
    ],
)
def test_an_invalid_spec_says_why_and_the_pinned_revision_goes_on(path: str, value: Any, words: str) -> None:
    world = World()
    before = world.step()
    after = world.edit(path, value)
    assert after.status.phase is Phase.INVALID
    assert words in after.status.message
    assert pinned(after) == pinned(before)
    assert condition(after, "Diverged")[0] is Truth.TRUE


def test_an_invalid_first_spec_quotes_nothing() -> None:
    decision = World(changed(BASE, "spec.baseline.model", "Oracle")).step()
    assert decision.status.effective.arm is EffectiveArm.NONE  # type: ignore[union-attr]  # it is there
    assert decision.status.message.endswith("nothing quotes")


def test_the_baseline_is_not_changed_past_the_gates() -> None:
    world = World()
    before = world.step()
    after = world.edit("spec.baseline.params.halfSpread", 1)
    assert after.status.phase is Phase.INVALID
    assert "put the new policy under spec.candidate" in after.status.message
    assert pinned(after) == pinned(before)


def test_an_adopted_live_candidate_becomes_the_baseline() -> None:
    world = World(WITH_CANDIDATE)
    world.step()
    world.policy["status"]["proven"] = [arm_digest(ArmSpec(**CANDIDATE))]
    world.policy = changed(changed(world.policy, "spec.candidate", None), "spec.baseline", CANDIDATE)
    after = world.step()
    assert after.status.phase is Phase.BASELINE
    assert condition(after, "BaselineUnproven")[0] is Truth.FALSE


def test_a_candidate_that_is_not_live_is_not_adopted() -> None:
    world = World(WITH_CANDIDATE)
    world.step()
    world.policy = changed(changed(world.policy, "spec.candidate", None), "spec.baseline", CANDIDATE)
    assert world.step().status.phase is Phase.INVALID


def test_the_pinned_revision_cannot_be_removed_to_slip_in_another_baseline() -> None:
    world = World()
    world.step()
    world.revisions.clear()
    world.edit("spec.baseline.params.halfSpread", 1)
    after = world.step()
    assert "is gone or altered" in after.status.message
    assert not any(isinstance(action, StoreRevision) for action in after.actions)


def test_a_status_that_was_wiped_lets_no_other_baseline_in() -> None:
    world = World()
    world.step()
    world.policy.pop("status")
    after = world.edit("spec.baseline.params.halfSpread", 1)
    assert after.status.phase is Phase.INVALID
    assert world.edit("spec.baseline.params.halfSpread", 5).status.phase is Phase.BASELINE


def test_a_revision_whose_content_was_altered_is_not_run() -> None:
    world = World()
    (name,) = [a.revision.name for a in world.step().actions if isinstance(a, StoreRevision)]
    world.revisions[name]["data"]["revision"]["limits"]["max_position"] = 1e9
    assert world.observed().pinned is None


def test_a_quarantined_digest_is_refused() -> None:
    world = World()
    before = world.step()
    digest = World(WITH_CANDIDATE).step().status.candidate.digest  # type: ignore[union-attr]  # it is there
    quarantine = [{"digest": digest, "reason": "breach", "at": "2026-11-20T00:00:00Z"}]
    world.policy["status"]["quarantined"] = quarantine
    after = world.edit("spec.candidate", CANDIDATE)
    assert after.status.phase is Phase.ROLLED_BACK
    assert pinned(after) == pinned(before)
    assert [q.digest for q in after.status.quarantined] == [digest]


def test_the_tightest_limit_holds() -> None:
    assert limit(World(WITH_RISK, risk=risk_map()).step()) == 4
    assert limit(World(WITH_RISK, risk=risk_map("limits: {maxPosition: '40'}")).step()) == 10


def test_a_tightened_limit_holds_at_once_and_keeps_the_attempt() -> None:
    world = World(WITH_RISK, risk=risk_map())
    before = world.step()
    world.seen["risk"] = risk_map("limits: {maxPosition: '2'}")
    after = world.step()
    assert limit(after) == 2
    assert pinned(after) == pinned(before)
    assert after.status.attempt == before.status.attempt


def test_a_loosened_limit_is_a_new_revision_and_a_new_attempt() -> None:
    world = World(WITH_RISK, risk=risk_map())
    before = world.step()
    world.seen["risk"] = risk_map("limits: {maxPosition: '5'}")
    after = world.step()
    assert limit(after) == 5
    assert pinned(after) != pinned(before)
    assert after.status.attempt == before.status.attempt + 1


UNUSABLE = [
    (None, "ConfigMap desk-risk is missing"),
    (risk_map("limits: ["), "not YAML"),
    (
        risk_map("limits: {maxPosition: 4}"),
        "limits.maxPosition: must be a decimal number in quotes",
    ),
    (risk_map("limits: {maxPositon: '4'}"), "limits.yaml.limits.maxPositon"),
    (risk_map("- 1"), "limits.yaml"),
    (risk_map(""), "limits.yaml"),
    (risk_map(other="label"), "must carry the label quoting.dev/risk-policy=true"),
    ({**risk_map(), "data": {"else": "1"}}, "has no key 'limits.yaml'"),
]


@pytest.mark.parametrize(("broken", "words"), UNUSABLE)
def test_unusable_risk_limits_freeze_and_loosen_nothing(broken: Json | None, words: str) -> None:
    world = World(WITH_RISK, risk=risk_map())
    before = world.step()
    world.seen["risk"] = broken
    after = world.edit("spec.candidate.params.halfSpread", 3)
    assert words in condition(after, "RiskPolicyHealthy")[1]
    assert words in after.status.message
    assert limit(after) == limit(before) == 4
    assert pinned(after) == pinned(before)


def test_without_risk_limits_from_the_start_nothing_quotes() -> None:
    decision = World(WITH_RISK).step()
    assert decision.status.phase is Phase.PENDING
    assert decision.status.effective.arm is EffectiveArm.NONE  # type: ignore[union-attr]  # it is there


def test_risk_limits_tighten_though_the_spec_is_not_usable() -> None:
    world = World(WITH_RISK, risk=risk_map())
    world.step()
    world.seen["risk"] = risk_map("limits: {maxPosition: '1'}")
    assert limit(world.edit("spec.instruments", [])) == 1


def test_a_left_over_lease_is_revoked() -> None:
    decision = World(WITH_CANDIDATE, lease={"metadata": {"name": "btc"}}).step()
    assert RevokeAuthority() in decision.actions


def test_pods_without_a_sidecar_are_named() -> None:
    pods = [
        {"metadata": {"name": "good"}, "spec": {"initContainers": [{"name": "quoting-engine"}]}},
        {"metadata": {"name": "bare"}, "spec": {}},
        {"metadata": {"name": "done"}, "spec": {}, "status": {"phase": "Succeeded"}},
    ]
    decision = World(pods=pods).step()
    assert condition(decision, "SidecarsInjected") == (
        Truth.FALSE,
        "without a sidecar, to be created anew: bare",
    )
    assert (decision.status.pods.total, decision.status.pods.with_sidecar) == (2, 1)  # type: ignore[union-attr]  # there


def test_pausing_is_shown_while_there_is_something_to_pause() -> None:
    assert World(changed(WITH_CANDIDATE, "spec.paused", True)).step().status.phase is Phase.PAUSED
    assert World(changed(BASE, "spec.paused", True)).step().status.phase is Phase.BASELINE


def test_old_revisions_are_forgotten_but_never_the_pinned_one() -> None:
    world = World(WITH_CANDIDATE)
    for half_spread in range(1, 16):
        decision = world.edit("spec.candidate.params.halfSpread", half_spread)
        assert pinned(decision) in world.revisions
    world.step()
    assert len(world.revisions) == 11


def test_history_keeps_the_last_changes_of_phase() -> None:
    world = World()
    world.step()
    for n in range(30):
        world.edit("spec.killSwitch", {"engaged": n % 2 == 0, "reason": "drill"})
    phases = [entry.phase for entry in world.step().status.history]
    assert phases == [Phase.KILLED, Phase.BASELINE] * 10


def failing(name: str) -> list[Step]:
    def fail(*_: Any) -> Any:
        raise RuntimeError("injected")

    return [step._replace(take=fail) if step.name == name else step for step in STEPS]


KILLED = [changed(KILL_SWITCH, "spec.action", "Halt")]


@pytest.mark.parametrize("failed", [step.name for step in STEPS])
def test_an_error_in_a_step_leaves_the_earlier_ones_done(failed: str) -> None:
    world = World(WITH_RISK, risk=risk_map(), switches=KILLED, lease={"metadata": {"name": "btc"}})
    place = next(step.order for step in STEPS if step.name == failed)
    decision = decide(world.observed(), NOW, failing(failed))
    assert [error.step for error in decision.errors] == [failed]
    if place != 2:
        assert RevokeAuthority() in decision.actions
    if place != 8:
        assert decision.status.phase is Phase.KILLED
        assert condition(decision, "Reconciled") == (Truth.FALSE, f"{failed}: RuntimeError: injected")
    if place in (7, 8):
        assert place == 8 or limit(decision) == 4


@pytest.mark.parametrize("failed", ["kill and latches", "authority", "safety", "exposure"])
def test_nothing_advances_after_a_guarding_step_failed(failed: str) -> None:
    decision = decide(World(WITH_RISK, risk=risk_map()).observed(), NOW, failing(failed))
    assert not any(isinstance(action, StoreRevision) for action in decision.actions)


def test_a_pass_that_failed_claims_no_divergence() -> None:
    world = World(WITH_CANDIDATE)
    world.step()
    decision = decide(world.observed(), NOW, failing("safety"))
    assert condition(decision, "Diverged")[0] is Truth.FALSE
    assert condition(decision, "Reconciled")[0] is Truth.FALSE


def test_limits_in_force_outlive_a_failure_to_work_them_out() -> None:
    world = World(WITH_RISK, risk=risk_map())
    world.step()
    decision = decide(world.observed(), NOW, failing("exposure"))
    assert limit(decision) == 4


def test_steps_are_taken_in_their_order() -> None:
    orders = [step.order for step in STEPS]
    assert orders == sorted(orders)
    assert [step.order for step in STEPS if not step.guards] == [6, 6, 7]


positions = st.integers(min_value=1, max_value=100).map(str)


@settings(deadline=None)
@given(own=positions, risk=st.lists(st.none() | positions, min_size=1, max_size=6))
def test_no_sequence_of_risk_edits_exceeds_the_tighter_limit(own: str, risk: list[str | None]) -> None:
    world = World(changed(WITH_RISK, "spec.limits.maxPosition", own))
    held: float | None = None
    for text in risk:
        world.seen["risk"] = risk_map(yaml.safe_dump({"limits": {"maxPosition": text}})) if text else None
        found = limit(world.step())
        assert found is not None
        if text:
            assert found == min(float(own), float(text))
        elif held is not None:
            assert found <= held
        held = found


def test_a_status_that_cannot_be_read_counts_as_none() -> None:
    world = World(changed(BASE, "status", {"phase": "Nonsense"}))
    assert replace(world.observed(), policy={}).status.phase is None
    assert world.step().status.phase is Phase.BASELINE
