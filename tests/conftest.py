"""The one place that knows clusters: which one tests run against, and what they skip without it.

``KUBECONFIG`` set: that cluster (kind, k3s, a company's) is used and nothing is started. Otherwise a control
plane (integration) or a whole node (e2e) of our own is started once a run, and removed at its end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient

from localcluster import cluster as clusters
from localcluster.build import build
from localcluster.images import build_images

REPOSITORY = Path(__file__).resolve().parent.parent


class KubectlError(Exception):
    """kubectl's complaint."""


@dataclass(frozen=True)
class Kube:
    """A cluster as tests see it. local is None where the cluster is not ours."""

    kubeconfig: Path
    api: client.ApiClient
    local: clusters.Cluster | None

    @property
    def dynamic(self) -> DynamicClient:
        """A client for any resource, as plain objects."""
        return DynamicClient(self.api)

    @property
    def core(self) -> client.CoreV1Api:
        """Pods, Services, namespaces."""
        return client.CoreV1Api(self.api)

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """What kubectl prints. Raises KubectlError with what it complains about."""
        program = "kubectl" if self.local is None else build(["kubernetes"])["kubectl"]
        command = [str(program), f"--kubeconfig={self.kubeconfig}", *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KubectlError(done.stderr.strip())
        return done.stdout


def _connect(kubeconfig: Path, local: clusters.Cluster | None) -> Kube:
    return Kube(kubeconfig, config.new_client_from_config(str(kubeconfig)), local)


def unavailable(why: str) -> None:
    """Skip, saying why; where everything must run (CI as root) a skip is a failure."""
    if os.environ.get("QUOTING_TESTS_MUST_RUN"):
        pytest.fail(why)
    pytest.skip(why)


def _own_cluster(*, control_plane_only: bool) -> Iterator[Kube]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    try:
        up = clusters.up(name, control_plane_only=control_plane_only, audited=True)
        yield _connect(up.layout.kubeconfig, up)
    finally:
        clusters.down(name)


@pytest.fixture(scope="session")
def node() -> Iterator[Kube]:
    """A whole node."""
    if kubeconfig := os.environ.get("KUBECONFIG"):
        yield _connect(Path(kubeconfig), None)
        return
    if os.geteuid() != 0 or sys.platform != "linux":
        unavailable("a node of our own needs root on Linux; set KUBECONFIG to use a cluster that exists")
    yield from _own_cluster(control_plane_only=False)


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Kube]:
    """A real etcd, API server and controllers; the node's where one runs already for this run."""
    if kubeconfig := os.environ.get("KUBECONFIG"):
        yield _connect(Path(kubeconfig), None)
        return
    root = os.geteuid() == 0
    if root and any("node" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield request.getfixturevalue("node")
        return
    yield from _own_cluster(control_plane_only=True)


def _namespace(kube: Kube) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    kube.core.create_namespace({"metadata": {"name": name}})
    yield name
    kube.core.delete_namespace(name)


@pytest.fixture
def namespace(control_plane: Kube) -> Iterator[str]:
    """A namespace of the test's own on the control plane."""
    yield from _namespace(control_plane)


@pytest.fixture
def node_namespace(node: Kube) -> Iterator[str]:
    """A namespace of the test's own on the node."""
    yield from _namespace(node)


@pytest.fixture(scope="session")
def sidecar_image(node: Kube) -> str:
    """The sidecar's image, in the node."""
    return _image(node, "sidecar")


@pytest.fixture(scope="session")
def operator_image(node: Kube) -> str:
    """The operator's image, in the node."""
    return _image(node, "operator")


@pytest.fixture(scope="session")
def paper_image(node: Kube) -> str:
    """The image of the paper stage, in the node."""
    return _image(node, "paper")


def _image(node: Kube, name: str) -> str:
    if node.local is None:
        registry = os.environ.get("QUOTING_IMAGE_REGISTRY")
        if not registry:
            unavailable("set QUOTING_IMAGE_REGISTRY to where this cluster pulls our images from")
        return f"{registry}/quoting-{name}:dev"
    image = build_images([name])[name]
    clusters.load(node.local, image)
    return image.name
