"""What Prometheus scrapes, for the Prometheus operator and for a plain Prometheus.

Series of pods carry namespace, pod, pod_uid and the policy's name, all of them from Kubernetes: a pod that
says in its own metrics that it is another's is not believed. Only the operator is: it speaks about others.
"""

from __future__ import annotations

from typing import Any

from manifests.generate.alerts import groups
from quoting_operator.api.policy import POLICY_LABEL

Json = dict[str, Any]

NAMESPACE = "quoting-system"
OPERATOR, WEBHOOK = "quoting-operator", "quoting-webhook"
_META = "__meta_kubernetes_pod"
_POLICY = f"{_META}_label_{POLICY_LABEL.replace('.', '_').replace('/', '_')}"


def _labels(snake: bool) -> list[Json]:
    """Labels taken from the pod, in Prometheus' spelling or in that of the Prometheus operator."""
    source, target = ("source_labels", "target_label") if snake else ("sourceLabels", "targetLabel")
    names = {f"{_META}_uid": "pod_uid", _POLICY: "policy"}
    return [{source: [meta], target: label} for meta, label in names.items()]


def monitors() -> list[Json]:
    """PodMonitors: one for the sidecars of every namespace, one for the operator, one for the webhook."""
    return [
        _monitor(
            "quoting-sidecars",
            {"matchExpressions": [{"key": POLICY_LABEL, "operator": "Exists"}]},
            {"port": "quoting-metrics", "relabelings": _labels(snake=False)},
            {"any": True},
        ),
        _monitor(OPERATOR, _named(OPERATOR), {"port": "http", "honorLabels": True}),
        _monitor(WEBHOOK, _named(WEBHOOK), {"port": "http"}),
    ]


def _named(name: str) -> Json:
    return {"matchLabels": {"app.kubernetes.io/name": name}}


def _monitor(name: str, selector: Json, endpoint: Json, namespaces: Json | None = None) -> Json:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": selector,
            **({} if namespaces is None else {"namespaceSelector": namespaces}),
            "podMetricsEndpoints": [{"path": "/metrics", **endpoint}],
        },
    }


def prometheus_rule() -> Json:
    """The alerts, for the Prometheus operator."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "quoting", "namespace": NAMESPACE},
        "spec": {"groups": groups()},
    }


def scrape_configs() -> list[Json]:
    """Jobs for a plain Prometheus, by the customary annotations."""
    ours = {"source_labels": [f"{_META}_label_app_kubernetes_io_name", "__meta_kubernetes_namespace"],
            "separator": "/", "regex": f"{OPERATOR}/{NAMESPACE}"}  # fmt: skip
    return [
        {**_job("quoting-pods"), "relabel_configs": [{**ours, "action": "drop"}, *_relabelled()]},
        {
            **_job(OPERATOR),
            "honor_labels": True,
            "relabel_configs": [{**ours, "action": "keep"}, *_relabelled()],
        },
    ]


def _job(name: str) -> Json:
    return {"job_name": name, "kubernetes_sd_configs": [{"role": "pod"}]}


def _relabelled() -> list[Json]:
    annotation = f"{_META}_annotation_prometheus_io"
    return [
        {"source_labels": [f"{annotation}_scrape"], "regex": "true", "action": "keep"},
        {"source_labels": [f"{_META}_phase"], "regex": "Succeeded|Failed", "action": "drop"},
        {
            # Discovery offers every port of every container; by the annotation's port they are one target.
            "source_labels": ["__address__", f"{annotation}_port"],
            "regex": r"(.+?)(?::\d+)?;(\d+)",
            "replacement": "$1:$2",
            "target_label": "__address__",
        },
        {"source_labels": [f"{annotation}_path"], "regex": "(.+)", "target_label": "__metrics_path__"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": [f"{_META}_name"], "target_label": "pod"},
        *_labels(snake=True),
    ]
