"""kubectl for one cluster, and the cluster that the demonstration runs on."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcluster import cluster as clusters
from localcluster.build import build
from localcluster.errors import ClusterError
from localcluster.images import IMAGES, build_images


@dataclass(frozen=True, slots=True)
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

    def get(self, *words: str) -> Any:
        """What ``kubectl get`` finds, parsed. Raises ClusterError."""
        return json.loads(self("get", *words, "-o", "json"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demonstration runs. prometheus: URL that both the operator and this process reach."""

    kubectl: Kubectl
    prometheus: str


def connect(name: str) -> Place:
    """The cluster to use: that of ``KUBECONFIG``, or the local one with our images in it.

    Raises ClusterError where there is none, or where its Prometheus is not known.
    """
    program = build(["kubernetes"])["kubectl"]
    if kubeconfig := os.environ.get("KUBECONFIG"):
        if not (prometheus := os.environ.get("PROMETHEUS")):
            raise ClusterError(
                "demo",
                "PROMETHEUS is not set, and gates read their evidence from one",
                remedy="set it to the URL of the Prometheus that scrapes the cluster of KUBECONFIG",
            )
        return Place(Kubectl(program, Path(kubeconfig)), prometheus)
    cluster = clusters.up(name)
    for image in build_images(IMAGES).values():
        clusters.load(cluster, image)
    return Place(Kubectl(program, cluster.layout.kubeconfig), cluster.layout.prometheus)
