"""The desk of `make demo` on a node: what tests do with it, and what they see."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.conftest import REPOSITORY, Kube, KubectlError
from tests.resources import Json

DEMO = REPOSITORY / "manifests" / "examples" / "demo"
VENUE = REPOSITORY / "examples" / "venue"


def rollout(kube: Kube, deployment: str) -> None:
    words = ("-n", "quoting-system", "rollout", "status", f"deploy/{deployment}", "--timeout=120s")
    kube.kubectl(*words)


class DemoDesk:
    """A venue, its policy and everything that people apply, in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace

    def kubectl(self, *words: str, given: Json | None = None) -> str:
        text = None if given is None else json.dumps(given)
        return self.kube.kubectl("--namespace", self.namespace, *words, given=text)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def open(self) -> None:
        """Apply everything; the sidecar is injected and the venue trades."""
        self.kubectl("create", "configmap", "venue-code", f"--from-file={VENUE}")
        for name in ("risk", "implementation", "policy", "venue"):
            text = (
                (DEMO / f"{name}.yaml").read_text().replace("namespace: demo", f"namespace: {self.namespace}")
            )
            self.kube.kubectl("--namespace", self.namespace, "apply", "-f", "-", given=text)

    @property
    def status(self) -> Json:
        found: Json = self.get("qp", "maker").get("status") or {}
        return found

    def reaches(self, phase: str, seconds: float) -> Json:
        """Wait for a phase; another one that is no way there ends the waiting at once."""
        dead = {"RolledBack", "Expired", "Invalid"} - {phase}

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.status
            if status.get("phase") == phase:
                return status
            assert status.get("phase") not in dead, f"{status['phase']}: {status['message']}"
            time.sleep(0.2)
        raise AssertionError(f"no {phase} in {seconds} s: {self.status.get('message')}\n{self.venue_says(5)}")

    def venue_says(self, lines: int = 1) -> str:
        try:
            return self.kubectl("logs", "deploy/venue", "-c", "venue", f"--tail={lines}").strip()
        except KubectlError as error:
            return str(error)

    def arm(self) -> str:
        """Whose quote the venue last carried out."""
        words = self.venue_says().split()
        return words[2] if len(words) > 2 else ""
