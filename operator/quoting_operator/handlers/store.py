"""The world as last seen: what a reconcile pass reads instead of asking the API server, and whom news wake.

A pass that acts on something stale does no harm: each write names the version, or the absence, that it is
based on. But nothing is decided before every kind has been seen, nor once one has not been heard of for long:
a kill switch that is not known is not one that is not engaged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from quoting_operator.adapters.follow import Source, follow, list_kept
from quoting_operator.adapters.kube import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    EVENTS,
    GATE_SETS,
    IMPLEMENTATION_SPECS,
    JOBS,
    KILL_SWITCHES,
    LEASES,
    PODS,
    QUOTING_POLICIES,
    Json,
    Kind,
    Kube,
    KubeError,
)
from quoting_operator.api.killswitch import KillSwitchSpec
from quoting_operator.api.policy import POLICY_LABEL, RISK_LABEL
from quoting_operator.handlers import slim
from quoting_operator.handlers.collection import (
    Breaches,
    Collection,
    Leases,
    Owner,
    Policies,
    PolicyKey,
    labelled,
)
from quoting_operator.handlers.queue import Urgency
from quoting_operator.rollout.jobs import PAPER_LABEL

log = logging.getLogger(__name__)

DEAF_S = 10.0
"""Seconds that a watch may be broken before nothing is decided any more; less than a Lease lasts."""

RELIST_S = 60.0
"""Seconds after which policies are listed anew: kopf does not tell what was deleted while it was deaf."""

_NOT_OF_NODES = "metadata.namespace!=kube-node-lease"
"""Leases but those of nodes, which are renewed all the time."""

Wake = Callable[[PolicyKey, Urgency], None]
Refers = Callable[[Json], Iterable[str]]


class Store:
    """Everything that a pass reads, by kind. gate_sets belong to PolicyKey(namespace, "").

    wake is called for a policy when something that it depends on has changed. namespaces: empty for the whole
    cluster.
    """

    def __init__(self, wake: Wake, namespaces: Sequence[str] = ()) -> None:
        self._wake = wake
        self._namespaces = namespaces
        mine, paper = labelled(POLICY_LABEL), labelled(PAPER_LABEL)
        self.policies = Policies(self._wake_itself)
        self.switches = Collection(self._wake_selected)
        self.risk = Collection(partial(self._wake_referring, _risk_policy))
        self.implementations = Collection(partial(self._wake_referring, _implementation))
        self.gate_sets = Collection(partial(self._wake_referring, _gate_sets), _namespace)
        self.revisions = Collection(partial(self._wake_owner, mine), mine)
        self.leases = Leases(partial(self._wake_owner, PolicyKey.of))
        self.pods = Collection(partial(self._wake_owner, mine), mine)
        self.jobs = Collection(partial(self._wake_owner, paper), paper)
        self.paper_pods = Collection(partial(self._wake_owner, paper), paper)
        self.reports = Collection(partial(self._wake_owner, paper), paper)
        self.breaches = Breaches(partial(self._wake_owner, mine, urgency=Urgency.BREACH), mine)
        self._changed = asyncio.Event()
        self._ears = self._all_ears()

    async def listen(self, kube: Kube) -> None:
        """Follow every kind until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for ear in self._ears:
                tasks.create_task(follow(kube, ear.source, ear))
            tasks.create_task(self._relist_policies(kube))

    async def guard(self, hold: Callable[[bool], None]) -> None:
        """Have all work held while the world is not known, until cancelled."""
        known = False
        while True:
            deaf = self.deaf()
            hold(bool(deaf))
            if deaf and known:
                log.error("no policy is worked on: %s", deaf)
            if not deaf and not known:
                log.info("every kind is known: policies are worked on")
            known = not deaf
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 1.0)
            self._changed.clear()

    def deaf(self) -> str:
        """Which kinds are not known well enough to decide anything, and why; empty if all are."""
        now = time.monotonic()
        return "; ".join(f"{ear.source.kind.plural}: {ear.broken_by}" for ear in self._ears if ear.deaf(now))

    async def _relist_policies(self, kube: Kube) -> None:
        while True:
            await asyncio.sleep(RELIST_S)
            for source in self._sources(QUOTING_POLICIES, keep=slim.trimmed):
                try:
                    self.policies.lost_but(*await list_kept(kube, source), source.namespace)
                except KubeError as error:
                    log.warning("policies not listed: %s", error)

    def _all_ears(self) -> list[Ear]:
        kinds: list[tuple[Collection, Kind, Json]] = [
            (self.switches, KILL_SWITCHES, {}),
            (self.risk, CONFIG_MAPS, {"labels": f"{RISK_LABEL}=true"}),
            (self.implementations, IMPLEMENTATION_SPECS, {}),
            (self.gate_sets, GATE_SETS, {}),
            (self.revisions, CONTROLLER_REVISIONS, {"labels": POLICY_LABEL}),
            # Not by label: sidecars go by the name, and so a forged one must not escape us.
            (self.leases, LEASES, {"fields": "" if self._namespaces else _NOT_OF_NODES}),
            (self.pods, PODS, {"labels": POLICY_LABEL, "keep": slim.pod}),
            (self.jobs, JOBS, {"labels": PAPER_LABEL, "keep": slim.job}),
            (self.paper_pods, PODS, {"labels": PAPER_LABEL, "keep": slim.pod}),
            (self.reports, CONFIG_MAPS, {"labels": PAPER_LABEL, "keep": slim.named}),
            (self.breaches, EVENTS, {"labels": POLICY_LABEL, "keep": slim.event}),
        ]
        return [
            Ear(source, collection, self._changed)
            for collection, kind, options in kinds
            for source in self._sources(kind, **{"keep": slim.trimmed, **options})
        ]

    def _sources(self, kind: Kind, **options: Any) -> list[Source]:
        places = self._namespaces if kind.namespaced and self._namespaces else (None,)
        return [Source(kind, place, **options) for place in places]

    def _wake_itself(self, versions: tuple[Json, ...]) -> None:
        self._wake(PolicyKey.of(versions[0]), Urgency.ROUTINE)

    def _wake_owner(
        self,
        owner: Owner,
        versions: tuple[Json, ...],
        urgency: Urgency = Urgency.ROUTINE,
    ) -> None:
        for key in {owner(item) for item in versions}:
            if self.policies.get(*key) is not None:
                self._wake(key, urgency)

    def _wake_referring(self, refers: Refers, versions: tuple[Json, ...]) -> None:
        namespace, name = PolicyKey.of(versions[0])
        for policy in self.policies.all():
            if policy["metadata"]["namespace"] == namespace and name in refers(policy.get("spec") or {}):
                self._wake(PolicyKey.of(policy), Urgency.ROUTINE)

    def _wake_selected(self, versions: tuple[Json, ...]) -> None:
        selections = [_selection(switch) for switch in versions]
        for policy in self.policies.all():
            if any(selected(policy) for selected in selections):
                self._wake(PolicyKey.of(policy), Urgency.KILL)


