"""Every kustomization builds, and the API server would take every object of it, strictly checked."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from quoting_operator.adapters.certificates import Certificate, make
from quoting_operator.adapters.kube import KubeError, connect
from quoting_operator.handlers import operator
from quoting_operator.handlers.webhook import Options, Tls
from tests.conftest import REPOSITORY, Kube
from tests.go_modules import downloaded
from tests.ports import free_ports
from tests.resources import POLICY, Json
from tests.waiting import eventually

pytestmark = pytest.mark.integration

MANIFESTS = REPOSITORY / "manifests"
COMPONENTS = sorted(path.parent.relative_to(MANIFESTS) for path in MANIFESTS.glob("components/*/*.yaml")
                    if path.name == "kustomization.yaml")  # fmt: skip
WHOLE = [path.parent.relative_to(MANIFESTS) for path in MANIFESTS.rglob("kustomization.yaml")
         if "kind: Component" not in path.read_text()]  # fmt: skip
DEFINITIONS = Path(__file__).parent / "definitions"
FOREIGN = {
    ("github.com/argoproj/argo-cd/v3", REPOSITORY / "localcluster" / "argocd"): [
        "manifests/crds/application-crd.yaml"
    ],
    ("github.com/cert-manager/cert-manager", DEFINITIONS): [
        "deploy/crds/cert-manager.io_certificates.yaml",
        "deploy/crds/cert-manager.io_issuers.yaml",
    ],
    ("github.com/prometheus-operator/prometheus-operator", DEFINITIONS): [
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ],
}
"""Module and where it is pinned -> definitions in it."""

ARGOCD_CM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}}


@pytest.fixture(scope="session")
def every_kind(quoting_api: Kube) -> Kube:
    """The API server that knows our kinds and those of Argo CD, cert-manager and the Prometheus operator."""
    for (module, pinned), paths in FOREIGN.items():
        for path in paths:
            quoting_api.kubectl("apply", "--server-side", "-f", str(downloaded(module, pinned) / path))
    quoting_api.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
    return quoting_api


def built(kube: Kube, folder: Path) -> list[Json]:
    return [found for found in yaml.safe_load_all(kube.kubectl("kustomize", str(folder))) if found]


def with_components(folder: Path, *components: Path, base: Path = MANIFESTS / "base") -> Path:
    """A kustomization as an installer writes it: the base and some components."""
    relative = [os.path.relpath(MANIFESTS / path, folder) for path in components]
    kustomization = {"resources": [os.path.relpath(base, folder)], "components": relative}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def taken(kube: Kube, objects: list[Json], namespace: str) -> None:
    """Fail unless the API server would take the objects, with their namespaces replaced by the test's."""
    for found in objects:
        if "namespace" in found["metadata"]:
            found["metadata"]["namespace"] = namespace
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    kube.kubectl(*words, "--namespace", namespace, "-f", "-", given=listed)


@pytest.mark.parametrize("path", WHOLE, ids=str)
def test_a_kustomization_is_taken_whole(every_kind: Kube, namespace: str, path: Path) -> None:
    taken(every_kind, built(every_kind, MANIFESTS / path), namespace)


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda p: p.name)
def test_a_component_on_top_of_the_base_is_taken(
    every_kind: Kube, namespace: str, tmp_path: Path, path: Path
) -> None:
    taken(every_kind, built(every_kind, with_components(tmp_path, path)), namespace)


def test_components_go_together(every_kind: Kube, namespace: str, tmp_path: Path) -> None:
    chosen = [path for path in COMPONENTS if path.name != "monitoring-plain"]  # instead of monitoring
    taken(every_kind, built(every_kind, with_components(tmp_path, *chosen)), namespace)


