"""Which acts are played, and how one is judged."""

from __future__ import annotations

import io
from typing import Any

import pytest

from examples.demo.acts import ACTS, chosen
from examples.demo.desk import replacing
from examples.demo.play import Play, UnfulfilledError, phases_since
from examples.demo.screen import Screen
from localcluster.errors import ClusterError


class NoDesk:
    """A desk whose cluster is gone."""

    def get(self, *words: str) -> Any:
        raise ClusterError("kubectl", "no cluster")


def play() -> Play:
    desk: Any = NoDesk()
    return Play(desk, Screen(io.StringIO()))


def test_every_act_has_a_number_of_its_own_and_comes_after_what_it_needs() -> None:
    numbers = [act.number for act in ACTS]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
    for act in ACTS:
        assert all(numbers.index(need) < numbers.index(act.number) for need in act.needs)


@pytest.mark.parametrize(("asked", "played"), [(3, [3]), (5, [1, 5]), (7, [1])])
def test_one_act_is_played_with_what_it_needs(asked: int, played: list[int]) -> None:
    assert [act.number for act in chosen(asked)] == played


def test_an_act_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ClusterError, match="ACT=9"):
        chosen(9)


def test_an_assertion_that_holds_is_kept_with_its_time() -> None:
    running = play()
    with running.act(1, "one"):
        running.check(True, "it holds", 1.5)
    (record,) = running.records
    assert [(fact.what, fact.seconds) for fact in record.facts] == [("it holds", 1.5)]
    assert not record.failure


def test_an_assertion_that_does_not_hold_fails_the_act_and_is_on_record() -> None:
    running = play()
    with pytest.raises(UnfulfilledError, match="it holds"), running.act(1, "one"):
        running.check(False, "it holds")
    assert "it holds" in running.records[0].failure
    assert running.records[0].facts == []
    assert running.records[0].ended > 0


def test_history_counts_from_the_second_in_which_an_act_began() -> None:
    history = [
        {"at": "2026-01-01T00:00:00Z", "phase": "Canary"},
        {"at": "2026-01-01T00:01:00Z", "phase": "Paper"},
    ]
    assert phases_since({"history": history}, 1767225660.7) == ["Paper"]


def test_a_candidate_is_replaced_as_a_whole_and_none_removes_it() -> None:
    policy = {"spec": {"candidate": {"model": "A", "params": {"x": 1}}}}
    assert replacing(policy, "candidate", {"model": "B"}) == [
        {"op": "replace", "path": "/spec/candidate", "value": {"model": "B"}}
    ]
    assert replacing(policy, "candidate", None) == [{"op": "remove", "path": "/spec/candidate"}]
    assert replacing({"spec": {}}, "candidate", None) == []
