"""Every generated file with its text."""

from __future__ import annotations

from pathlib import Path

from manifests.generate import argocd, namespaced, scraping
from manifests.generate.alerts import groups
from manifests.generate.process_dashboards import operator, sidecar
from manifests.generate.rollout_dashboards import overview, policy
from manifests.generate.written import as_json, as_yaml

MANIFESTS = Path(__file__).resolve().parents[1]

DASHBOARDS = {"overview": overview, "policy": policy, "sidecar": sidecar, "operator": operator}
"""File name -> dashboard. Every query names what our code exports; tests hold that."""


def files() -> dict[str, str]:
    """Path below manifests/ -> text."""
    dashboards = {f"monitoring/dashboards/{name}.json": as_json(make()) for name, make in DASHBOARDS.items()}
    return {
        "argocd/argocd-cm.yaml": as_yaml(argocd.config_map()),
        "components/monitoring/pod-monitors.yaml": as_yaml(*scraping.monitors()),
        "components/monitoring/prometheus-rule.yaml": as_yaml(scraping.prometheus_rule()),
        "components/monitoring-plain/scrape.yaml": as_yaml({"scrape_configs": scraping.scrape_configs()}),
        "components/monitoring-plain/rules.yaml": as_yaml({"groups": groups()}),
        "overlays/namespaced/cluster-role.yaml": as_yaml(namespaced.cluster_role()),
        "overlays/namespaced/desk/rbac.yaml": as_yaml(*namespaced.in_namespace()),
        **dashboards,
    }
