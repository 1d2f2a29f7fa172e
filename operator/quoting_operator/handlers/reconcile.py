"""One reconcile pass at its edge: read the world, decide, act, write the status."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from quoting_operator.adapters.kube import (
    CONFIG_MAPS,
    CONFLICT,
    CONTROLLER_REVISIONS,
    IMPLEMENTATION_SPECS,
    JOBS,
    KILL_SWITCHES,
    LEASES,
    PODS,
    QUOTING_POLICIES,
    Kind,
    Kube,
    KubeError,
)
from quoting_operator.api.implementation import ImplementationStatus
from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.api.schema import API_VERSION
from quoting_operator.handlers.metrics import PASSES, SECONDS, STATUS_WRITES
from quoting_operator.handlers.queue import ForgetKeyError
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
"""Seconds after which a pass is repeated whose policy changed meanwhile."""


class PolicyKey(NamedTuple):
    """Which policy."""

    namespace: str
    name: str

    @classmethod
    def of(cls, body: Any) -> Self:
        """Of a QuotingPolicy."""
        return cls(body["metadata"]["namespace"], body["metadata"]["name"])


class StepsFailedError(Exception):
    """Some steps of a pass failed; what the others decided is done, and the pass is to be repeated."""


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Reconciler:
    """Brings one policy at a time to where it should be; each pass starts from what is, not from memory."""

    def __init__(self, kube: Kube, clock: Callable[[], datetime] = now) -> None:
        self._kube = kube
        self._clock = clock

    async def reconcile(self, key: PolicyKey) -> float | None:
        """One pass. Returns the seconds until the policy is due again, None for the resync.

        Raises ForgetKeyError where the policy is no more, KubeError where the API server refuses.
        """
        started = time.monotonic()
        result = "error"
        try:
            seen = await self._observe(key)
            decision = decide(seen, self._clock())
            for action in decision.actions:
                await self._act(seen, action)
            if not await self._written(seen, decision):
                result = "conflict"
                return CONFLICT_RETRY_S
            for action in decision.actions:
                await self._tell(seen, action)
            if decision.errors:
                raise StepsFailedError("; ".join(f"{e.step}: {e.message}" for e in decision.errors))
            result = "done"
        finally:
            PASSES.labels(result).inc()
            SECONDS.observe(time.monotonic() - started)
        if decision.due is None:
            return None
        return max(0.0, (decision.due - self._clock()).total_seconds())

    async def _observe(self, key: PolicyKey) -> Observed:
        kube, namespace, name = self._kube, key.namespace, key.name
        policy = await kube.get(QUOTING_POLICIES, namespace, name)
        if policy is None or policy["metadata"].get("deletionTimestamp"):
            raise ForgetKeyError
        mine = f"{POLICY_LABEL}={name}"
        switches, _ = await kube.list_all(KILL_SWITCHES)
        ref = risk_policy_ref(policy)
        risk = None if ref is None else await kube.get(CONFIG_MAPS, namespace, ref.name)
        revisions, _ = await kube.list_all(CONTROLLER_REVISIONS, namespace, labels=mine)
        lease = await kube.get(LEASES, namespace, name)
        pods, _ = await kube.list_all(PODS, namespace, labels=mine)
        ours = [r for r in revisions if _owned(r, policy)]
        return observed(policy, switches=switches, risk=risk, revisions=ours, lease=lease, pods=pods)

    async def _act(self, seen: Observed, action: Action) -> None:
        kube, namespace = self._kube, seen.meta.namespace
        match action:
            case RevokeAuthority():
                await kube.delete(LEASES, namespace, seen.meta.name)
            case GrantAuthority(lease):
                await self._grant(namespace, lease)
            case CreateOnce(kind, manifest):
                await self._create_once(KINDS[kind], namespace, manifest)
            case WriteImplementation(name, status):
                await self._write_implementation(seen, name, status)
            case StoreRevision(revision):
                await self._store(seen, revision)
            case ForgetRevision(name):
                await kube.delete(CONTROLLER_REVISIONS, namespace, name)
            case PostEvent():
                pass  # told once the status says it too

    async def _grant(self, namespace: str, lease: Mapping[str, Any]) -> None:
        """Write the Lease if it is still the one that was seen; raises KubeError with CONFLICT otherwise."""
        if "resourceVersion" in lease["metadata"]:
            await self._kube.replace(LEASES, namespace, lease)
        else:
            await self._kube.create(LEASES, namespace, lease)

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
        await self._kube.apply(IMPLEMENTATION_SPECS, seen.meta.namespace, body, "status")

    async def _store(self, seen: Observed, revision: StoredRevision) -> None:
        """Create a ControllerRevision. One of its name with other content, or another owner, has to go."""
        kube, namespace = self._kube, seen.meta.namespace
        try:
            await kube.create(CONTROLLER_REVISIONS, namespace, revision.manifest(seen.policy))
        except KubeError as error:
            if error.status != CONFLICT:
                raise
            found = await kube.get(CONTROLLER_REVISIONS, namespace, revision.name)
            stored = None if found is None else StoredRevision.read(found)
            if stored is not None and stored.digest == revision.digest and _owned(found, seen.policy):
                return
            log.warning("ControllerRevision %s is not what its name says; making it anew", revision.name)
            await kube.delete(CONTROLLER_REVISIONS, namespace, revision.name)
            await kube.create(CONTROLLER_REVISIONS, namespace, revision.manifest(seen.policy))

    async def _tell(self, seen: Observed, action: Action) -> None:
        """Post an Event. That it could not be posted stops nothing."""
        if not isinstance(action, PostEvent):
            return
        kind = "Warning" if action.warning else "Normal"
        try:
            await self._kube.post_event(seen.policy, action.reason, action.message, kind)
        except KubeError as error:
            log.warning("Event %s of %s not posted: %s", action.reason, seen.meta.name, error)

    async def _written(self, seen: Observed, decision: Decision) -> bool:
        """Write the status if it differs from what was read; False where somebody wrote in between."""
        status = decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        if status == (seen.policy.get("status") or {}):
            return True
        body = {
            "apiVersion": API_VERSION,
            "kind": "QuotingPolicy",
            "metadata": {
                "name": seen.meta.name,
                "resourceVersion": seen.policy["metadata"]["resourceVersion"],
            },
            "status": status,
        }
        try:
            await self._kube.apply(QUOTING_POLICIES, seen.meta.namespace, body, "status")
        except KubeError as error:
            if error.status == CONFLICT:
                return False
            raise
        STATUS_WRITES.inc()
        return True


def _owned(revision: Any, policy: Any) -> bool:
    owners = revision["metadata"].get("ownerReferences") or []
    return any(owner["uid"] == policy["metadata"]["uid"] for owner in owners)
