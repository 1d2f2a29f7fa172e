"""One control plane with Argo CD, our definitions and the operator, for all tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from localcluster import packages
from localcluster.build import build
from tests.argocd.gitops import NAMESPACE, ArgoCD, Processes, Repository, started
from tests.conftest import REPOSITORY, Kube
from tests.go_modules import downloaded

PACKAGES = {
    "git": ("git", "serves the repository that Argo CD reads"),
    "redis-server": ("redis-server", "Argo CD's cache"),
}
ACCOUNTS = ("application-controller", "server")
MODULE = "github.com/argoproj/argo-cd/v3"


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes of this run."""
    found = Processes(tmp_path_factory.mktemp("argocd"))
    yield found
    found.end()


@pytest.fixture(scope="session")
def argocd(control_plane: Kube, processes: Processes) -> ArgoCD:
    """Argo CD, installed with our component, and an operator at work."""
    packages.ensure(PACKAGES)
    program = build(["argocd"])["argocd"]
    source = downloaded(MODULE, REPOSITORY / "localcluster" / "argocd")
    _installed(control_plane, source, processes.folder)
    environment = {"KUBECONFIG": str(control_plane.kubeconfig)}
    words = ("-m", "quoting_operator.cli.operator", "run", "--port=0")
    processes.start("operator", sys.executable, *words, environment=environment)
    return started(control_plane, program, source, processes.folder, processes)


def _installed(kube: Kube, source: Path, folder: Path) -> None:
    """Our kinds and rules, Argo CD's, its settings with ours among them, its accounts and their rights."""
    kube.kubectl("apply", "-k", str(REPOSITORY / "crds"))
    for file in ("roles.yaml", "admission-policies.yaml"):
        kube.kubectl("apply", "-f", str(REPOSITORY / "manifests" / "base" / file))
    kube.kubectl("apply", "--server-side", "-k", str(source / "manifests" / "crds"))
    kube.kubectl("create", "namespace", NAMESPACE)
    settings = folder / "settings"
    settings.mkdir()
    kustomization = {
        "namespace": NAMESPACE,
        "resources": [os.path.relpath(source / "manifests" / "base" / "config", settings)],
        "components": [os.path.relpath(REPOSITORY / "manifests" / "argocd", settings)],
    }
    (settings / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    kube.kubectl("apply", "-k", str(settings))
    for account in ACCOUNTS:
        name = f"argocd-{account}"
        base = source / "manifests" / "base"
        place = next(base.glob(f"{account}*/{name}-sa.yaml")).parent
        for kind in ("sa", "role", "rolebinding"):
            kube.kubectl("apply", "-n", NAMESPACE, "-f", str(place / f"{name}-{kind}.yaml"))
        cluster = source / "manifests" / "cluster-rbac" / account
        for kind in ("clusterrole", "clusterrolebinding"):
            kube.kubectl("apply", "-f", str(cluster / f"{name}-{kind}.yaml"))
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }
    kube.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
    kube.kubectl("apply", "-f", "-", given=yaml.safe_dump(project))


@pytest.fixture
def repository(processes: Processes, tmp_path: Path) -> Iterator[Repository]:
    """A git repository of the test's own."""
    (tmp_path / "served").mkdir()
    packages.ensure(PACKAGES)
    before = len(processes.running)
    yield Repository(tmp_path, processes)
    for process in processes.running[before:]:
        _end(process)
    del processes.running[before:]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=10)
