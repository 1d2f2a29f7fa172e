"""Thin kopf shims: every event of a policy goes to the store, which wakes what it concerns."""

from __future__ import annotations

from typing import Any, cast

import kopf

from quoting_operator.api.schema import GROUP, VERSION
from quoting_operator.handlers import slim
from quoting_operator.handlers.store import Store


class Shared:
    """What the handlers share. kopf copies its memo; this one is the same for all."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __copy__(self) -> Shared:
        return self


class NoEssence(kopf.DiffBaseStorage):
    """No last configuration, as only plain events are handled: kopf would copy every object for it twice."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """What kopf would compare with the last configuration."""
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: Any) -> None:
        """There is none."""

    def store(self, **_: Any) -> None:
        """None is written."""


def registry() -> kopf.OperatorRegistry:
    """The handlers, in a registry of their own."""
    found = kopf.OperatorRegistry()
    kopf.on.login(registry=found)(login)
    kopf.on.event(GROUP, VERSION, "quotingpolicies", registry=found)(policy_changed)
    return found


def settings() -> kopf.OperatorSettings:
    """Settings: nothing is written to objects, and watches end before they can go silent."""
    found = kopf.OperatorSettings()
    found.watching.server_timeout = 300
    found.networking.request_timeout = 20
    # Handlers only tell the store, so that there is nothing to wait for at the end.
    found.queueing.exit_timeout = 0.5
    found.posting.enabled = False
    found.persistence.diffbase_storage = NoEssence()
    # The definitions are there before the operator is; it needs no right to read them.
    found.scanning.disabled = True
    return found


def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's own token, or the kubeconfig where there is none."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


async def policy_changed(event: kopf.RawEvent, memo: Shared, **_: Any) -> None:
    """Keep the policy as it is now; the work itself is level-triggered."""
    policy = slim.trimmed(dict(event["object"]))
    if event["type"] == "DELETED":
        memo.store.policies.lost(policy)
    else:
        memo.store.policies.saw(policy)
