"""What the plugin reads and writes at the API server, and its refusals as one line each."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from quoting_operator.adapters.kube import (
    CONTROLLER_REVISIONS,
    NOT_FOUND,
    PODS,
    QUOTING_POLICIES,
    Json,
    Kind,
    Kube,
    KubeError,
)
from quoting_operator.adapters.kubeconfig import Access, connect
from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.view import PolicyView, policy_view
from quoting_operator.rollout.revisions import StoredRevision

_FORBIDDEN, _TOO_MANY, _SERVER_FAULT = 403, 429, 500
_SELF_REVIEWS = Kind("authentication.k8s.io/v1", "selfsubjectreviews", namespaced=False)
_NOT_INSTALLED = "this cluster does not know our resources; install them: kubectl apply -k crds"
_UNKNOWN_KIND = ("404 page not found", "page not found", "the server could not find the requested resource")
_POLICY_WORDS = re.compile(r"ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: ")


class Cluster:
    """A cluster and the namespace that is meant."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    async def policy(self, name: str) -> Json:
        """A policy. Raises PluginError where there is none."""
        found = await self.kube.get(QUOTING_POLICIES, self.namespace, name)
        if found is None:
            others = [p["metadata"]["name"] for p in await self.policies()]
            there = f"there are: {', '.join(others[:10])}" if others else "there are none"
            raise PluginError(f"no QuotingPolicy {name} in namespace {self.namespace}; {there}")
        return found

    async def policies(self, *, everywhere: bool = False, labels: str = "") -> list[Json]:
        """Policies by namespace and name. Raises PluginError where the kind is not installed."""
        try:
            found, _ = await self.kube.list_all(
                QUOTING_POLICIES, None if everywhere else self.namespace, labels=labels
            )
        except KubeError as error:
            if error.status == NOT_FOUND:
                raise PluginError(_NOT_INSTALLED) from None
            raise
        return sorted(found, key=lambda p: (p["metadata"]["namespace"], p["metadata"]["name"]))

    async def view(self, policy: Json) -> PolicyView:
        """A policy with its pods and the revision that quotes, as far as they may be read."""
        namespace, name = policy["metadata"]["namespace"], policy["metadata"]["name"]
        revision = ((policy.get("status") or {}).get("effective") or {}).get("revision")
        pods, stored = await asyncio.gather(
            _allowed(self.kube.list_all(PODS, namespace, labels=f"{POLICY_LABEL}={name}")),
            _allowed(self.kube.get(CONTROLLER_REVISIONS, namespace, revision)) if revision else _nothing(),
        )
        return policy_view(policy, revision=stored, pods=None if pods is None else pods[0])

    async def revisions(self, policy: Json) -> list[StoredRevision]:
        """Revisions of a policy that can be read, by number."""
        labels = f"{POLICY_LABEL}={policy['metadata']['name']}"
        found, _ = await self.kube.list_all(CONTROLLER_REVISIONS, self.namespace, labels=labels)
        uid = policy["metadata"]["uid"]
        ours = (r for r in found if any(o["uid"] == uid for o in r["metadata"].get("ownerReferences") or ()))
        read = (StoredRevision.read(revision) for revision in ours)
        return sorted((r for r in read if r is not None), key=lambda revision: revision.number)

    async def whoami(self) -> str:
        """The name by which the API server knows the user."""
        body = {"apiVersion": _SELF_REVIEWS.api, "kind": "SelfSubjectReview"}
        review = await self.kube.create(_SELF_REVIEWS, None, body)
        return str(review["status"]["userInfo"]["username"])


def connected(args: argparse.Namespace, work: Callable[[Cluster, argparse.Namespace], Awaitable[int]]) -> int:
    """Do the work at the cluster that the arguments name. Raises PluginError for what the API server says."""

    async def go() -> int:
        access = Access(kubeconfig=args.kubeconfig, context=args.context, user=args.user)
        async with connect(access) as (kube, namespace):
            return await work(Cluster(kube, args.namespace or namespace), args)

    try:
        return asyncio.run(go())
    except KubeError as error:
        raise PluginError(told(error)) from None


def passing(error: KubeError) -> bool:
    """Whether the same question may be answered the next time."""
    return error.status in (0, _TOO_MANY) or error.status >= _SERVER_FAULT


def told(error: KubeError) -> str:
    """An error of the API server in one line: its own words, without those about our admission policies."""
    words = _POLICY_WORDS.sub("", " ".join(str(error).split())).removeprefix(f"{error.status}: ")
    return _NOT_INSTALLED if error.status == NOT_FOUND and words in _UNKNOWN_KIND else words


async def _allowed(read: Awaitable[Any]) -> Any:
    """What was read, None where the user may not read it."""
    try:
        return await read
    except KubeError as error:
        if error.status == _FORBIDDEN:
            return None
        raise


async def _nothing() -> None:
    return None
