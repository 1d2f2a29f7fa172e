"""Argo CD's settings for our kinds, from the Lua scripts beside them: entries of its ConfigMap argocd-cm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from manifests.generate.written import yaml_text
from quoting_operator.adapters.kube import FIELD_MANAGER
from quoting_operator.api.command import BY, PREFIX, Verb
from quoting_operator.api.schema import GROUP

FOLDER = Path(__file__).resolve().parents[1] / "argocd"
SCRIPTS = FOLDER / GROUP

ACTIONS = ("abort", "pause", "promote", "resume", "retry")
"""Commands that Argo CD offers on a QuotingPolicy; those that need more to be said are kubectl-quoting's."""


def health(kind: str) -> str:
    """The script that tells a kind's health."""
    return (SCRIPTS / kind / "health.lua").read_text()


def discovery(kind: str) -> str:
    """The script that tells which actions are offered."""
    return (SCRIPTS / kind / "actions" / "discovery.lua").read_text()


def action(kind: str, verb: str) -> str:
    """The script of one action."""
    return f'local verb = "{verb}"\n' + (SCRIPTS / kind / "actions" / "command.lua").read_text()


def config_map() -> dict[str, Any]:
    """A patch of argocd-cm."""
    data: dict[str, Any] = {}
    for kind in sorted(path.name for path in SCRIPTS.iterdir()):
        data[f"resource.customizations.health.{GROUP}_{kind}"] = health(kind)
    for kind in ("ImplementationSpec", "QuotingPolicy"):
        # Statuses change with every block of evidence. A change of health is noticed whatever is ignored.
        data[f"resource.customizations.ignoreResourceUpdates.{GROUP}_{kind}"] = "jsonPointers: [/status]\n"
    kind = "QuotingPolicy"
    definitions = [{"name": verb, "action.lua": action(kind, verb)} for verb in ACTIONS]
    actions = {"discovery.lua": discovery(kind), "definitions": definitions}
    data[f"resource.customizations.actions.{GROUP}_{kind}"] = yaml_text(actions)
    place = f"/metadata/annotations/{PREFIX.replace('/', '~1')}"
    commands = [f"{place}{verb}{end}" for verb in Verb for end in ("", BY)]
    ignored = {"jsonPointers": commands, "managedFieldsManagers": [FIELD_MANAGER]}
    data[f"resource.customizations.ignoreDifferences.{GROUP}_{kind}"] = yaml_text(ignored)
    # What the webhook fills in by itself: the authority to trust.
    webhooks = (
        "resource.customizations.ignoreDifferences.admissionregistration.k8s.io_MutatingWebhookConfiguration"
    )
    data[webhooks] = "jqPathExpressions: ['.webhooks[]?.clientConfig.caBundle']\n"
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": data}
