"""How long each arm's decisions took, and how many were slow, exact at a block's edge."""

from __future__ import annotations

import itertools

import pytest

from quoting_policy.accounting import LATENCY_BUDGET_NS, LATENCY_EDGES_NS, Counter, Histogram
from quoting_policy.domain import Arm, Stage
from tests.unit.engine.desk import SCRIPTED, Desk, ScriptedModel, raw

BLOCK_S = 60.0


def decided(desk, track):
    tracks = {track.name: track for track in desk.engine.books["X"].ledger.tracks}
    counts = tracks[track].counts
    return counts[Counter.DECISIONS], counts[Counter.SLOW_DECISIONS]


@pytest.fixture
def desk():
    """Both arms take as long as they are told to."""
    desk = Desk(baseline=SCRIPTED, candidate=SCRIPTED)
    takes(desk, 0)
    yield desk
    ScriptedModel.script = None


def takes(desk, elapsed_ns, answer=raw):
    def quote(_state):
        desk.passed_ns += elapsed_ns
        return answer()

    ScriptedModel.script = staticmethod(quote)


@pytest.mark.parametrize(("elapsed_ns", "slow"), [(LATENCY_BUDGET_NS, 0), (LATENCY_BUDGET_NS + 1, 1)])
def test_a_decision_is_slow_beyond_the_budget_and_not_on_it(desk, elapsed_ns, slow):
    takes(desk, elapsed_ns)
    desk.ask()
    assert decided(desk, "baseline") == (1, slow)


def test_the_budget_is_an_edge_of_the_histogram():
    histogram = Histogram()
    for elapsed_ns in (LATENCY_BUDGET_NS, LATENCY_BUDGET_NS + 1):
        histogram.observe(elapsed_ns)
    edge = LATENCY_EDGES_NS.index(LATENCY_BUDGET_NS)
    assert histogram.counts[edge : edge + 2] == [1, 1]
    assert all(low < high for low, high in itertools.pairwise(LATENCY_EDGES_NS))


def test_each_arms_decisions_are_its_own(desk):
    desk.ask()
    desk.allow()
    takes(desk, 1_000_000)
    desk.ask()
    assert decided(desk, "baseline") == (1, 0)
    assert decided(desk, "candidate") == (1, 1)
    assert [desk.engine.latency[arm.value].sum_ns for arm in Arm] == [0, 1_000_000]


def test_a_decision_that_the_baseline_answers_for_the_candidate_is_the_candidates(desk):
    desk.allow()
    takes(desk, 1_000_000, answer=lambda: None)
    assert desk.ask().arm is Arm.BASELINE
    assert (decided(desk, "candidate"), decided(desk, "baseline")) == ((1, 1), (0, 0))


def test_in_shadow_both_shadows_are_timed_each_for_itself(desk):
    desk.allow(Stage.SHADOW)
    takes(desk, 200_000)
    desk.ask()
    assert decided(desk, "shadow_candidate") == (1, 0)
    assert decided(desk, "shadow_baseline") == (1, 0)
    # What the app waited for holds both of them.
    assert decided(desk, "baseline") == (1, 1)
    assert desk.engine.latency["shadow_candidate"].sum_ns == 200_000


def test_sealed_decisions_are_those_before_the_edge(desk):
    desk.allow(exposure=100.0, block_length_s=BLOCK_S, lifetime_s=300.0, washout_s=0.0)
    desk.wait(BLOCK_S - desk.wall_ns * 1e-9 % BLOCK_S - 0.5)
    takes(desk, LATENCY_BUDGET_NS + 1)
    desk.ask()
    takes(desk, 0)
    desk.ask()
    desk.wait(1.0)
    for _ in range(3):
        desk.ask()
    sealed = desk.engine.books["X"].ledger.timeline.sealed.counts["candidate"]
    assert (sealed[Counter.DECISIONS], sealed[Counter.SLOW_DECISIONS]) == (2, 1)
    assert decided(desk, "candidate") == (5, 1)
