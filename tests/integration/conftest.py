"""The API server with our kinds installed."""

from __future__ import annotations

import pytest

from quoting_operator.api.crd import RESOURCES
from tests.conftest import REPOSITORY, Kube
from tests.waiting import eventually


@pytest.fixture(scope="session")
def quoting_api(control_plane: Kube) -> Kube:
    """The control plane with our CustomResourceDefinitions, applied as a user applies them."""
    control_plane.kubectl("apply", "-k", str(REPOSITORY / "crds"))
    for resource in RESOURCES:
        words = ("get", resource.plural, "-A")
        eventually(lambda words=words: control_plane.kubectl(*words) or "none", f"{words[1]} to be served")
    return control_plane
