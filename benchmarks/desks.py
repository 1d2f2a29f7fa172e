"""A thousand desks: policies with a pod each on an API server, and objects as their users see them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from quoting_operator.adapters.follow import Source, follow
from quoting_operator.adapters.kube import CONFLICT, PODS, QUOTING_POLICIES, Json, Kind, Kube, KubeError
from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.api.schema import API_VERSION

NAMESPACES = 10

RETRY_S, TOO_MANY = 0.5, 429
"""Seconds after which users try again what was not answered, or refused because there was too much to do."""


def policy(number: int, *, candidate: bool) -> Json:
    """A policy, in one of the namespaces."""
    arm: Json = {"model": "FixedSpread", "params": {"halfSpread": 5, "qty": 1}}
    spec: Json = {
        "instruments": [{"symbol": "BTC-USDT", "tickSize": "0.1", "lotSize": "0.001"}],
        "baseline": arm,
        "limits": {"maxPosition": "10", "maxOrderQty": "2"},
        "rollout": {
            "paper": {"data": {"type": "Simulated", "simulated": {"seed": 1}}},
            "canary": {"steps": [{"exposure": 5}, {"exposure": 20}]},
        },
        "gates": [
            {"name": "profit", "metric": "pnl", "kind": "success"},
            {"name": "markout", "metric": "markout", "horizon": "1s", "kind": "guardrail", "margin": "0.2"},
        ],
    }
    if candidate:
        spec["candidate"] = {"model": "FixedSpread", "params": {"halfSpread": 4, "qty": 1}}
    metadata = {"name": f"p{number}", "namespace": place(number)}
    return {"apiVersion": API_VERSION, "kind": "QuotingPolicy", "metadata": metadata, "spec": spec}


def place(number: int) -> str:
    """Namespace of a policy."""
    return f"desk-{number % NAMESPACES}"


def pod(number: int) -> Json:
    """A pod that follows a policy. No node takes it here."""
    containers = [
        {"name": "quoting-engine", "image": "sidecar"},
        {"name": "quoting-agent", "image": "sidecar"},
    ]
    return {
        "metadata": {"name": f"trader-{number}", "labels": {POLICY_LABEL: f"p{number}"}},
        "spec": {"initContainers": containers, "containers": [{"name": "app", "image": "app"}]},
    }


class Seen:
    """Objects of a kind as the users see them."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Json] = {}
        self._news = asyncio.Event()

    def listed(self, items: list[Json], _version: str) -> None:
        """All there is."""
        self.objects = {_id(item): item for item in items}
        self._news.set()

    def changed(self, change: str, item: Json) -> None:
        """One change."""
        if change == "DELETED":
            self.objects.pop(_id(item), None)
        else:
            self.objects[_id(item)] = item
        self._news.set()

    def broken(self, error: KubeError) -> None:
        """The next list tells."""

    async def until(self, question: Callable[[], bool], what: str, most_s: float = 300.0) -> None:
        """Wait for something to become true."""
        try:
            async with asyncio.timeout(most_s):
                while not question():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise SystemExit(f"{what}: not within {most_s:.0f} s") from None

    async def quiet(self, seconds: float) -> None:
        """Wait until there has been no news for so long."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._news.clear()
                await asyncio.wait_for(self._news.wait(), seconds)

    def phase(self, number: int) -> str:
        """Phase of a policy."""
        found = self.objects.get((place(number), f"p{number}"), {})
        return str((found.get("status") or {}).get("phase", ""))


Call = Callable[[], Awaitable[Any]]


async def insist(call: Call) -> None:
    """Repeat a call until the API server has answered; that something is there already is fine."""
    while True:
        try:
            await call()
        except KubeError as error:
            if error.status == CONFLICT:
                return
            if error.status not in (0, TOO_MANY):
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return


async def each(calls: Iterable[Call], at_once: int = 32) -> None:
    """Insist on all, so many at once."""
    slots = asyncio.Semaphore(at_once)

    async def one(call: Call) -> None:
        async with slots:
            await insist(call)

    await asyncio.gather(*map(one, calls))


@contextlib.asynccontextmanager
async def seeing(kube: Kube, kind: Kind) -> AsyncIterator[Seen]:
    """Objects of a kind, followed."""
    seen = Seen()
    task = asyncio.create_task(follow(kube, Source(kind), seen))
    try:
        yield seen
    finally:
        task.cancel()


async def furnish(kube: Kube, policies: int, candidates: int) -> None:
    """Namespaces, policies, and a pod of each."""
    spaces = Kind("v1", "namespaces", namespaced=False)
    await each(
        partial(kube.create, spaces, None, {"metadata": {"name": place(n)}}) for n in range(NAMESPACES)
    )
    await each(
        partial(kube.create, QUOTING_POLICIES, place(n), policy(n, candidate=n < candidates))
        for n in range(policies)
    )
    account = Kind("v1", "serviceaccounts")
    async with seeing(kube, account) as accounts:
        await accounts.until(
            lambda: all((place(n), "default") in accounts.objects for n in range(NAMESPACES)), "accounts"
        )
    await each(partial(kube.create, PODS, place(n), pod(n)) for n in range(policies))


def _id(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
