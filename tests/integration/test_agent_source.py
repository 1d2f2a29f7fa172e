"""The agent's source against a real API server: what reaches the engine when something changes there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from quoting_operator.adapters.kube import (
    CONFLICT,
    CONTROLLER_REVISIONS,
    LEASES,
    QUOTING_POLICIES,
    Kube,
    KubeError,
    connect,
)
from quoting_operator.agent.source import Identity, KubernetesSource
from quoting_operator.api import lease as leases
from quoting_operator.api.schema import API_VERSION
from quoting_operator.rollout.decide import decide
from quoting_operator.rollout.decision import StoreRevision
from quoting_operator.rollout.observed import observed
from quoting_policy.domain import KillAction
from quoting_policy.protocol.control import Authorise, BreachLatched, Configure, Engage, Revoke, Tighten
from tests import conftest
from tests.resources import KILL_SWITCH, POLICY, Json, changed

pytestmark = pytest.mark.integration


class Heard:
    """What a source says, in order."""

    def __init__(self, source: KubernetesSource) -> None:
        self._said = source.instructions()

    async def next(self, kind: type) -> Any:
        async with asyncio.timeout(15):
            async for said in self._said:
                if isinstance(said, kind):
                    return said
        raise AssertionError("the source ended")

    async def close(self) -> None:
        await self._said.aclose()  # type: ignore[attr-defined]  # it is a generator


@pytest.fixture
async def kube(quoting_api: conftest.Kube, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    monkeypatch.setenv("KUBECONFIG", str(quoting_api.kubeconfig))
    async with connect() as found:
        yield found


@pytest.fixture
async def policy(kube: Kube, namespace: str) -> Json:
    return await kube.create(QUOTING_POLICIES, namespace, POLICY)


async def pin(kube: Kube, policy: Json) -> str:
    """Store a revision and the status, as the operator does; its digest."""
    decision = decide(observed(policy), datetime.now(UTC))
    (revision,) = [a.revision for a in decision.actions if isinstance(a, StoreRevision)]
    namespace = policy["metadata"]["namespace"]
    await kube.create(CONTROLLER_REVISIONS, namespace, revision.manifest(policy))
    await write_status(
        kube, policy, decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    )
    return revision.digest


async def write_status(kube: Kube, policy: Json, status: Json, version: str = "") -> None:
    metadata = {"name": "btc"} | ({"resourceVersion": version} if version else {})
    body = {"apiVersion": API_VERSION, "kind": "QuotingPolicy", "metadata": metadata, "status": status}
    await kube.apply(QUOTING_POLICIES, policy["metadata"]["namespace"], body, "status")


def identity(namespace: str) -> Identity:
    return Identity(namespace=namespace, policy="btc", pod="trader-1", pod_uid="p1")


@asynccontextmanager
async def listening(kube: Kube, namespace: str) -> AsyncIterator[Heard]:
    heard = Heard(KubernetesSource(kube, identity(namespace)))
    try:
        yield heard
    finally:
        await heard.close()


async def test_the_pinned_revision_is_told_when_it_is_pinned(kube: Kube, policy: Json) -> None:
    async with listening(kube, policy["metadata"]["namespace"]) as heard:
        assert (await heard.next(Engage)).kill.action is KillAction.NONE
        digest = await pin(kube, policy)
        assert (await heard.next(Tighten)).limits.max_position == 10
        assert (await heard.next(Configure)).frozen.digest == digest


async def test_content_is_told_when_it_is_mounted_and_missed_until_then(
    kube: Kube, namespace: str, tmp_path: Path
) -> None:
    secret = b"halfSpread: 5"
    source = {"secretKeyRef": {"name": "s", "key": "k"}, "sha256": sha256(secret).hexdigest()}
    baseline = {"model": "FixedSpread", "params": {"qty": 1}, "paramsFrom": source}
    policy = await kube.create(QUOTING_POLICIES, namespace, changed(POLICY, "spec.baseline", baseline))
    digest = await pin(kube, policy)
    agent = KubernetesSource(kube, identity(namespace), tmp_path)
    heard = Heard(agent)
    try:
        assert (await heard.next(Configure)).content == ()
        assert f"content: '{source['sha256']}' must be the sha256 of something mounted" in agent.problem()
        (tmp_path / "0").mkdir()
        (tmp_path / "0" / "k").write_bytes(secret)
        said = await heard.next(Configure)
        assert (said.frozen.digest, said.content) == (digest, (secret,))
    finally:
        await heard.close()


async def test_a_kill_switch_is_told_and_its_end_too(
    kube: Kube, policy: Json, quoting_api: conftest.Kube
) -> None:
    namespace = policy["metadata"]["namespace"]
    switch = changed(KILL_SWITCH, "metadata.name", f"halt-{namespace}")
    switch["spec"]["selector"] = {"namespaces": [namespace]}
    async with listening(kube, namespace) as heard:
        await heard.next(Engage)
        quoting_api.kubectl("apply", "-f", "-", given=json.dumps(switch))
        assert (await heard.next(Engage)).kill.action is KillAction.HALT
        quoting_api.kubectl("delete", "killswitch", switch["metadata"]["name"])
        assert (await heard.next(Engage)).kill.action is KillAction.NONE


async def test_only_a_renewal_that_is_seen_gives_authority(kube: Kube, policy: Json) -> None:
    namespace = policy["metadata"]["namespace"]
    written = {leases.DIGEST: "d" * 64, leases.STAGE: "Canary", leases.EXPOSURE: "20"}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "btc",
            "annotations": written | {leases.BLOCK: "600", leases.WASHOUT: "5"},
        },
        "spec": {
            "leaseTransitions": 1,
            "leaseDurationSeconds": 15,
            "renewTime": "2026-11-21T09:00:00.000000Z",
        },
    }
    await kube.create(LEASES, namespace, lease)
    async with listening(kube, namespace) as heard:
        await heard.next(Engage)  # the Lease that was there is listed by now, or will be; it says nothing
        await asyncio.sleep(0.5)
        await kube.apply(LEASES, namespace, changed(lease, "spec.renewTime", "2026-11-21T09:00:05.000000Z"))
        said = await heard.next((Authorise, Revoke))  # type: ignore[arg-type]  # isinstance takes both
        assert isinstance(said, Authorise)
        assert said.authority.exposure_percent == 20
        await kube.delete(LEASES, namespace, "btc")
        assert isinstance(await heard.next((Authorise, Revoke)), Revoke)  # type: ignore[arg-type]  # both


async def test_a_breach_told_twice_is_posted_once(
    kube: Kube, policy: Json, quoting_api: conftest.Kube
) -> None:
    namespace = policy["metadata"]["namespace"]
    source = KubernetesSource(kube, identity(namespace))
    breach = BreachLatched("d" * 64, ("raw_price",), "BTC-USDT", 1_763_700_000_000_000_000, drill=False)
    await source.report(breach)
    await source.report(breach)
    words = ("get", "events", "-n", namespace, "-l", "quoting.dev/policy=btc", "-o", "json")
    (event,) = json.loads(quoting_api.kubectl(*words))["items"]
    assert event["reason"] == "ClampBreached"
    assert event["message"].startswith("raw_price on BTC-USDT in pod trader-1")


async def test_a_status_is_written_only_over_what_was_read(kube: Kube, policy: Json) -> None:
    stale = policy["metadata"]["resourceVersion"]
    await write_status(kube, policy, {"phase": "Pending"}, stale)
    with pytest.raises(KubeError) as refused:
        await write_status(kube, policy, {"phase": "Live"}, stale)
    assert refused.value.status == CONFLICT
    current = await kube.get(QUOTING_POLICIES, policy["metadata"]["namespace"], "btc")
    assert current is not None
    assert current["status"] == {"phase": "Pending"}
