"""`make demo`: what the project does today, on real parts, with each step's measured time.

Brings the local cluster up (or uses the one of ``KUBECONFIG``), builds and loads our images, installs the
operator, applies the example desk, and engages and releases a kill switch. Leaves the cluster running.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcluster import cluster as clusters
from localcluster.__main__ import DEFAULT_NAME
from localcluster.build import build
from localcluster.errors import ClusterError
from localcluster.images import build_images

REPOSITORY = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0
HALT = {
    "apiVersion": "quoting.dev/v1alpha1",
    "kind": "KillSwitch",
    "metadata": {"name": "demo"},
    "spec": {
        "engaged": True,
        "action": "Halt",
        "reason": "demonstration",
        "selector": {"namespaces": ["demo"]},
    },
}


@dataclass(frozen=True)
class Kubectl:
    """kubectl for one cluster."""

    program: str
    kubeconfig: Path

    def __call__(self, *words: str, given: object = None) -> str:
        """Run it; ``given`` is sent as JSON to its standard input. Raises ClusterError where it fails."""
        command = [self.program, f"--kubeconfig={self.kubeconfig}", *words]
        text = None if given is None else json.dumps(given)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError("kubectl", f"{' '.join(words[:4])}: {done.stderr.strip()}")
        return done.stdout


class Demo:
    """The steps, and a line for each."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def step(self, what: str, act: Callable[[], object], until: Callable[[], bool] = lambda: True) -> None:
        """Do something, wait for its effect, print how long both took. Raises ClusterError if in vain."""
        start = time.monotonic()
        act()
        while not until():
            if time.monotonic() - start > PATIENCE_S:
                raise ClusterError("demo", f"{what}: nothing to be seen after {PATIENCE_S:.0f} s")
            time.sleep(0.05)
        print(f"{time.monotonic() - start:7.2f} s  {what}", flush=True)

    def app(self) -> str:
        """The trading app's last line, without its time."""
        log = self.kubectl("-n", "demo", "logs", "deploy/trader", "-c", "trader", "--tail=1")
        return " ".join(log.split()[1:])

    def app_says(self, start: str) -> bool:
        """Whether the trading app's last line starts with this."""
        try:
            return self.app().startswith(start)
        except ClusterError:  # no pod, or not started yet
            return False

    def run(self) -> None:
        """All steps."""
        kubectl = self.kubectl
        base, desk = (str(REPOSITORY / "manifests" / name) for name in ("base", "examples"))
        self.step("operator and webhook installed", lambda: kubectl("apply", "-k", base), self._installed)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
        kubectl("apply", "-f", "-", given=namespace)
        self.step(
            "QuotingPolicy applied, sidecar injected, the app quotes the baseline",
            lambda: kubectl("-n", "demo", "apply", "-k", desk),
            lambda: self.app_says("Active baseline"),
        )
        print(kubectl("-n", "demo", "get", "qp"), end="")
        self.step(
            "kill switch engaged, the app is halted",
            lambda: kubectl("apply", "-f", "-", given=HALT),
            lambda: self.app_says("Halted"),
        )
        print(kubectl("-n", "demo", "get", "qp"), end="")
        released = HALT | {"spec": HALT["spec"] | {"engaged": False, "reason": "the demonstration is over"}}  # type: ignore[operator]  # a literal of mixed values
        self.step(
            "kill switch released, the app quotes again",
            lambda: kubectl("apply", "-f", "-", given=released),
            lambda: self.app_says("Active baseline"),
        )
        print(f"the app says: {self.app()}")

    def _installed(self) -> bool:
        for name in ("quoting-operator", "quoting-webhook"):
            words = ("-n", "quoting-system", "rollout", "status", f"deploy/{name}", "--timeout=120s")
            self.kubectl(*words)
        return True


def connect() -> Kubectl:
    """The cluster to use: that of ``KUBECONFIG``, or the local one with our images in it."""
    program = build(["kubernetes"])["kubectl"]
    if kubeconfig := os.environ.get("KUBECONFIG"):
        print(f"using the cluster of {kubeconfig}; it must be able to pull our images")
        return Kubectl(program, Path(kubeconfig))
    start = time.monotonic()
    cluster = clusters.up(DEFAULT_NAME)
    print(f"{time.monotonic() - start:7.2f} s  cluster up", flush=True)
    start = time.monotonic()
    for image in build_images(("operator", "sidecar")).values():
        clusters.load(cluster, image)
    print(f"{time.monotonic() - start:7.2f} s  images built and loaded", flush=True)
    return Kubectl(program, cluster.layout.kubeconfig)


def main() -> int:
    """Run the demonstration; a failure is told in words, exit status 1."""
    try:
        Demo(connect()).run()
    except ClusterError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print("the cluster is left running: `make cluster-down` ends it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
