"""Exploring: bounded by three stops, inside the clamps, in paper only."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from quoting_policy.domain import ArmSpec, Instrument, Revision
from quoting_policy.engine import Engine
from quoting_policy.errors import InputError
from quoting_policy.paper.desk import Budget
from quoting_policy.paper.evaluate import evaluate
from quoting_policy.paper.exp3 import Exp3
from quoting_policy.paper.exploration import Ledger
from tests.unit.paper.market import DESK, LEARNER, TIGHT, pairing, sessions

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    (session,) = sessions(tmp_path_factory.mktemp("tapes"))
    return evaluate(session, pairing(LEARNER))


def spec(policy):
    return ArmSpec(model=policy.model, params=policy.params)


@pytest.mark.parametrize("field", ["baseline", "candidate"])
def test_an_engine_outside_paper_refuses_an_exploring_arm(field):
    instrument = Instrument(symbol="X", tick_size=Decimal("0.01"), lot_size=Decimal(1))
    arms = {"baseline": spec(TIGHT), field: spec(LEARNER)}
    with pytest.raises(InputError, match=rf"{field}\.model.*exploring is for the paper stage"):
        Engine().configure(Revision(instruments=(instrument,), **arms), now_ns=0, wall_ns=0)


def test_an_exploring_arm_needs_a_budget_and_no_other_may_have_one():
    with pytest.raises(InputError, match="explorationBudget"):
        pairing(LEARNER.model_copy(update={"exploration_budget": None})).check()
    with pytest.raises(InputError, match="does not explore"):
        pairing(TIGHT.model_copy(update={"exploration_budget": Budget(max_loss=1), "name": "B"})).check()
    with pytest.raises(InputError, match="only a candidate explores"):
        pairing(baseline=LEARNER).check()


def test_the_ledger_is_the_sum_of_shortfalls_and_ends_at_its_caps(explored):
    account = explored.arms["BidAskExp3"].exploration
    rows = np.array(account["rows"])
    shortfalls = np.maximum(0.0, rows[:, 4] - rows[:, 3])
    np.testing.assert_allclose(rows[:, 5], np.cumsum(shortfalls))
    assert account["explored"] <= account["most"] == math.floor(account["rounds"] ** (2 / 3))
    last_allowed = rows[:-1, 5]
    assert (last_allowed < account["maxLoss"]).all()


def test_no_window_explores_more_than_its_cap(explored):
    starts = np.array([row[0] for row in explored.arms["BidAskExp3"].exploration["rows"]])
    assert max(((starts >= t) & (starts < t + 10)).sum() for t in starts) <= 4


def test_explored_quotes_stay_within_the_clamps(explored):
    held = np.cumsum(explored.arms["BidAskExp3"].fills[:, 1] * explored.arms["BidAskExp3"].fills[:, 3])
    assert np.abs(held).max() <= DESK.limits["maxPosition"]


def test_draws_are_seeded(explored, tmp_path):
    (session,) = sessions(tmp_path)
    again = evaluate(session, pairing(LEARNER)).arms["BidAskExp3"].exploration
    assert again == explored.arms["BidAskExp3"].exploration


def test_each_stop_ends_exploring():
    loss = Ledger(Budget(max_loss=1.0), rounds=1000)
    assert loss.may_explore(0)
    loss.settle(baseline=2.0, explored=0.5)
    assert not loss.may_explore(SECOND)
    assert loss.stopped == "loss"
    count = Ledger(Budget(max_loss=1.0, window_rounds=1000), rounds=27)
    assert [count.may_explore(k * SECOND) for k in range(12)] == [True] * 9 + [False] * 3
    assert count.stopped == "count"


def test_the_window_only_pauses():
    ledger = Ledger(Budget(max_loss=1.0, window_s=10, window_rounds=2), rounds=1000)
    assert [ledger.may_explore(k * SECOND) for k in (0, 1, 2, 9, 10, 11)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert ledger.stopped == ""


def test_gains_do_not_pay_for_losses():
    ledger = Ledger(Budget(max_loss=1.0), rounds=1000)
    ledger.settle(baseline=0.0, explored=100.0)
    ledger.settle(baseline=0.7, explored=0.0)
    assert ledger.loss == 0.7


def test_exp3_finds_the_price_that_pays():
    random, learner = np.random.default_rng(3), Exp3(5, rounds=4000)
    pay = np.array([0.1, 0.2, 0.8, 0.3, 0.0])
    for _ in range(4000):
        learner.learn(float(random.random() < pay[learner.draw(random.random())]))
    assert int(np.argmax(learner.probabilities())) == 2
    assert learner.probabilities()[2] > 0.5
    assert learner.probabilities().sum() == pytest.approx(1)
