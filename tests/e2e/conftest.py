"""What tests on a node share: the operator installed in it."""

from __future__ import annotations

import pytest

from tests.conftest import REPOSITORY, Kube
from tests.e2e.desk import rollout


@pytest.fixture(scope="session")
def installed(node: Kube, operator_image: str, sidecar_image: str) -> Kube:
    """A node with the operator and its webhook, installed as the manifests say."""
    assert (operator_image, sidecar_image) == (
        "localhost/quoting-operator:dev",
        "localhost/quoting-sidecar:dev",
    ), "the manifests name the images of the local cluster"
    node.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "base"))
    for deployment in ("quoting-operator", "quoting-webhook"):
        rollout(node, deployment)
    return node
