"""A revision whose candidate lacks its weights or secret parameters: the baseline quotes, and alone."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from quoting_policy.domain import Arm, ArmSpec, QuoteLevel, Stage
from quoting_policy.errors import InputError
from quoting_policy.models.content import NOTHING, Contents
from tests.unit.engine.desk import BASELINE, Desk, revision

SECRET = b"halfSpread: 2.0"
HIDDEN = ArmSpec(model="FixedSpread", params={"qty": 2}, params_sha256=sha256(SECRET).hexdigest())
ROTTEN = b"halfSpread: -77.5"


def configured(desk: Desk, contents: Contents, **arms: ArmSpec) -> str:
    desk.digest = desk.engine.configure(
        revision(**arms), **desk.clock, contents=contents, baseline_alone=True
    )
    return desk.digest


def test_a_candidate_quotes_by_its_secret_parameters() -> None:
    desk = Desk()
    configured(desk, Contents([SECRET]), candidate=HIDDEN)
    desk.allow()
    decision = desk.ask()
    assert (decision.arm, decision.bids) == (Arm.CANDIDATE, (QuoteLevel(196, 2),))


@pytest.mark.parametrize("stage", list(Stage))
def test_a_candidate_without_its_content_leaves_the_baseline_alone(stage: Stage) -> None:
    desk = Desk()
    configured(desk, NOTHING, candidate=HIDDEN)
    desk.allow(stage=stage)
    assert {desk.ask().arm for _ in range(20)} == {Arm.BASELINE}
    assert not desk.engine.control.shadowing
    assert desk.engine.control.in_candidate_slot.rule == "no_candidate"
    assert "candidate.paramsFrom" in desk.engine.without_candidate


def test_the_candidate_joins_when_its_content_arrives() -> None:
    desk = Desk()
    configured(desk, NOTHING, candidate=HIDDEN)
    configured(desk, Contents([SECRET]), candidate=HIDDEN)
    desk.allow()
    assert desk.ask().arm is Arm.CANDIDATE
    assert desk.engine.without_candidate == ""


def test_secret_parameters_that_the_model_refuses_leave_the_baseline_alone_and_are_not_told() -> None:
    desk = Desk()
    rotten = msgspec.structs.replace(HIDDEN, params_sha256=sha256(ROTTEN).hexdigest())
    configured(desk, Contents([ROTTEN]), candidate=rotten)
    assert desk.ask().arm is Arm.BASELINE
    assert "candidate.params.halfSpread: (hidden: from a Secret)" in desk.engine.without_candidate
    assert "77.5" not in desk.engine.without_candidate


def test_a_baseline_without_its_content_changes_nothing() -> None:
    desk = Desk()
    before = desk.digest
    with pytest.raises(InputError, match=r"baseline.paramsFrom"):
        configured(desk, NOTHING, baseline=HIDDEN)
    assert desk.engine.control.digest == before
    assert desk.ask().bids


def test_a_replay_never_runs_the_baseline_in_a_candidates_place() -> None:
    with pytest.raises(InputError, match=r"candidate.paramsFrom"):
        Desk().engine.configure(revision(baseline=BASELINE, candidate=HIDDEN), now_ns=0, wall_ns=0)
