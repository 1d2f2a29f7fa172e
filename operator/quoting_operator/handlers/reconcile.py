"""One reconcile pass at its edge: read the world, decide, act, write the status."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from quoting_operator.adapters.kube import (
    CONFIG_MAPS,
    CONFLICT,
    CONTROLLER_REVISIONS,
    IMPLEMENTATION_SPECS,
    JOBS,
    LEASES,
    NOT_FOUND,
    QUOTING_POLICIES,
    Kind,
    Kube,
    KubeError,
)
from quoting_operator.api.implementation import ImplementationStatus
from quoting_operator.api.schema import API_VERSION
from quoting_operator.handlers import slim
from quoting_operator.handlers.collection import Collection, PolicyKey
from quoting_operator.handlers.measuring import Measuring
from quoting_operator.handlers.metrics import PASSES, SECONDS, STATUS_WRITES, tell_rollback
from quoting_operator.handlers.queue import ForgetKeyError
from quoting_operator.handlers.store import Store, implementation_name
from quoting_operator.handlers.telling import Teller
from quoting_operator.rollout.decide import decide
from quoting_operator.rollout.decision import (
    Action,
    CreateOnce,
    Decision,
    ForgetRevision,
    GrantAuthority,
    PostEvent,
    RevokeAuthority,
    StoreRevision,
    WriteImplementation,
)
from quoting_operator.rollout.observed import Observed, observed, risk_policy_ref
from quoting_operator.rollout.revisions import StoredRevision

log = logging.getLogger(__name__)


KINDS = {"Job": JOBS, "ConfigMap": CONFIG_MAPS}
"""Kinds that are created once."""


CONFLICT_RETRY_S = 0.05
"""Seconds until a pass is repeated that met something changed; a conflict that lasts is so no busy loop."""


class StepsFailedError(Exception):
    """Some steps of a pass failed; what the others decided is done, and the pass is to be repeated."""


class ChangedError(Exception):
    """Something was no longer what the pass saw. It has been looked at since."""


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Reconciler:
    """Brings one policy at a time to where it should be; each pass starts from the world as last seen."""

    def __init__(
        self,
        kube: Kube,
        store: Store,
        teller: Teller,
        measuring: Measuring[PolicyKey],
        paper_image: str = "",
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._kube = kube
        self._store = store
        self._teller = teller
        self._measuring = measuring
        self._paper_image = paper_image
        self._clock = clock

    async def reconcile(self, key: PolicyKey) -> float | None:
        """One pass. Returns the seconds until the policy is due again, None for the resync.

        A pass that wrote the status is followed by another, which sees it: what was recorded may be what the
        next action waited for.

        Raises ForgetKeyError where the policy is no more, KubeError where the API server refuses.
        """
        started = time.monotonic()
        result = "error"
        try:
            seen = self._observe(key)
            decision = decide(seen, self._clock())
            try:
                for action in decision.actions:
                    await self._act(seen, action)
                wrote = await self._written(seen, decision)
            except ChangedError:
                result = "conflict"
                return CONFLICT_RETRY_S
            tell_rollback(seen, decision, self._clock())
            for action in decision.actions:
                if isinstance(action, PostEvent):
                    self._teller.tell(seen.policy, action)
            if decision.errors:
                raise StepsFailedError("; ".join(f"{e.step}: {e.message}" for e in decision.errors))
            result = "done"
        except ForgetKeyError:
            self._measuring.forget(key)
            result = "gone"
            raise
        finally:
            PASSES.labels(result).inc()
            SECONDS.observe(time.monotonic() - started)
        self._measuring.ask(key, decision.request)
        if wrote:
            return 0.0
        if decision.due is None:
            return None
        return max(0.0, (decision.due - self._clock()).total_seconds())

    def _observe(self, key: PolicyKey) -> Observed:
        store, here = self._store, key.namespace
        policy = store.policies.get(*key)
        if policy is None or policy["metadata"].get("deletionTimestamp"):
            raise ForgetKeyError
        risk = risk_policy_ref(policy)
        return observed(
            policy,
            switches=store.switches.all(),
            risk=None if risk is None else store.risk.get(here, risk.name),
            revisions=[revision for revision in store.revisions.of(key) if _owned(revision, policy)],
            lease=store.leases.get(*key),
            pods=store.pods.of(key),
            events=store.breaches.of(key),
            implementation=store.implementations.get(here, implementation_name(policy)),
            gate_sets=store.gate_sets.of(PolicyKey(here, "")),
            jobs=store.jobs.of(key),
            job_pods=store.paper_pods.of(key),
            config_maps=[report["metadata"]["name"] for report in store.reports.of(key)],
            reading=self._measuring.answer(key),
            paper_image=self._paper_image,
        )

    async def _act(self, seen: Observed, action: Action) -> None:
        kube, namespace = self._kube, seen.meta.namespace
        match action:
            case RevokeAuthority():
                await kube.delete(LEASES, namespace, seen.meta.name)
                if seen.lease is not None:
                    self._store.leases.deleted(seen.lease)
            case GrantAuthority(lease):
                await self._grant(PolicyKey(namespace, seen.meta.name), lease)
            case CreateOnce(kind, manifest):
                await self._create_once(KINDS[kind], namespace, manifest)
            case WriteImplementation(name, status):
                await self._write_implementation(seen, name, status)
            case StoreRevision(revision):
                await self._keep(seen, revision)
            case ForgetRevision(name):
                await kube.delete(CONTROLLER_REVISIONS, namespace, name)
                if (known := self._store.revisions.get(namespace, name)) is not None:
                    self._store.revisions.deleted(known)
            case PostEvent():
                pass  # told once the status says it too

    async def _grant(self, key: PolicyKey, lease: Mapping[str, Any]) -> None:
        """Write the Lease if it is still the one that was seen; raises ChangedError otherwise."""
        write = self._kube.replace if "resourceVersion" in lease["metadata"] else self._kube.create
        async with self._refreshed(LEASES, self._store.leases, key):
            self._store.leases.answered(slim.trimmed(await write(LEASES, key.namespace, lease)))

    async def _create_once(self, kind: Kind, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Create an object that is told by its name; that it is there already is fine."""
        try:
            await self._kube.create(kind, namespace, manifest)
        except KubeError as error:
            if error.status != CONFLICT:
                raise

    async def _write_implementation(self, seen: Observed, name: str, status: ImplementationStatus) -> None:
        body = {
            "apiVersion": API_VERSION,
            "kind": "ImplementationSpec",
            "metadata": {"name": name},
            "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        answer = await self._kube.apply(IMPLEMENTATION_SPECS, seen.meta.namespace, body, "status")
        self._store.implementations.answered(slim.trimmed(answer))

    async def _keep(self, seen: Observed, revision: StoredRevision) -> None:
        """Create a ControllerRevision. One of its name with other content, or another owner, has to go."""
        kube, namespace = self._kube, seen.meta.namespace
        try:
            made = await kube.create(CONTROLLER_REVISIONS, namespace, revision.manifest(seen.policy))
        except KubeError as error:
            if error.status != CONFLICT:
                raise
            found = await kube.get(CONTROLLER_REVISIONS, namespace, revision.name)
            stored = None if found is None else StoredRevision.read(found)
            if stored is not None and stored.digest == revision.digest and _owned(found, seen.policy):
                return
            log.warning("ControllerRevision %s is not what its name says; making it anew", revision.name)
            await kube.delete(CONTROLLER_REVISIONS, namespace, revision.name)
            made = await kube.create(CONTROLLER_REVISIONS, namespace, revision.manifest(seen.policy))
        self._store.revisions.answered(slim.trimmed(made))

    async def _written(self, seen: Observed, decision: Decision) -> bool:
        """Write the status if it differs from what was seen; whether it was written.

        Raises ChangedError where the policy is no longer the one that was seen.
        """
        status = decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        if status == (seen.policy.get("status") or {}):
            return False
        body = {
            "apiVersion": API_VERSION,
            "kind": "QuotingPolicy",
            "metadata": {
                "name": seen.meta.name,
                "namespace": seen.meta.namespace,
                "resourceVersion": seen.policy["metadata"]["resourceVersion"],
            },
            "status": status,
        }
        policies, key = self._store.policies, PolicyKey(seen.meta.namespace, seen.meta.name)
        async with self._refreshed(QUOTING_POLICIES, policies, key):
            with policies.writing(key, status):
                # Not applied: to replace it costs the API server a third less, and nobody else's field stays.
                answer = await self._kube.replace(QUOTING_POLICIES, key.namespace, body, "status")
                policies.answered(slim.trimmed(answer))
        STATUS_WRITES.inc()
        return True

    @asynccontextmanager
    async def _refreshed(self, kind: Kind, collection: Collection, key: PolicyKey) -> AsyncIterator[None]:
        """Around a write of what was seen. Where that is no longer so, look at it and raise ChangedError."""
        try:
            yield
        except KubeError as error:
            if error.status not in (CONFLICT, NOT_FOUND):
                raise
            known, found = collection.get(*key), await self._kube.get(kind, *key)
            if found is not None:
                collection.looked_up(slim.trimmed(found))
            elif known is not None:
                collection.lost(known)
            raise ChangedError(str(error)) from error


def _owned(revision: Any, policy: Any) -> bool:
    owners = revision["metadata"].get("ownerReferences") or []
    return any(owner["uid"] == policy["metadata"]["uid"] for owner in owners)
