"""What the agent tells its engine, from what it has seen."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from quoting_operator.agent.source import Pulse
from quoting_operator.agent.state import GONE, Known, frozen_of
from quoting_operator.api import lease as leases
from quoting_operator.rollout.decide import decide
from quoting_operator.rollout.decision import StoreRevision
from quoting_operator.rollout.observed import observed
from quoting_policy.domain import ArmSpec, Frozen, Instrument, KillAction, Revision, Stage
from quoting_policy.errors import InputError
from quoting_policy.models.content import Contents
from quoting_policy.protocol.control import Authorise, Configure, Drill, Engage, Release, Revoke, Tighten
from tests.resources import KILL_SWITCH, POLICY, Json, changed

META = {"name": "btc", "namespace": "desk", "uid": "u1"}
POLICY_HERE = changed(POLICY, "metadata", META)
LIMITS = {"effectiveLimits": {"limits": {"maxPosition": "4"}}}
LEASE: Json = {
    "metadata": {
        "name": "btc",
        "annotations": {
            leases.DIGEST: "d" * 64,
            leases.STAGE: "Canary",
            leases.EXPOSURE: "20",
            leases.BLOCK: "600",
            leases.WASHOUT: "5",
        },
    },
    "spec": {"leaseTransitions": 3, "leaseDurationSeconds": 15, "renewTime": "2026-11-21T09:00:00.000000Z"},
}
RENEWED = changed(LEASE, "spec.renewTime", "2026-11-21T09:00:05.000000Z")


def knowing(policy: Json | None = POLICY_HERE, *switches: Json) -> Known:
    known = Known()
    known.saw_policy(policy)
    known.switches = {switch["metadata"]["name"]: switch for switch in switches}
    return known


def actions(known: Known) -> list[KillAction]:
    return [said.kill.action for said in known.changes() if isinstance(said, Engage)]


def test_no_kill_state_is_told_before_policy_and_switches_have_been_listed() -> None:
    known = Known()
    assert known.changes() == []
    known.saw_policy(POLICY_HERE)
    assert known.changes() == []
    known.switches = {}
    assert actions(known) == [KillAction.NONE]


def test_a_policy_that_never_existed_leaves_the_engine_untold() -> None:
    known = knowing(None)
    assert known.changes() == []
    assert "does not exist" in known.problems["policy"]


def test_a_policy_that_is_deleted_leaves_the_baseline() -> None:
    known = knowing()
    known.changes()
    known.saw_policy(None)
    assert known.changes() == [Engage(GONE)]


def test_kill_state_is_told_once_a_change() -> None:
    known = knowing(POLICY_HERE, KILL_SWITCH)
    assert actions(known) == [KillAction.HALT]
    assert known.changes() == []
    known.switches = {}
    assert actions(known) == [KillAction.NONE]


def test_limits_of_status_are_told_and_kept_when_they_go() -> None:
    known = knowing(changed(POLICY_HERE, "status", LIMITS))
    assert [s.limits.max_position for s in known.changes() if isinstance(s, Tighten) and s.limits] == [4.0]
    known.saw_policy(POLICY_HERE)
    assert known.changes() == []


def test_limits_that_cannot_be_read_change_nothing_and_are_a_problem() -> None:
    broken = {"effectiveLimits": {"limits": {"maxPosition": "all"}}}
    known = knowing(changed(POLICY_HERE, "status", broken))
    assert not any(isinstance(said, Tighten) for said in known.changes())
    assert "effectiveLimits" in known.problems["limits"]


@pytest.fixture
def stored() -> Json:
    """A ControllerRevision as the operator stores it."""
    decision = decide(observed(POLICY_HERE), datetime(2026, 11, 21, tzinfo=UTC))
    revision = next(a.revision for a in decision.actions if isinstance(a, StoreRevision))
    return revision.manifest(POLICY_HERE)


def test_the_pinned_revision_is_what_the_engine_is_told_to_run(stored: Json) -> None:
    known = knowing()
    said = known.configured(frozen_of(stored))
    assert isinstance(said, Configure)
    assert said.frozen.digest == stored["metadata"]["annotations"]["quoting.dev/digest"]
    assert known.configured(frozen_of(stored)) is None


@pytest.mark.parametrize("path", ["data.digest", "data.revision.limits.max_position", "data.revision"])
def test_an_altered_revision_is_refused(stored: Json, path: str) -> None:
    with pytest.raises(InputError, match="as the operator stored it"):
        frozen_of(changed(stored, path, 1e9))


def test_a_revision_is_told_again_when_its_content_arrives() -> None:
    known, content = knowing(), b"qty: 3"
    arm = ArmSpec(model="FixedSpread", params={"halfSpread": 5}, params_sha256=sha256(content).hexdigest())
    instrument = Instrument(symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal(1))
    frozen = Frozen.of(Revision(baseline=arm, instruments=(instrument,)))
    assert known.configured(frozen, Contents([b"another"])) == Configure(frozen)
    assert known.configured(frozen, Contents([b"a third"])) is None
    assert known.configured(frozen, Contents([content, b"another"])) == Configure(frozen, (content,))
    assert "qty: 3" not in repr(known)


def test_a_lease_gives_authority_when_it_is_seen_renewed() -> None:
    known = knowing()
    assert known.saw_lease(LEASE, 1, live=False) == []
    said, *_ = known.saw_lease(RENEWED, 7, live=True)
    assert isinstance(said, Authorise)
    assert (said.seen_ns, said.authority.stage, said.authority.fencing) == (7, Stage.CANARY, 3)
    assert (said.authority.exposure_percent, said.authority.lifetime_s) == (20.0, 15.0)


def test_a_lease_that_is_only_listed_gives_none_however_often() -> None:
    known = knowing()
    said = [known.saw_lease(lease, n, live=False) for n, lease in enumerate((LEASE, RENEWED, LEASE))]
    assert said == [[], [], []]


def test_a_change_that_is_no_renewal_gives_none() -> None:
    known = knowing()
    known.saw_lease(LEASE, 1, live=False)
    assert known.saw_lease(changed(LEASE, "metadata.labels", {"a": "b"}), 2, live=True) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.leaseDurationSeconds", 0),
        ("spec.leaseTransitions", "many"),
        ("metadata.annotations", {}),
        ("metadata.annotations", {**LEASE["metadata"]["annotations"], leases.STAGE: "Moon"}),
        ("metadata.annotations", {**LEASE["metadata"]["annotations"], leases.EXPOSURE: "nan"}),
    ],
)
def test_a_renewal_that_cannot_be_read_revokes(path: str, value: Any) -> None:
    known = knowing()
    known.saw_lease(LEASE, 1, live=False)
    assert known.saw_lease(changed(RENEWED, path, value), 2, live=True) == [Revoke()]
    assert "lease" in known.problems


def test_a_lease_that_goes_revokes() -> None:
    assert knowing().saw_lease(None, 1, live=True) == [Revoke()]


def drilled(lease: Json, rehearsal: str, stamp: str) -> Json:
    annotated = changed(
        lease, "metadata.annotations", {**lease["metadata"]["annotations"], leases.DRILL: rehearsal}
    )
    return changed(annotated, "spec.renewTime", stamp)


def test_each_rehearsal_is_carried_out_once() -> None:
    known = knowing()
    known.saw_lease(LEASE, 1, live=False)
    said = [known.saw_lease(drilled(LEASE, "1-2", f"2026-11-21T10:00:0{n}Z"), n, live=True) for n in (1, 2)]
    assert [type(each) for each in said[0]] == [Authorise, Drill]
    assert [type(each) for each in said[1]] == [Authorise]


def test_a_grant_without_a_rehearsal_ends_the_latch_of_any() -> None:
    known = knowing()
    known.saw_lease(LEASE, 1, live=False)
    _, release = known.saw_lease(RENEWED, 2, live=True)
    assert isinstance(release, Release)
    assert (release.digest, release.drill_only) == (LEASE["metadata"]["annotations"][leases.DIGEST], True)
    again = known.saw_lease(changed(RENEWED, "spec.renewTime", "2026-11-21T11:00:00Z"), 3, live=True)
    assert [type(each) for each in again] == [Authorise]


def test_a_digest_that_somebody_let_go_of_is_released_up_to_that_moment() -> None:
    known = knowing()
    released = [{"digest": "d" * 64, "by": "risk", "reason": "bug fixed", "at": "2026-11-21T10:00:00Z"}]
    known.saw_policy(changed(known.policy or {}, "status.released", released))
    (release,) = [each for each in known.changes() if isinstance(each, Release)]
    assert release.before_ns == 1_795_255_200_000_000_000
    assert (release.digest, release.reason, release.bounded) == ("d" * 64, "risk: bug fixed", True)
    assert known.changes() == []


def test_a_loop_that_was_stopped_is_noticed_in_either_order() -> None:
    clock = [0.0]
    pulse = Pulse(lambda: clock[0])
    clock[0] = 1.0
    pulse.turn()
    before = pulse.stalls
    assert not pulse.stalled_since(before)
    clock[0] = 9.0
    assert pulse.stalled_since(before)  # the socket was read first
    pulse.turn()
    assert pulse.stalled_since(before)  # the loop's own timer came first
    assert not pulse.stalled_since(pulse.stalls)
