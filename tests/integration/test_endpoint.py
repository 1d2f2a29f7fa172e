"""A pod's way to a real API server: its ServiceAccount's token and CA, as mounted files."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client

from quoting_operator.adapters.endpoint import of_pod
from quoting_operator.adapters.kube import CONFIG_MAPS, Kube, KubeError, connect
from tests import conftest

pytestmark = pytest.mark.integration

UNAUTHORIZED, FORBIDDEN = 401, 403


@pytest.fixture
def account(control_plane: conftest.Kube, namespace: str, tmp_path: Path) -> Path:
    """What Kubernetes mounts into a pod that may read ConfigMaps of its namespace, and nothing else."""
    rights = client.RbacAuthorizationV1Api(control_plane.api)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
    rights.create_namespaced_role(namespace, {"metadata": {"name": "reader"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "name": "trader", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    binding = {"metadata": {"name": "reader"}, "roleRef": role, "subjects": [subject]}
    rights.create_namespaced_role_binding(namespace, binding)
    control_plane.core.create_namespaced_service_account(namespace, {"metadata": {"name": "trader"}})
    (tmp_path / "token").write_text(control_plane.kubectl("-n", namespace, "create", "token", "trader"))
    cluster = yaml.safe_load(control_plane.kubeconfig.read_text())["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return tmp_path


def pod(control_plane: conftest.Kube) -> dict[str, str]:
    """The environment that Kubernetes gives a pod."""
    at = urlsplit(control_plane.api.configuration.host)
    return {"KUBERNETES_SERVICE_HOST": str(at.hostname), "KUBERNETES_SERVICE_PORT": str(at.port or 443)}


async def names(kube: Kube, namespace: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await kube.list_all(CONFIG_MAPS, namespace))[0]]


async def test_a_pod_reads_what_its_role_allows_and_is_told_what_it_does_not(
    control_plane: conftest.Kube, namespace: str, account: Path
) -> None:
    control_plane.core.create_namespaced_config_map(namespace, {"metadata": {"name": "risk"}})
    async with connect(of_pod(pod(control_plane), account)) as kube:
        assert "risk" in await names(kube, namespace)
        with pytest.raises(KubeError, match="cannot create resource") as refused:
            await kube.create(CONFIG_MAPS, namespace, {"metadata": {"name": "more"}})
    assert refused.value.status == FORBIDDEN


async def test_a_connection_outlives_the_token_it_began_with(
    control_plane: conftest.Kube, namespace: str, account: Path
) -> None:
    good = (account / "token").read_text()
    (account / "token").write_text("expired")
    async with connect(of_pod(pod(control_plane), account)) as kube:
        with pytest.raises(KubeError) as refused:
            await names(kube, namespace)
        assert refused.value.status == UNAUTHORIZED
        (account / "token").write_text(good)
        await names(kube, namespace)


async def test_a_token_that_vanished_is_an_api_server_out_of_reach(
    control_plane: conftest.Kube, namespace: str, account: Path
) -> None:
    async with connect(of_pod(pod(control_plane), account)) as kube:
        (account / "token").unlink()
        with pytest.raises(KubeError, match="cannot be reached") as failed:
            await names(kube, namespace)
    assert failed.value.status == 0
