"""The store: whom news wake, how urgently, and that nothing is decided before the world is known."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from quoting_operator.adapters.kube import KubeError
from quoting_operator.handlers import store as stores
from quoting_operator.handlers.collection import PolicyKey
from quoting_operator.handlers.queue import Urgency
from quoting_operator.handlers.store import DEAF_S, PAPER_LABEL, Store
from tests.resources import KILL_SWITCH, POLICY, changed

Json = dict[str, Any]
BTC, ETH = PolicyKey("desk", "btc"), PolicyKey("desk", "eth")
versions = itertools.count(1)


def placed(item: Json, name: str, namespace: str = "desk", **metadata: Any) -> Json:
    version = str(next(versions))
    found = {"name": name, "namespace": namespace, "resourceVersion": version, "labels": {}, **metadata}
    return changed(item, "metadata", found)


def owned(name: str, label: str = "quoting.dev/policy", owner: str = "btc") -> Json:
    return placed({}, name, labels={label: owner})


class Woken(list[tuple[PolicyKey, Urgency]]):
    def __call__(self, key: PolicyKey, urgency: Urgency) -> None:
        self.append((key, urgency))

    def taken(self) -> set[tuple[PolicyKey, Urgency]]:
        found = set(self)
        self.clear()
        return found


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def store(woken: Woken) -> Store:
    """Knows the policies btc and eth."""
    found = Store(woken)
    found.policies.saw(placed(POLICY, "btc"))
    found.policies.saw(placed(POLICY, "eth"))
    assert woken.taken() == {(BTC, Urgency.ROUTINE), (ETH, Urgency.ROUTINE)}
    return found


@pytest.mark.parametrize("kind", ["revisions", "pods"])
def test_what_carries_its_label_wakes_the_policy(store: Store, woken: Woken, kind: str) -> None:
    getattr(store, kind).saw(owned("one"))
    assert woken.taken() == {(BTC, Urgency.ROUTINE)}


@pytest.mark.parametrize("kind", ["jobs", "paper_pods"])
def test_paper_work_wakes_the_policy_that_its_own_label_names(store: Store, woken: Woken, kind: str) -> None:
    getattr(store, kind).saw(owned("one", PAPER_LABEL, "eth"))
    assert woken.taken() == {(ETH, Urgency.ROUTINE)}


def test_a_breach_is_most_urgent(store: Store, woken: Woken) -> None:
    store.breaches.saw(owned("btc.1"))
    assert woken.taken() == {(BTC, Urgency.BREACH)}


def test_a_lease_wakes_the_policy_of_its_name_though_it_has_no_label(store: Store, woken: Woken) -> None:
    store.leases.saw(placed({}, "btc"))
    store.leases.saw(placed({}, "somebody-elses"))
    assert woken.taken() == {(BTC, Urgency.ROUTINE)}


def test_a_kill_switch_wakes_whom_it_selects_or_did_select(store: Store, woken: Woken) -> None:
    everybody = placed(KILL_SWITCH, "halt", namespace="")
    store.switches.saw(everybody)
    assert woken.taken() == {(BTC, Urgency.KILL), (ETH, Urgency.KILL)}
    elsewhere = changed(everybody, "metadata.resourceVersion", str(next(versions)))
    elsewhere["spec"]["selector"] = {"namespaces": ["other"]}
    store.switches.saw(elsewhere)
    assert woken.taken() == {(BTC, Urgency.KILL), (ETH, Urgency.KILL)}
    store.switches.saw(changed(changed(elsewhere, "spec.reason", "x"), "metadata.resourceVersion", "999999"))
    assert woken.taken() == set()


def test_a_kill_switch_that_cannot_be_read_wakes_everybody(store: Store, woken: Woken) -> None:
    store.switches.saw(placed({"spec": {"engaged": "maybe"}}, "odd", namespace=""))
    assert woken.taken() == {(BTC, Urgency.KILL), (ETH, Urgency.KILL)}


@pytest.mark.parametrize(
    ("kind", "reference", "value"),
    [
        ("risk", "riskPolicyRef", {"name": "desk-risk"}),
        ("implementations", "implementationRef", {"name": "desk-risk"}),
        ("gate_sets", "gatesFrom", [{"name": "other"}, {"name": "desk-risk"}]),
    ],
)
def test_what_is_referred_to_wakes_those_that_refer_to_it(
    store: Store, woken: Woken, kind: str, reference: str, value: Any
) -> None:
    store.policies.saw(placed(changed(POLICY, f"spec.{reference}", value), "btc"))
    woken.clear()
    getattr(store, kind).saw(placed({}, "desk-risk"))
    getattr(store, kind).saw(placed({}, "desk-risk", namespace="other"))
    getattr(store, kind).saw(placed({}, "unknown"))
    assert woken == [(BTC, Urgency.ROUTINE)]


def test_a_deleted_policy_is_woken_once_more_and_then_no_longer(store: Store, woken: Woken) -> None:
    store.policies.lost(placed(POLICY, "btc"))
    assert woken.taken() == {(BTC, Urgency.ROUTINE)}
    store.pods.saw(owned("one"))
    assert woken.taken() == set()


def heard(store: Store, *, but: str = "") -> None:
    for ear in store._ears:
        if ear.source.kind.plural != but:
            ear.listed([], "1")


async def test_nothing_is_known_before_every_kind_has_been_listed(store: Store) -> None:
    assert "killswitches: not listed yet" in store.deaf()
    heard(store, but="killswitches")
    assert store.deaf() == "killswitches: not listed yet"
    heard(store)
    assert store.deaf() == ""


async def test_a_first_list_that_fails_is_never_taken_for_an_empty_one(store: Store) -> None:
    heard(store, but="killswitches")
    (ear,) = [ear for ear in store._ears if ear.source.kind.plural == "killswitches"]
    ear.broken(KubeError(403, "forbidden"))
    assert store.deaf() == "killswitches: forbidden"


async def test_a_broken_watch_is_bridged_for_a_while_and_then_stops_all_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1000.0
    monkeypatch.setattr(stores.time, "monotonic", lambda: at)
    heard(store)
    ear = store._ears[0]
    ear.broken(KubeError(0, "gone"))
    at += DEAF_S - 1
    ear.broken(KubeError(0, "still gone"))
    assert store.deaf() == ""
    at += 2
    assert store.deaf() == "killswitches: still gone"
    ear.listed([], "1")
    assert store.deaf() == ""


async def test_work_is_held_until_the_world_is_known(store: Store) -> None:
    held: list[bool] = []
    guard = asyncio.create_task(store.guard(held.append))
    await asyncio.sleep(0)
    assert held == [True]
    heard(store)
    await asyncio.sleep(0.01)
    guard.cancel()
    assert held[-1] is False


def test_every_kind_is_followed_in_each_namespace_and_kill_switches_once() -> None:
    ears = Store(lambda *_: None, ("one", "two"))._ears
    places = [(ear.source.kind.plural, ear.source.namespace) for ear in ears]
    assert places.count(("killswitches", None)) == 1
    assert {place for kind, place in places if kind == "leases"} == {"one", "two"}
