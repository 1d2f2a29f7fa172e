"""The ground of the integration tests: a real API server with real controllers."""

from __future__ import annotations

import pytest

from tests.conftest import Kube
from tests.waiting import eventually

pytestmark = pytest.mark.integration


def test_the_api_server_stores_and_validates(control_plane: Kube, namespace: str) -> None:
    control_plane.core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "one"}, "data": {"a": "b"}}
    )
    assert control_plane.core.read_namespaced_config_map("one", namespace).data == {"a": "b"}


def test_a_namespace_has_its_default_service_account(control_plane: Kube, namespace: str) -> None:
    account = eventually(
        lambda: control_plane.core.read_namespaced_service_account("default", namespace), "default account"
    )
    assert account.metadata.namespace == namespace


def test_the_garbage_collector_follows_owners(control_plane: Kube, namespace: str) -> None:
    core = control_plane.core
    owner = core.create_namespaced_config_map(namespace, {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "owned", "ownerReferences": [reference]}}
    )
    core.delete_namespaced_config_map("owner", namespace)
    names = lambda: {item.metadata.name for item in core.list_namespaced_config_map(namespace).items}  # noqa: E731  a question asked once
    eventually(lambda: "owned" not in names(), "the owned object to be collected")
