"""Every generated file with its text."""

from __future__ import annotations

from pathlib import Path

from manifests.generate import argocd
from manifests.generate.written import as_yaml

MANIFESTS = Path(__file__).resolve().parents[1]


def files() -> dict[str, str]:
    """Path below manifests/ -> text."""
    return {"argocd/argocd-cm.yaml": as_yaml(argocd.config_map())}
