"""The way of a candidate from shadow to live, and the ways back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from quoting_operator.api.metadata import Truth
from quoting_operator.api.status import EffectiveArm, Phase, ProofState, RollbackReason, RolloutStage
from quoting_operator.rollout.decision import CreateOnce, Decision, GrantAuthority, RevokeAuthority
from tests.resources import IMPLEMENTATION, Json, changed
from tests.unit.rollout.world import PODS, WITH_CANDIDATE, World, steadily


def in_shadow(policy: Json = WITH_CANDIDATE, **seen: Any) -> World:
    """A world whose candidate has passed paper, its clamps proven."""
    world = in_paper(policy, **seen)
    world.replayed()
    world.until(lambda d: d.status.stage is RolloutStage.SHADOW, "in shadow", seconds=1)
    world.measure = steadily(1.0)
    return world


def in_paper(policy: Json = WITH_CANDIDATE, **seen: Any) -> World:
    """A world whose candidate is being replayed."""
    world = World(policy, pods=PODS, **({"paper_image": "quoting-paper"} | seen))
    world.step()
    world.step()
    return world


def in_canary(policy: Json = WITH_CANDIDATE, **seen: Any) -> World:
    world = in_shadow(policy, **seen)
    world.until(rehearsed, "rehearsed", seconds=1)
    world.until(lambda d: d.status.phase is Phase.CANARY, "in canary", seconds=60)
    world.step()
    return world


def failed(decision: Decision) -> bool:
    return decision.status.rehearsal is not None and decision.status.rehearsal.state is ProofState.FAILED


def rehearsed(decision: Decision) -> bool:
    return decision.status.rehearsal is not None and decision.status.rehearsal.state is ProofState.PASSED


def in_live() -> World:
    world = in_canary(changed(WITH_CANDIDATE, "spec.rollout.canary.steps.1", {"exposure": 20}))
    world.until(lambda d: d.status.phase is Phase.LIVE, "live", seconds=200)
    world.step()
    return world


def exposure(world: World) -> float:
    assert world.lease is not None
    return float(world.lease["metadata"]["annotations"]["quoting.dev/exposure-percent"])


def condition(decision: Decision, kind: str) -> tuple[Truth, str]:
    found = next(c for c in decision.status.conditions if c.type == kind)
    return found.status, found.message


def creations(decision: Decision) -> list[CreateOnce]:
    return [action for action in decision.actions if isinstance(action, CreateOnce)]


def grants(decision: Decision) -> list[GrantAuthority]:
    return [action for action in decision.actions if isinstance(action, GrantAuthority)]


def test_a_good_candidate_goes_all_the_way_and_each_stage_is_on_record() -> None:
    world = in_live()
    assert exposure(world) == 95
    decision = world.step()
    assert decision.status.effective.arm is EffectiveArm.CANDIDATE  # type: ignore[union-attr]  # it is there
    assert decision.status.effective.exposure_percent == 95  # type: ignore[union-attr]  # it is there
    phases = [entry.phase for entry in decision.status.history]
    assert phases == [Phase.PAPER, Phase.SHADOW, Phase.CANARY, Phase.LIVE]
    assert len(decision.status.proven) == 1


def test_paper_is_a_job_that_is_made_once_and_only_after_the_attempt_is_on_record() -> None:
    world = World(WITH_CANDIDATE, pods=PODS, paper_image="quoting-paper")
    assert creations(world.step()) == []
    world.step()
    assert sorted(kind for kind, _ in world.created) == ["ConfigMap", "ConfigMap", "Job", "Job"]
    world.replayed()
    world.step()
    assert creations(world.step()) == []


def test_a_candidate_that_is_worse_on_paper_never_sees_the_market() -> None:
    world = in_paper()
    world.replayed(-1.0)
    decision = world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "rolled back", seconds=1)
    assert decision.status.rollback.stage is RolloutStage.PAPER  # type: ignore[union-attr]  # it is there
    assert world.lease is None


def test_paper_without_a_session_expires() -> None:
    world = in_paper()
    world.replayed(failed=(3,))
    decision = world.until(lambda d: d.status.phase is Phase.EXPIRED, "expired", seconds=1)
    assert "session 3: exit status 1: Killed" in decision.status.message
    assert decision.status.paper.failed == 1  # type: ignore[union-attr]  # it is there


def test_without_an_image_nothing_is_replayed_and_the_message_says_so() -> None:
    world = in_paper(paper_image="")
    assert world.created == {}
    assert "started without --paper-image" in world.step().status.message


def test_the_contract_holds_paper_until_its_artifacts_are_fixed() -> None:
    bare = changed(IMPLEMENTATION, "metadata.generation", 1)
    policy = changed(WITH_CANDIDATE, "spec.implementationRef", {"name": "latency-inventory-mm-v1"})
    world = in_paper(policy, implementation=bare)
    world.replayed()
    for _ in range(5):
        decision = world.step()
    assert decision.status.stage is RolloutStage.PAPER
    assert "policy-module is NotMet: policies/latency.py has no sha256" in decision.status.message
    states = {c["name"]: c["state"] for c in world.seen["implementation"]["status"]["exitCriteria"]}
    assert states == {"paper-stability": "Met", "clamps-proven": "Met", "rollback-rehearsed": "Unknown"}
    world.seen["implementation"] = changed(world.seen["implementation"], "spec.artifacts.0.sha256", "a" * 64)
    world.until(lambda d: d.status.stage is RolloutStage.SHADOW, "in shadow", seconds=1)


def test_a_missing_contract_holds_and_names_it() -> None:
    world = in_paper(changed(WITH_CANDIDATE, "spec.implementationRef", {"name": "nowhere"}))
    world.replayed()
    world.step()
    assert "ImplementationSpec nowhere does not exist" in world.step().status.message


def test_shadow_gives_no_exposure_and_rehearses_a_rollback_before_it_is_left() -> None:
    world = in_shadow()
    world.step()
    assert exposure(world) == 0
    decision = world.until(lambda d: d.status.rehearsal is not None, "rehearsing", seconds=1)
    assert decision.status.rehearsal.pods == ("trader-0", "trader-1")  # type: ignore[union-attr]  # it is there
    decision = world.until(rehearsed, "rehearsed", seconds=1)
    assert "2 pod(s) fell back, authority gone" in decision.status.rehearsal.message  # type: ignore[union-attr]  # it is there
    assert decision.status.rollback is None
    world.step()
    assert exposure(world) == 0


def test_a_rehearsal_that_a_pod_does_not_hear_fails_and_holds_the_rollout() -> None:
    world = in_shadow()
    world.deaf = {"trader-1"}
    decision = world.until(failed, "failed", seconds=1)
    assert "no report from trader-1" in decision.status.rehearsal.message  # type: ignore[union-attr]  # it is there
    world.deaf = set()
    world.step(1)
    assert world.lease is not None
    assert "quoting.dev/drill" not in world.lease["metadata"]["annotations"]
    decision = world.until(rehearsed, "repeated", seconds=1)
    assert decision.status.phase is Phase.SHADOW


def test_a_proof_of_the_clamps_that_comes_after_paper_still_counts() -> None:
    world = in_paper()
    world.replayed()
    jobs = world.seen["jobs"]
    world.seen["jobs"] = [
        job if "completionMode" in job["spec"] else changed(job, "status", {}) for job in jobs
    ]
    pods = world.seen["job_pods"]
    world.seen["job_pods"] = [pod for pod in pods if "clamps" not in pod["metadata"]["name"]]
    decision = world.until(lambda d: d.status.stage is RolloutStage.SHADOW, "in shadow", seconds=1)
    assert decision.status.conformance is not None
    assert decision.status.conformance.state is ProofState.RUNNING
    world.seen |= {"jobs": jobs, "job_pods": pods}
    decision = world.step()
    assert decision.status.conformance is not None
    assert decision.status.conformance.state is ProofState.PASSED


def test_without_proven_clamps_nothing_leaves_shadow() -> None:
    world = in_paper()
    world.replayed(clamps_hold=False)
    world.measure = steadily(1.0)
    world.until(rehearsed, "rehearsed", seconds=1)
    for _ in range(60):
        decision = world.step(60)
        assert decision.status.stage is RolloutStage.SHADOW
    assert "clamps-proven is NotMet: violated: max_position" in decision.status.message


def test_exposure_grows_step_by_step_with_evidence_of_its_own() -> None:
    world = in_canary()
    assert exposure(world) == 5
    decision = world.until(lambda d: d.status.step == 1, "at step 2", seconds=200)
    assert decision.status.gates == ()
    world.step()
    assert exposure(world) == 20


def test_a_step_that_waits_for_a_person_waits_for_this_very_digest() -> None:
    world = in_canary()
    world.until(lambda d: d.status.step == 1, "at step 2", seconds=200)
    decision = world.until(lambda d: "consent to leave step 2" in d.status.message, "waiting", seconds=200)
    refused = world.command("promote", digest="0" * 64, reason="looks good")
    answer = next(c for c in refused.status.commands if c.verb == "promote")
    assert not answer.done
    assert answer.message == f"the candidate at hand is {world.digest[:12]}, not {'0' * 12}"
    assert decision.status.step == 1
    world.command("promote", digest=world.digest, reason="looks good")
    decision = world.until(lambda d: d.status.step == 2, "at step 3")
    assert [(a.step, a.by, a.reason) for a in decision.status.approvals] == [(1, "ann", "looks good")]


def test_a_timed_pause_counts_from_the_evidence() -> None:
    steps = [{"exposure": 5, "pause": {"duration": "2h"}}, {"exposure": 50}]
    world = in_canary(changed(WITH_CANDIDATE, "spec.rollout.canary.steps", steps))
    decision = world.until(lambda d: "pause until" in d.status.message, "pausing", seconds=200)
    passed = decision.status.step_passed_at
    decision = world.until(lambda d: d.status.step == 1, "at step 2", seconds=200)
    assert passed is not None
    assert world.now >= passed + timedelta(hours=2)


def test_a_worse_candidate_is_rolled_back_by_a_gate_and_quarantined() -> None:
    world = in_canary()
    world.measure = steadily(-2.0)
    decision = world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "rolled back", seconds=200)
    assert decision.status.rollback.reason is RollbackReason.GATE_FAILED  # type: ignore[union-attr]  # it is there
    assert RevokeAuthority() in decision.actions
    assert [q.digest for q in decision.status.quarantined] == [world.digest]
    assert condition(decision, "Diverged")[0] is Truth.TRUE
    assert decision.status.effective.arm is EffectiveArm.BASELINE  # type: ignore[union-attr]  # it is there
    after = world.step()
    assert (after.actions, world.lease) == ((), None)


def test_a_breach_revokes_in_the_same_pass_and_once() -> None:
    world = in_canary()
    world.breach()
    decision = world.step()
    assert RevokeAuthority() in decision.actions
    assert grants(decision) == []
    assert decision.status.phase is Phase.ROLLED_BACK
    assert decision.status.message == "Breach: max_loss in pod trader-0; the baseline quotes"
    writes = world.writes
    assert world.step().actions == ()
    assert world.writes == writes


def test_a_breach_of_another_digest_or_of_a_rehearsal_rolls_nothing_back() -> None:
    world = in_canary()
    world.breach(digest="0" * 64)
    world.breach(rehearsal="old")
    assert world.step().status.phase is Phase.CANARY


def test_a_live_candidate_is_guarded_for_ever() -> None:
    world = in_live()
    world.until(lambda d: d.status.gates != () and d.status.gates[0].blocks > 50, "measured", seconds=200)
    world.measure = steadily(-3.0)
    decision = world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "rolled back", seconds=200)
    assert decision.status.rollback.stage is RolloutStage.LIVE  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("begin", [in_canary, in_live])
def test_a_candidate_nobody_can_measure_goes_back_but_is_not_quarantined(begin: Any) -> None:
    world = begin()
    world.measure = None
    decision = world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "blind", seconds=60)
    assert decision.status.rollback.reason is RollbackReason.BLIND  # type: ignore[union-attr]  # it is there
    assert decision.status.quarantined == ()
    assert world.step().actions == ()
    again = world.command("retry", digest=world.digest, reason="Prometheus is back")
    assert (again.status.phase, again.status.attempt) == (Phase.PAPER, 2)


def test_blocks_without_the_candidate_are_no_evidence_and_lead_to_blindness() -> None:
    world = in_canary()
    world.measure = lambda _gate, _block: None
    decision = world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "blind", seconds=60)
    assert decision.status.rollback.reason is RollbackReason.BLIND  # type: ignore[union-attr]  # it is there


def test_a_kill_revokes_and_after_it_the_stage_goes_on_with_new_blocks() -> None:
    world = in_canary()
    world.until(lambda d: d.status.gates != () and d.status.gates[0].blocks >= 3, "measured", seconds=200)
    before = world.policy["status"]["gates"]
    decision = world.edit("spec.killSwitch", {"engaged": True, "action": "Baseline", "reason": "news"})
    assert RevokeAuthority() in decision.actions
    decision = world.step()
    assert (decision.status.phase, decision.status.blocks) == (Phase.KILLED, None)
    world.edit("spec.killSwitch", {"engaged": False})
    decision = world.step()
    assert decision.status.phase is Phase.CANARY
    assert decision.status.blocks.next > world.now.timestamp() // 600  # type: ignore[union-attr]  # it is there
    assert [g.blocks for g in decision.status.gates] == [g["blocks"] for g in before]


def test_fencing_only_ever_rises() -> None:
    world = in_canary()
    seen = [world.lease["spec"]["leaseTransitions"]]  # type: ignore[index]  # it is there
    for engaged in (True, False, True, False):
        world.edit("spec.killSwitch", {"engaged": engaged, "action": "Baseline", "reason": "drill"})
        world.step()
        if world.lease is not None:
            seen.append(world.lease["spec"]["leaseTransitions"])
    assert seen == sorted(set(seen))


def test_after_a_long_absence_of_the_operator_nothing_is_rolled_back_and_blocks_begin_anew() -> None:
    world = in_canary()
    world.until(lambda d: d.status.gates != () and d.status.gates[0].blocks >= 3, "measured", seconds=200)
    before = world.step()
    world.now += timedelta(hours=5)
    back = world.step()
    assert back.status.phase is Phase.CANARY
    assert len(grants(back)) == 1
    assert back.status.blocks is None
    after = world.step()
    assert after.status.blocks.next > world.now.timestamp() // 600  # type: ignore[union-attr]  # it is there
    assert [g.blocks for g in after.status.gates] == [g.blocks for g in before.status.gates]


def test_the_lease_is_renewed_by_a_third_of_its_life_and_not_sooner() -> None:
    world = in_canary()
    world.longest = timedelta(0)
    world.step()
    stamp = world.lease["spec"]["renewTime"]  # type: ignore[index]  # it is there
    assert grants(world.step(2)) == []
    assert grants(world.step(3)) == []
    renewed = world.step()
    assert len(grants(renewed)) == 1
    assert world.lease["spec"]["renewTime"] > stamp  # type: ignore[index]  # it is there


def test_a_clock_that_was_set_back_renews_at_once() -> None:
    world = in_canary()
    world.now -= timedelta(hours=1)
    assert len(grants(world.step())) == 1


def test_a_deadline_expires_and_never_promotes() -> None:
    world = in_shadow(changed(WITH_CANDIDATE, "spec.rollout.shadow", {"deadline": "1h", "minBlocks": 20}))
    world.measure = steadily(0.0, wobble=5.0)
    decision = world.until(lambda d: d.status.phase is Phase.EXPIRED, "expired", seconds=60)
    assert RevokeAuthority() in decision.actions
    assert "the deadline of Shadow passed" in decision.status.message
    for _ in range(50):
        assert world.step(200).status.phase is Phase.EXPIRED


def test_pausing_holds_but_guards() -> None:
    world = in_canary()
    world.command("pause", reason="payrolls at 14:30")
    for _ in range(100):
        decision = world.step(200)
        assert (decision.status.phase, decision.status.step) == (Phase.PAUSED, 0)
    assert "paused by ann: payrolls at 14:30" in decision.status.message
    assert exposure(world) == 5
    world.measure = steadily(-3.0)
    world.until(lambda d: d.status.phase is Phase.ROLLED_BACK, "rolled back", seconds=200)


def test_resuming_goes_on() -> None:
    world = in_canary()
    world.command("pause", reason="lunch")
    world.command("resume")
    world.until(lambda d: d.status.step == 1, "at step 2", seconds=200)


def test_a_freeze_holds_and_its_reason_is_told() -> None:
    window = {
        "name": "payrolls",
        "type": "Freeze",
        "between": {"start": "2026-11-21T09:05:00Z", "end": "2026-11-22T00:00:00Z"},
        "reason": "non-farm payrolls",
    }
    world = in_shadow(changed(WITH_CANDIDATE, "spec.windows", [window]))
    world.until(rehearsed, "rehearsed", seconds=1)
    for _ in range(60):
        decision = world.step(200)
        assert decision.status.stage is RolloutStage.SHADOW
    assert "freeze payrolls: non-farm payrolls" in decision.status.message
    world.until(lambda d: d.status.phase is Phase.CANARY, "after the freeze", seconds=200)


def test_an_abort_names_the_digest_and_who_and_why() -> None:
    world = in_canary()
    decision = world.command("abort", digest=world.digest, reason="inventory looks odd")
    assert decision.status.phase is Phase.ROLLED_BACK
    assert decision.status.message.startswith("Aborted: aborted by ann: inventory looks odd")
    assert world.lease is None


def test_an_abort_of_another_digest_changes_nothing() -> None:
    world = in_canary()
    decision = world.command("abort", digest="0" * 64, reason="wrong window")
    assert decision.status.phase is Phase.CANARY


def test_a_quarantined_digest_begins_again_only_by_name_and_old_breaches_do_not_count() -> None:
    world = in_canary()
    world.breach()
    world.step()
    digest = world.digest
    retried = world.command("retry", digest=digest, reason="again")
    assert "quarantined" in next(c for c in retried.status.commands if c.verb == "retry").message
    decision = world.command("unquarantine", digest=digest, reason="the breach was a feed fault")
    assert (decision.status.phase, decision.status.attempt) == (Phase.PAPER, 2)
    assert [(r.digest, r.by) for r in decision.status.released] == [(digest, "ann")]
    for _ in range(5):
        assert world.step().status.phase is Phase.PAPER
    world.policy["status"]["stage"] = "Canary"
    world.breach()
    assert world.step().status.phase is Phase.ROLLED_BACK


def test_each_command_is_carried_out_once() -> None:
    world = in_canary()
    world.command("pause", reason="once")
    world.policy["status"]["paused"] = None
    del world.policy["status"]["paused"]
    assert world.step().status.paused is None


def test_gates_edited_on_the_way_wait_for_the_next_attempt() -> None:
    world = in_canary()
    decision = world.edit("spec.gates.0.alpha", 0.2)
    assert condition(decision, "PlanChanged")[0] is Truth.TRUE
    assert decision.status.plan.gates[0].get("alpha") is None  # type: ignore[union-attr]  # it is there


def test_a_new_candidate_in_canary_takes_authority_from_the_old_one() -> None:
    world = in_canary()
    decision = world.edit("spec.candidate.params.halfSpread", 3)
    assert RevokeAuthority() in decision.actions
    assert (decision.status.phase, decision.status.attempt) == (Phase.PAPER, 2)
    assert decision.status.gates == ()


def test_a_live_candidate_is_not_dropped_by_an_edit() -> None:
    world = in_live()
    decision = world.edit("spec.candidate.params.halfSpread", 3)
    assert decision.status.phase is Phase.INVALID
    assert "adopt it first" in decision.status.message
    assert exposure(world) == 95


def test_a_live_candidate_is_adopted_and_the_market_sees_no_change() -> None:
    world = in_live()
    live = world.policy["spec"]["candidate"]
    world.policy = changed(world.policy, "spec.candidate", None)
    decision = world.edit("spec.baseline", live)
    assert decision.status.phase is Phase.BASELINE
    assert condition(decision, "BaselineUnproven")[0] is Truth.FALSE
    assert world.lease is None


def test_removing_a_live_candidate_goes_back_to_the_baseline() -> None:
    world = in_live()
    decision = world.edit("spec.candidate", None)
    assert decision.status.phase is Phase.BASELINE
    assert world.lease is None
    assert decision.status.stage is None


def test_without_a_gate_that_can_pass_nothing_begins() -> None:
    gates = [{"name": "harm", "metric": "pnl", "kind": "deterioration"}]
    decision = World(changed(WITH_CANDIDATE, "spec.gates", gates)).step()
    assert decision.status.phase is Phase.INVALID
    assert "with a gate of stage paper that can pass" in decision.status.message


def test_a_second_pass_over_an_unchanged_world_writes_nothing() -> None:
    world = in_canary()
    world.step(0)
    writes = world.writes
    for _ in range(10):
        world.step(0)
    assert world.writes == writes
