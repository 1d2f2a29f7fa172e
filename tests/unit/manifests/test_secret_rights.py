"""Who may touch Secrets: the webhook its own certificate, and nobody else anything."""

from __future__ import annotations

from typing import Any

import yaml

from tests.conftest import REPOSITORY


def rules_about_secrets() -> list[tuple[str, Any]]:
    """Name of the role and the rule, of everything under manifests/."""
    found = []
    for path in sorted((REPOSITORY / "manifests").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if not isinstance(document, dict) or document.get("kind") not in ("Role", "ClusterRole"):
                continue
            name = document["metadata"]["name"]
            rules = document.get("rules") or []
            found += [(name, rule) for rule in rules if {"secrets", "*"} & set(rule.get("resources", []))]
    return found


def test_no_role_that_is_shipped_may_read_a_secret_but_the_webhooks_own_certificate() -> None:
    assert [name for name, _ in rules_about_secrets()] == ["quoting-webhook"] * len(rules_about_secrets())
    for _, rule in rules_about_secrets():
        named = rule.get("resourceNames") == ["quoting-webhook-tls"]
        assert named or rule["verbs"] == ["create"]
