"""The API server with our kinds installed."""

from __future__ import annotations

import pytest

from tests.conftest import REPOSITORY, Kube
from tests.waiting import eventually


@pytest.fixture(scope="session")
def quoting_api(control_plane: Kube) -> Kube:
    """The control plane with our CustomResourceDefinitions, applied as a user applies them."""
    control_plane.kubectl("apply", "-f", str(REPOSITORY / "crds"))
    kinds = ("quotingpolicies", "implementationspecs", "gatesets", "killswitches")
    for kind in kinds:
        eventually(
            lambda kind=kind: control_plane.kubectl("get", kind, "-A") or "none", f"{kind} to be served"
        )
    return control_plane
