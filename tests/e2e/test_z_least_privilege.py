"""After all other end-to-end tests: every right that our accounts have was used, and none was missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY, Kube
from tests.least_privilege import Asked, asked, granted, unused
from tests.resources import Json

pytestmark = pytest.mark.e2e

OURS = "system:serviceaccount:quoting-system:"
OPERATOR, WEBHOOK = f"{OURS}quoting-operator", f"{OURS}quoting-webhook"

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "quoting-operator": {
        "delete controllerrevisions.apps": "the oldest goes when there are too many",
        "get controllerrevisions.apps": "when one of the same name is there already",
        "get leases.coordination.k8s.io": "when somebody else wrote it between our look and our write",
        "get quotingpolicies.quoting.dev": "when somebody else wrote it between our look and our write",
        "unquarantine quotingpolicies.quoting.dev": "an admission policy asks, which no audit log tells",
    },
    "quoting-webhook": {},
    "quoting-sidecar": {},
}
"""Role -> right -> why it is needed though no end-to-end test uses it."""


@pytest.fixture
def log(request: pytest.FixtureRequest, node: Kube) -> list[str]:
    """The audit log of the whole run."""
    if node.local is None:
        pytest.skip("the cluster is not ours, so its audit log is not at hand")
    ran = {Path(item.fspath).name for item in request.session.items}
    there = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    if missing := sorted(there - ran):
        pytest.skip(f"rights are used by the whole of tests/e2e; not run: {', '.join(missing)}")
    return node.local.layout.audit_log.read_text().splitlines()


def rules(node: Kube, *names: str) -> list[Json]:
    """The rules of the roles of these names, as they are installed."""
    objects = yaml.safe_load_all(node.kubectl("kustomize", str(REPOSITORY / "manifests" / "base")))
    return [
        rule for found in objects if found["metadata"]["name"] in names for rule in found.get("rules", [])
    ]


def in_a_pod_of_a_desk(user: str) -> bool:
    return user.startswith("system:serviceaccount:test-")


@pytest.mark.parametrize(
    ("roles", "of"),
    [
        (["quoting-operator"], lambda user: user == OPERATOR),
        (["quoting-webhook"], lambda user: user == WEBHOOK),
        (["quoting-sidecar", "quoting-killswitch-reader"], in_a_pod_of_a_desk),
    ],
    ids=["operator", "webhook", "sidecar"],
)
def test_an_account_has_the_rights_that_it_uses_and_no_other(
    node: Kube, log: list[str], roles: list[str], of: Callable[[str], bool]
) -> None:
    found: Asked = asked(log, of)
    assert "\n".join(sorted(map(str, found.forbidden))) == ""
    assert "\n".join(unused(granted(rules(node, *roles)), found.allowed, EXCEPTIONS[roles[0]])) == ""
