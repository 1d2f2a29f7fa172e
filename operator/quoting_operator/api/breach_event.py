"""The Event by which an agent tells of a breach, and the annotations that programs read from it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from quoting_operator.api.lease import DIGEST
from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.api.schema import API_VERSION
from quoting_policy.protocol.control import BreachLatched

BREACH_REASON = "ClampBreached"
BREACH_CLAMPS, BREACH_POD = "quoting.dev/clamps", "quoting.dev/pod"
BREACH_DRILL, BREACH_REHEARSAL = "quoting.dev/drill", "quoting.dev/rehearsal"
BREACH_AT = "quoting.dev/breached-at"


def breach_event(
    breach: BreachLatched,
    *,
    namespace: str,
    policy: str,
    policy_uid: str,
    pod: str,
    pod_uid: str,
    rehearsal: str,
) -> dict[str, Any]:
    """The Event. Its name follows from the breach, so that telling twice makes one Event.

    rehearsal: id of the rehearsal that asked for the breach, empty for a real one.
    """
    key = f"{pod_uid}|{breach.digest}|{breach.wall_ns}|{breach.instrument}"
    at = datetime.fromtimestamp(breach.wall_ns / 1e9, UTC)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    crossed = ", ".join(breach.breaches)
    told = (
        f"rehearsal {rehearsal}" if breach.drill else f"{crossed} on {breach.instrument or 'the portfolio'}"
    )
    return {
        "metadata": {
            "name": f"{policy}.{hashlib.sha256(key.encode()).hexdigest()[:16]}",
            "namespace": namespace,
            "labels": {POLICY_LABEL: policy},
            "annotations": {
                DIGEST: breach.digest,
                BREACH_CLAMPS: ",".join(breach.breaches),
                BREACH_DRILL: str(breach.drill).lower(),
                BREACH_REHEARSAL: rehearsal,
                BREACH_POD: pod,
                BREACH_AT: at.isoformat(),
            },
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "QuotingPolicy",
            "name": policy,
            "namespace": namespace,
            "uid": policy_uid,
        },
        "reason": BREACH_REASON,
        "message": f"{told} in pod {pod}; the baseline quotes there",
        "type": "Warning",
        "source": {"component": "quoting-agent", "host": pod},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
