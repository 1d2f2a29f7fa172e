"""Objects as last seen: the newest version wins, whatever the order, and only news is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoting_operator.handlers.collection import (
    Breaches,
    Collection,
    Leases,
    Policies,
    PolicyKey,
    labelled,
    version_of,
)

Json = dict[str, Any]
BTC = PolicyKey("desk", "btc")


def item(version: int, name: str = "btc", namespace: str = "desk", owner: str = "btc", **rest: Any) -> Json:
    metadata = {
        "name": name,
        "namespace": namespace,
        "resourceVersion": str(version),
        "labels": {"of": owner},
    }
    return {"metadata": metadata, **rest}


class Told(list[tuple[int, ...]]):
    """Versions of what was told."""

    def __call__(self, versions: tuple[Json, ...]) -> None:
        self.append(tuple(version_of(one) for one in versions))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def kept(told: Told) -> Collection:
    return Collection(told, labelled("of"))


def test_what_is_new_or_differs_is_told(kept: Collection, told: Told) -> None:
    kept.saw(item(1, data=1))
    kept.saw(item(2, data=2))
    assert told == [(1,), (1, 2)]


def test_a_new_version_with_the_same_content_is_kept_and_not_told(kept: Collection, told: Told) -> None:
    kept.saw(item(1))
    kept.saw(item(2))
    assert told == [(1,)]
    assert kept.of(BTC) == (item(2),)


def test_an_older_version_changes_nothing(kept: Collection, told: Told) -> None:
    kept.saw(item(5, data=5))
    kept.saw(item(4, data=4))
    kept.lost(item(3))
    assert kept.get("desk", "btc") == item(5, data=5)
    assert told == [(5,)]


def test_what_was_deleted_is_told_and_gone(kept: Collection, told: Told) -> None:
    kept.saw(item(1))
    kept.lost(item(2))
    assert (kept.all(), kept.of(BTC), told) == ((), (), [(1,), (1,)])


def test_what_we_wrote_is_known_at_once_and_its_echo_is_no_news(kept: Collection, told: Told) -> None:
    kept.answered(item(3, data=3))
    assert kept.of(BTC) == (item(3, data=3),)
    kept.saw(item(3, data=3))
    assert told == []


def test_what_was_deleted_before_the_answer_came_does_not_come_back(kept: Collection) -> None:
    kept.saw(item(3))
    kept.lost(item(4))
    kept.answered(item(3))
    assert kept.all() == ()


def test_what_we_deleted_is_gone_at_once_and_its_echo_is_no_news(kept: Collection, told: Told) -> None:
    kept.saw(item(3))
    kept.deleted(item(3))
    assert kept.all() == ()
    kept.saw(item(2))
    kept.lost(item(4))
    assert (kept.all(), told) == ((), [(3,)])
    kept.saw(item(5))
    assert kept.all() == (item(5),)


def test_what_was_made_anew_since_we_deleted_it_stays(kept: Collection) -> None:
    kept.saw(item(3))
    kept.lost(item(4))
    kept.saw(item(5))
    kept.deleted(item(3))
    assert kept.all() == (item(5),)


def test_a_new_list_tells_what_was_deleted_while_nothing_was_heard(kept: Collection, told: Told) -> None:
    for version, name in ((1, "gone"), (2, "stays"), (3, "changed")):
        kept.saw(item(version, name))
    told.clear()
    kept.listed([item(2, "stays"), item(9, "changed", data=1), item(8, "new")], "10", None)
    assert sorted(told) == [(1,), (3, 9), (8,)]
    assert {one["metadata"]["name"] for one in kept.all()} == {"stays", "changed", "new"}


def test_a_list_does_not_take_away_what_is_newer_than_it(kept: Collection) -> None:
    kept.answered(item(11))
    kept.listed([], "10", None)
    assert kept.of(BTC) == (item(11),)


def test_the_list_of_a_namespace_says_nothing_about_another(kept: Collection) -> None:
    kept.saw(item(1, namespace="here"))
    kept.saw(item(2, namespace="there"))
    kept.listed([], "10", "here")
    assert kept.all() == (item(2, namespace="there"),)


def test_an_object_that_changes_owner_leaves_the_old_one(kept: Collection, told: Told) -> None:
    kept.saw(item(1, owner="btc"))
    kept.saw(item(2, owner="eth"))
    assert kept.of(BTC) == ()
    assert kept.of(PolicyKey("desk", "eth")) == (item(2, owner="eth"),)
    assert told[-1] == (1, 2)


@dataclass
class Server:
    """What happened to objects, in order: the version is the place in the order."""

    history: list[tuple[str, bool]]

    def at(self, version: int) -> list[Json]:
        """What there was at a version."""
        last = {name: (v, there) for v, (name, there) in enumerate(self.history[:version], 1)}
        return [item(v, name) for name, (v, there) in last.items() if there]


@given(st.data())
def test_what_is_known_ends_as_what_there_is_whatever_is_missed_and_however_late_answers_come(
    data: st.DataObject,
) -> None:
    """The watch tells in order, breaks off and goes on after a list; answers to calls come at any time."""
    server = Server(data.draw(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12)))
    end = len(server.history)
    kept = Collection(lambda _: None, labelled("of"))
    heard = 0

    def answer() -> None:
        version = data.draw(st.integers(1, end))
        name, there = server.history[version - 1]
        if there:
            kept.answered(item(version, name))

    def deleted() -> None:
        """The answer to our deletion of what was last there."""
        version = data.draw(st.integers(1, end))
        name, there = server.history[version - 1]
        before = [one for one in server.at(version - 1) if one["metadata"]["name"] == name]
        if before and not there:
            kept.deleted(before[0])

    while heard < end:
        match data.draw(st.sampled_from(["told", "list", "answer", "deleted"])):
            case "told":
                name, there = server.history[heard]
                heard += 1
                (kept.saw if there else kept.lost)(item(heard, name))
            case "list":
                heard = data.draw(st.integers(heard, end))
                kept.listed(server.at(heard), str(heard), None)
            case "answer":
                answer()
            case "deleted":
                deleted()
    if end:
        deleted()
        answer()
    assert sorted(map(str, kept.all())) == sorted(map(str, server.at(end)))
    assert sorted(map(str, kept.of(BTC))) == sorted(map(str, kept.all()))


def test_our_own_status_is_no_news_even_if_the_watch_is_faster_than_the_answer(told: Told) -> None:
    policies = Policies(told)
    policies.saw(item(1, spec={}))
    with policies.writing(BTC, {"phase": "Live"}):
        policies.saw(item(2, spec={}, status={"phase": "Live"}))
        policies.answered(item(2, spec={}, status={"phase": "Live"}))
    policies.saw(item(2, spec={}, status={"phase": "Live"}))
    assert told == [(1,)]


def test_somebody_elses_status_is_news(told: Told) -> None:
    policies = Policies(told)
    policies.saw(item(1, status={"phase": "Baseline"}))
    with policies.writing(BTC, {"phase": "Live"}):
        policies.saw(item(2, status={"phase": "RolledBack"}))
    policies.saw(item(3, status={"phase": "Live"}))
    assert told == [(1,), (1, 2), (2, 3)]


def test_a_changed_spec_is_news_even_beside_our_own_status(told: Told) -> None:
    policies = Policies(told)
    policies.saw(item(1, spec={"paused": False}))
    with policies.writing(BTC, {"phase": "Live"}):
        policies.saw(item(2, spec={"paused": True}, status={"phase": "Live"}))
    assert told == [(1,), (1, 2)]


def test_the_renewal_of_a_lease_is_no_news_and_anything_else_about_it_is(told: Told) -> None:
    leases = Leases(told)
    leases.saw(item(1, spec={"renewTime": "a", "leaseTransitions": 1}))
    leases.saw(item(2, spec={"renewTime": "b", "leaseTransitions": 1}))
    leases.saw(item(3, spec={"renewTime": "b", "leaseTransitions": 2}))
    assert told == [(1,), (2, 3)]


def breach(version: int, digest: str, owner: str = "btc") -> Json:
    event = item(version, f"{owner}.{version}", owner=owner)
    event["metadata"]["annotations"] = {"quoting.dev/digest": digest}
    return event


def test_breaches_stay_few_and_a_flood_of_one_does_not_hide_another() -> None:
    breaches = Breaches(lambda _: None, labelled("of"))
    breaches.saw(breach(1, "rare"))
    for version in range(2, 500):
        breaches.saw(breach(version, "often"))
    found = breaches.of(BTC)
    assert len(found) == len(breaches) == Breaches.MOST
    assert breach(1, "rare") in found
    assert breach(499, "often") in found


def test_the_breaches_of_one_policy_take_no_room_from_another() -> None:
    breaches = Breaches(lambda _: None, labelled("of"))
    breaches.saw(breach(1, "a", owner="eth"))
    for version in range(2, 100):
        breaches.saw(breach(version, str(version)))
    assert len(breaches.of(PolicyKey("desk", "eth"))) == 1