class Ear:
    """What is heard of one kind in one place, and since when nothing is."""

    def __init__(self, source: Source, collection: Collection, changed: asyncio.Event) -> None:
        self.source = source
        self.broken_by = "not listed yet"
        self._collection = collection
        self._changed = changed
        self._since = -math.inf

    def deaf(self, now: float) -> bool:
        """Whether it has never been listed, or nothing has been heard for too long."""
        return bool(self.broken_by) and now - self._since > DEAF_S

    def listed(self, items: list[Json], version: str) -> None:
        """All there is; from now on changes are heard."""
        self._collection.listed(items, version, self.source.namespace)
        self.broken_by = ""
        self._changed.set()

    def changed(self, change: str, item: Json) -> None:
        """One change."""
        if change == "DELETED":
            self._collection.lost(item)
        else:
            self._collection.saw(item)

    def broken(self, error: KubeError) -> None:
        """Nothing is heard."""
        if not self.broken_by:
            self._since = time.monotonic()
        self.broken_by = str(error)


def _risk_policy(spec: Json) -> Iterable[str]:
    return _names([spec.get("riskPolicyRef")])


def _implementation(spec: Json) -> Iterable[str]:
    return _names([spec.get("implementationRef")])


def implementation_name(policy: Json) -> str:
    """Name of the ImplementationSpec that hands the candidate over; empty where there is none."""
    return next(iter(_implementation(policy.get("spec") or {})), "")


def _namespace(item: Json) -> PolicyKey:
    return PolicyKey(item["metadata"]["namespace"], "")


def _gate_sets(spec: Json) -> Iterable[str]:
    return _names(spec.get("gatesFrom") or [])


def _names(references: Iterable[Json | None]) -> Iterable[str]:
    return [reference.get("name", "") for reference in references if reference]


def _selection(switch: Json) -> Callable[[Json], bool]:
    """Which policies a switch concerns: all, where that cannot be read."""
    try:
        selector = KillSwitchSpec.model_validate(switch.get("spec")).selector
    except ValidationError:
        return lambda _policy: True
    return lambda policy: selector.matches(
        policy["metadata"]["namespace"],
        policy["metadata"]["name"],
        policy["metadata"].get("labels") or {},
    )
