"""The API server with our kinds installed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from quoting_operator.api.crd import RESOURCES
from tests.conftest import REPOSITORY, Kube, KubectlError
from tests.integration.people import People
from tests.resources import KILL_SWITCH, changed
from tests.waiting import eventually

BASE = REPOSITORY / "manifests" / "base"


@pytest.fixture(scope="session")
def quoting_api(control_plane: Kube) -> Kube:
    """The control plane with our CustomResourceDefinitions, applied as a user applies them."""
    control_plane.kubectl("apply", "-k", str(REPOSITORY / "crds"))
    for resource in RESOURCES:
        words = ("get", resource.plural, "-A")
        eventually(lambda words=words: control_plane.kubectl(*words) or "none", f"{words[1]} to be served")
    return control_plane


@pytest.fixture(scope="session")
def guarded_api(quoting_api: Kube) -> Kube:
    """The API server with our roles and admission policies in force."""
    for file in ("roles.yaml", "admission-policies.yaml"):
        quoting_api.kubectl("apply", "-f", str(BASE / file))
    probe = changed(KILL_SWITCH, "metadata.name", "probe")
    probe["spec"]["selector"] = {"namespaces": ["nowhere"]}
    quoting_api.kubectl("apply", "-f", "-", given=json.dumps(probe))
    left = ("clusterrolebinding/probe", "clusterrolebinding/probe-delete", "clusterrole/probe-delete")
    quoting_api.kubectl("delete", "--ignore-not-found", *left)  # of a run before, on a cluster that stays
    quoting_api.kubectl(
        "create", "clusterrolebinding", "probe", "--clusterrole=quoting-killswitch-release", "--user=probe"
    )
    quoting_api.kubectl("create", "clusterrole", "probe-delete", "--verb=delete", "--resource=killswitches")
    quoting_api.kubectl(
        "create", "clusterrolebinding", "probe-delete", "--clusterrole=probe-delete", "--user=deleter"
    )

    def in_force() -> bool:
        words = ("delete", "killswitch", "probe", "--as=deleter", "--dry-run=server")
        try:
            quoting_api.kubectl(*words)
        except KubectlError as error:
            return "verb release" in str(error)
        return False

    eventually(in_force, "the admission policies to be in force", 60)
    quoting_api.kubectl("delete", "killswitch", "probe", "--as=probe")
    return quoting_api


@pytest.fixture
def people(guarded_api: Kube, namespace: str) -> Iterator[People]:
    """People with roles of their own in the test's namespace."""
    found = People(guarded_api, namespace)
    yield found
    found.unbind()
