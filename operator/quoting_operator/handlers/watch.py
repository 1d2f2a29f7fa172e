"""Thin kopf shims: every event wakes the policies that it concerns; the work itself is level-triggered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from quoting_operator.api.policy import POLICY_LABEL, RISK_LABEL
from quoting_operator.api.schema import GROUP, VERSION
from quoting_operator.handlers.queue import WorkQueue
from quoting_operator.handlers.reconcile import PolicyKey


class Woken:
    """What the handlers share. kopf copies its memo; this one is the same for all."""

    def __init__(self, queue: WorkQueue[PolicyKey]) -> None:
        self.queue = queue

    def __copy__(self) -> Woken:
        return self


def registry() -> kopf.OperatorRegistry:
    """The handlers, in a registry of their own."""
    found = kopf.OperatorRegistry()
    kopf.on.login(registry=found)(login)
    kopf.on.event(GROUP, VERSION, "quotingpolicies", registry=found)(policy_changed)
    kopf.on.event(GROUP, VERSION, "killswitches", registry=found)(kill_switch_changed)
    kopf.on.event("v1", "configmaps", labels={RISK_LABEL: "true"}, registry=found)(risk_changed)
    for group, plural in (("", "pods"), ("apps", "controllerrevisions")):
        decorate = kopf.on.event(group, "v1", plural, labels={POLICY_LABEL: kopf.PRESENT}, registry=found)
        decorate(belonging_changed)
    return found


def settings() -> kopf.OperatorSettings:
    """Settings: only our pods, revisions and risk limits are watched, and nothing is written to objects."""
    found = kopf.OperatorSettings()
    found.watching.server_timeout = 300
    found.watching.label_selectors["pods"] = POLICY_LABEL
    found.watching.label_selectors["controllerrevisions"] = POLICY_LABEL
    found.watching.label_selectors["configmaps"] = f"{RISK_LABEL}=true"
    found.networking.request_timeout = 20
    # Handlers only wake the queue, so that there is nothing to wait for at the end.
    found.queueing.exit_timeout = 0.5
    found.posting.enabled = False
    # The definitions are there before the operator is; it needs no right to read them.
    found.scanning.disabled = True
    return found


def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's own token, or the kubeconfig where there is none."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


async def policy_changed(body: kopf.Body, memo: Woken, **_: Any) -> None:
    """Wake this policy."""
    memo.queue.wake(PolicyKey.of(body))


async def kill_switch_changed(memo: Woken, **_: Any) -> None:
    """Wake every policy: a selector may have let go of some."""
    memo.queue.wake_all(lambda _key: True)


async def risk_changed(namespace: str | None, memo: Woken, **_: Any) -> None:
    """Wake the policies of the namespace; which of them refer to these limits is theirs to say."""
    memo.queue.wake_all(lambda key: key.namespace == namespace)


async def belonging_changed(namespace: str | None, labels: Mapping[str, str], memo: Woken, **_: Any) -> None:
    """Wake the policy that a pod or a revision belongs to."""
    key = PolicyKey(namespace or "", labels[POLICY_LABEL])
    memo.queue.wake_all(lambda known: known == key)
