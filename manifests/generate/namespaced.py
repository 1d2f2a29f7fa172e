"""The operator's rights of the base, cut in two: what is the cluster's, and what it may in its namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

BASE = Path(__file__).resolve().parents[1] / "base" / "operator.yaml"
NAME = "quoting-operator"
OF_THE_CLUSTER = frozenset({"killswitches"})
"""Resources without a namespace."""


def cluster_role() -> Json:
    """The ClusterRole, with the resources that have no namespace."""
    return _role("ClusterRole", of_the_cluster=True)


def in_namespace() -> list[Json]:
    """The Role with all others, and its binding."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": "quoting-system"}],
    }
    return [_role("Role", of_the_cluster=False), binding]


def _role(kind: str, *, of_the_cluster: bool) -> Json:
    (base,) = (o for o in yaml.safe_load_all(BASE.read_text()) if o["kind"] == "ClusterRole")
    rules = []
    for rule in base["rules"]:
        resources = [name for name in rule["resources"] if (name in OF_THE_CLUSTER) is of_the_cluster]
        if resources:
            rules.append({**rule, "resources": resources})
    api = "rbac.authorization.k8s.io/v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": NAME}, "rules": rules}
