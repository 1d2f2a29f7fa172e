"""The desk of the demonstration: what its people apply, and what they see."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from examples.demo.kubectl import Place
from examples.demo.venue_line import VenueLine, read
from localcluster.errors import ClusterError

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFESTS = REPOSITORY / "manifests" / "examples" / "demo"
NAMESPACE, POLICY = "demo", "maker"
RISK = {"maxPosition": "6", "maxOrderQty": "4", "priceBand": "0.02"}
"""The risk officer's limits, as manifests/examples/demo/risk.yaml has them."""

Json = dict[str, Any]
SYSTEM = ("-n", "quoting-system")
OPERATOR_LABEL = "app.kubernetes.io/name=quoting-operator"


class Desk:
    """A venue, its policy and everything that people apply, in one namespace."""

    def __init__(self, place: Place) -> None:
        self.place, self.kubectl = place, place.kubectl
        self.is_open = False

    def here(self, *words: str, given: object = None) -> str:
        """Run kubectl in the desk's namespace. Raises ClusterError."""
        return self.kubectl("-n", NAMESPACE, *words, given=given)

    def get(self, *words: str) -> Any:
        """What is there, parsed. Raises ClusterError."""
        return self.kubectl.get("-n", NAMESPACE, *words)

    def install(self) -> None:
        """The operator and its webhook, told where Prometheus is; waits until both serve."""
        self.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "base"))
        settings = (f"PROMETHEUS={self.place.prometheus}", "SCRAPE_INTERVAL=1")
        self.kubectl(*SYSTEM, "set", "env", "deploy/quoting-operator", *settings)
        for name in ("quoting-operator", "quoting-webhook"):
            self.kubectl(*SYSTEM, "rollout", "status", f"deploy/{name}", "--timeout=300s")

    def open(self) -> None:
        """Begin with an empty namespace and apply everything."""
        self.kubectl("delete", "killswitch", "demo", "--ignore-not-found")
        self.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=300s")
        self.kubectl("create", "namespace", NAMESPACE)
        code = REPOSITORY / "examples" / "venue"
        self.here("create", "configmap", "venue-code", f"--from-file={code}")
        self.here("apply", "-k", str(MANIFESTS))
        self.is_open = True

    def policy(self) -> Json:
        """The QuotingPolicy as the API server has it. Raises ClusterError."""
        found: Json = self.get("qp", POLICY)
        return found

    def status(self) -> Json:
        """Its status. Raises ClusterError."""
        found: Json = self.policy().get("status") or {}
        return found

    def propose(self, candidate: Json | None) -> None:
        """Put another candidate, or none, into the spec."""
        self._replace("candidate", candidate)

    def refer(self, contract: str) -> None:
        """Let the policy refer to this ImplementationSpec."""
        self._replace("implementationRef", {"name": contract})

    def _replace(self, field: str, value: Json | None) -> None:
        patch = replacing(self.policy(), field, value)
        self.here("patch", "qp", POLICY, "--type=json", "-p", json.dumps(patch))

    def limit(self, **further: str) -> None:
        """The risk officer applies the usual limits and these."""
        text = "limits: " + json.dumps(RISK | further)
        self.here("patch", "configmap", "desk-risk", "-p", json.dumps({"data": {"limits.yaml": text}}))

    def contract(self, name: str, **changes: object) -> None:
        """Apply an ImplementationSpec like that of the desk with some fields changed. Raises ClusterError."""
        spec = self.get("impl", "inventory-skew-v1")["spec"] | changes
        about = {"apiVersion": "quoting.dev/v1alpha1", "kind": "ImplementationSpec"}
        self.here("apply", "-f", "-", given=about | {"metadata": {"name": name}, "spec": spec})

    def halt(self, *, engaged: bool, reason: str) -> float:
        """Engage or release the kill switch; says when that was asked for, Unix time, s."""
        switch = {
            "apiVersion": "quoting.dev/v1alpha1",
            "kind": "KillSwitch",
            "metadata": {"name": "demo"},
            "spec": {
                "engaged": engaged,
                "action": "Halt",
                "reason": reason,
                "selector": {"namespaces": [NAMESPACE]},
            },
        }
        asked = time.time()
        self.kubectl("apply", "-f", "-", given=switch)
        return asked

    def stop_operator(self) -> float:
        """Kill it as a failing machine would, and let nobody start it; says when, Unix time, s."""
        asked = time.time()
        self.kubectl(*SYSTEM, "scale", "deploy/quoting-operator", "--replicas=0")
        pods = ("pod", "-l", OPERATOR_LABEL)
        self.kubectl(*SYSTEM, "delete", *pods, "--force", "--grace-period=0", "--ignore-not-found")
        return asked

    def start_operator(self) -> None:
        """Start it again; waits until it serves."""
        self.kubectl(*SYSTEM, "scale", "deploy/quoting-operator", "--replicas=1")
        self.kubectl(*SYSTEM, "rollout", "status", "deploy/quoting-operator", "--timeout=300s")

    def operator_runs(self) -> bool:
        """Whether there is a pod of it, ready or not."""
        return bool(self.kubectl.get(*SYSTEM, "pods", "-l", OPERATOR_LABEL)["items"])

    def lease(self) -> Json | None:
        """The candidate's authority; None where there is none."""
        text = self.here("get", "lease", POLICY, "--ignore-not-found", "-o", "json").strip()
        found: Json | None = json.loads(text) if text else None
        return found

    def venue(self, lines: int = 60) -> list[VenueLine]:
        """What the trading app said last, the latest last; nothing while there is no app."""
        try:
            return read(self.here("logs", "deploy/venue", "-c", "venue", f"--tail={lines}"))
        except ClusterError:  # no pod, or not started yet
            return []


def replacing(policy: Json, field: str, value: Json | None) -> list[Json]:
    """A JSON patch that sets a field of the spec as a whole (no old parameter stays), or removes it."""
    there = field in policy["spec"]
    if value is not None:
        return [{"op": "replace" if there else "add", "path": f"/spec/{field}", "value": value}]
    return [{"op": "remove", "path": f"/spec/{field}"}] if there else []