def test_our_entries_join_those_of_argo_cd(every_kind: Kube, namespace: str, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "argocd-cm.yaml").write_text(yaml.safe_dump({**ARGOCD_CM, "data": {"url": "https://argo"}}))
    (theirs / "kustomization.yaml").write_text("resources: [argocd-cm.yaml]")
    objects = built(every_kind, with_components(tmp_path, Path("argocd"), base=theirs))
    (merged,) = (found for found in objects if found["kind"] == "ConfigMap")
    assert {"url", "resource.customizations.health.quoting.dev_QuotingPolicy"} <= set(merged["data"])
    taken(every_kind, objects, namespace)
    taken(
        every_kind,
        list(yaml.safe_load_all((MANIFESTS / "argocd" / "applications.yaml").read_text())),
        namespace,
    )


def test_with_cert_manager_the_webhook_may_read_its_certificate_and_write_nothing(
    every_kind: Kube, tmp_path: Path
) -> None:
    objects = built(every_kind, with_components(tmp_path, Path("components/webhook-cert-manager")))
    mine = [found for found in objects if found["metadata"]["name"].startswith("quoting-webhook")]
    rights = [found for found in mine if "rules" in found]
    assert [(found["kind"], found["rules"]) for found in rights] == [
        ("Role", [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["quoting-webhook-tls"],
                   "verbs": ["get"]}]),
    ]  # fmt: skip
    assert not [found for found in mine if found["kind"] == "Secret"]
    (deployment,) = (found for found in mine if found["kind"] == "Deployment")
    assert "--certificate-is-given" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]


async def test_a_given_certificate_is_served_and_never_replaced(
    quoting_api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(quoting_api.kubeconfig))
    options = Options(image="x", namespace=namespace, certificate_is_given=True)
    async with connect() as kube:
        tls = Tls(kube, options)
        with pytest.raises(KubeError, match="quoting-webhook-tls is missing or has not"):
            await tls.refresh()
        assert not tls.loaded
        expired = make(options.server_name, datetime(2020, 1, 1, tzinfo=UTC))
        given = {**expired.secret(options.secret), "type": "kubernetes.io/tls"}
        quoting_api.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(given))
        await tls.refresh()
        assert tls.loaded
    words = ("get", "secret", options.secret, "-n", namespace, "-o", "json")
    assert Certificate.read(json.loads(quoting_api.kubectl(*words))) == expired


def _for_namespace(kube: Kube, namespace: str) -> Path:
    """The overlay's operator account, its rights moved to a namespace, and a kubeconfig with its token."""
    objects = [o for o in built(kube, MANIFESTS / "overlays" / "namespaced")
               if o["metadata"]["name"] == "quoting-operator" and o["kind"] != "Deployment"]  # fmt: skip
    for found in objects:
        if "Cluster" in found["kind"]:
            found["metadata"]["name"] += f"-{namespace}"
        else:
            found["metadata"]["namespace"] = namespace
        for subject in found.get("subjects", []):
            subject["namespace"] = namespace
        if found["kind"] == "ClusterRoleBinding":
            found["roleRef"]["name"] += f"-{namespace}"
    kube.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    token = kube.kubectl("create", "token", "quoting-operator", "-n", namespace).strip()
    settings = yaml.safe_load(kube.kubeconfig.read_text())
    settings["users"][0]["user"] = {"token": token}
    return _written(kube.kubeconfig.parent / f"{namespace}.kubeconfig", settings)


def _written(path: Path, settings: Any) -> Path:
    path.write_text(yaml.safe_dump(settings))
    return path


def test_an_operator_for_one_namespace_works_with_the_rights_of_its_overlay(
    quoting_api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(_for_namespace(quoting_api, namespace)))
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    (port,) = free_ports(1)
    options = operator.Options(namespaces=(namespace,), host="127.0.0.1", port=port)
    running = threading.Thread(target=lambda: loop.run_until_complete(operator.run(options, stop)))
    running.start()
    try:
        quoting_api.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(POLICY))
        words = ("get", "qp", "btc", "-n", namespace, "-o", "jsonpath={.status.phase}")
        eventually(lambda: quoting_api.kubectl(*words) == "Baseline", "phase Baseline", 30)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert answer.read() == b"ready\n"
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join(timeout=20)
        for kind in ("clusterrolebinding", "clusterrole"):
            quoting_api.kubectl("delete", kind, f"quoting-operator-{namespace}")
