"""A model that never comes to an end is interrupted, and the baseline answers the same request."""

from __future__ import annotations

import signal
import time

import pytest

from quoting_policy.domain import Arm, Authority, Kill, KillAction, Stage
from quoting_policy.engine import Engine
from tests.unit.engine.desk import SCRIPTED, STATE, ScriptedModel, prices, revision


def loop_for_ever(_state):
    while True:
        pass


@pytest.fixture
def engine():
    ScriptedModel.script = staticmethod(loop_for_ever)
    engine = Engine()
    before = signal.signal(signal.SIGVTALRM, lambda *_: engine.interrupt())
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.01, 0.01)
    now, wall = time.monotonic_ns(), time.time_ns()
    digest = engine.configure(revision(candidate=SCRIPTED), now_ns=now, wall_ns=wall)
    engine.engage(Kill(action=KillAction.NONE), now_ns=now)
    authority = Authority(digest=digest, stage=Stage.LIVE, exposure_percent=100, lifetime_s=300)
    engine.authorise(authority, seen_ns=now, now_ns=now, wall_ns=wall)
    yield engine
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)
    ScriptedModel.script = None


def test_an_endless_candidate_is_answered_for_in_the_same_request(engine):
    now = time.monotonic_ns()
    decision = engine.decide("X", STATE, now_ns=now, wall_ns=time.time_ns(), data_ns=now)
    assert (decision.arm, prices(decision)) == (Arm.BASELINE, ([198], [202]))
    assert decision.breaches == ("time_budget",)


def test_an_engine_that_is_not_deciding_is_left_alone(engine):
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        pass
    assert engine.control.breaches == {}
