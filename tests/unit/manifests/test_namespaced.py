"""The overlay for one namespace gives the operator what the base gives it, there and no more."""

from __future__ import annotations

import yaml

from manifests.generate.files import MANIFESTS
from tests.least_privilege import Right, granted

OVERLAY = MANIFESTS / "overlays" / "namespaced"


def role(text: str, kind: str) -> frozenset[Right]:
    (found,) = (o for o in yaml.safe_load_all(text) if o["kind"] == kind)
    return granted(found["rules"])


def test_the_roles_of_the_overlay_are_the_bases_cut_in_two() -> None:
    base = role((MANIFESTS / "base" / "operator.yaml").read_text(), "ClusterRole")
    cluster = role((OVERLAY / "cluster-role.yaml").read_text(), "ClusterRole")
    namespaced = role((OVERLAY / "desk" / "rbac.yaml").read_text(), "Role")
    assert namespaced | cluster == base
    assert {right.resource for right in cluster} == {"killswitches"}
    assert not namespaced & cluster
