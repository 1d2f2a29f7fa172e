"""A pod that names a policy, given the sidecar: two native sidecar containers from one image.

The engine is the hot path. It has no token, no network of its own to open and a root file system it cannot
write. The agent has the pod's token, and the weights and secret parameters that the pod's annotations name;
the app has neither. No app can reach the agent's socket.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quoting_operator.api.policy import POLICY_LABEL

Json = dict[str, Any]

SIDECAR_ANNOTATION = "quoting.dev/sidecar"
"""sha256 of the injected parts: which sidecar a pod has, and whether a newer one is to be had."""

CONFIG_MAPS_ANNOTATION = "quoting.dev/weights-configmaps"
"""Names of ConfigMaps with learned weights, comma between them, that the agent alone gets to see."""

SECRETS_ANNOTATION = "quoting.dev/params-secrets"
"""Names of Secrets with parameters, likewise."""

GROUP_ID = 65532
"""Group that owns the engine's socket; every container of the pod is given it."""

SOCKET_DIR, CONTROL_DIR, STATE_DIR = "/run/quoting", "/run/quoting-control", "/var/lib/quoting"
SOCKET, CONTROL = f"{SOCKET_DIR}/engine.sock", f"{CONTROL_DIR}/engine.sock"
_TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  a path
CONTENT_DIR = "/run/quoting-content"
METRICS_PORT = 9464
TOKEN_SECONDS = 3607


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What is injected. pull_policy: of the image. Requests and limits are Kubernetes quantities."""

    image: str
    pull_policy: str = "IfNotPresent"
    engine_cpu: str = "50m"
    engine_memory: str = "128Mi"
    agent_cpu: str = "20m"
    agent_memory: str = "160Mi"


def policy_of(pod: Mapping[str, Any]) -> str:
    """The policy that a pod names; empty where it names none."""
    name: str = ((pod.get("metadata") or {}).get("labels") or {}).get(POLICY_LABEL, "")
    return name


def injected(pod: Mapping[str, Any], sidecar: Sidecar) -> Json:
    """The pod with the sidecar; unchanged where it names no policy. Injecting again changes nothing."""
    policy = policy_of(pod)
    if not policy:
        return dict(pod)
    patched = copy.deepcopy(dict(pod))
    spec = patched["spec"]
    # First in line: up before the app's own init containers, and down after the app.
    content = _content(patched["metadata"].get("annotations") or {})
    containers = [_engine(sidecar), _agent(sidecar, policy, content)]
    spec["initContainers"] = _merged(spec.get("initContainers"), containers, first=True)
    spec["volumes"] = _merged(spec.get("volumes"), [*_volumes(), *content])
    for container in spec["containers"]:
        mount = {"name": "quoting-socket", "mountPath": SOCKET_DIR, "readOnly": True}
        container["volumeMounts"] = _merged(container.get("volumeMounts"), [mount])
        container["env"] = _merged(container.get("env"), [{"name": "QUOTING_SOCKET", "value": SOCKET}])
    security = spec.setdefault("securityContext", {})
    groups = security.setdefault("supplementalGroups", [])
    if GROUP_ID not in groups:
        groups.append(GROUP_ID)
    annotations = patched["metadata"].setdefault("annotations", {})
    annotations[SIDECAR_ANNOTATION] = _fingerprint(sidecar, policy, content)
    _announce_metrics(annotations)
    return patched


def _merged(items: list[Json] | None, ours: list[Json], *, first: bool = False) -> list[Json]:
    """The items with ours among them, in place of those of the same name. first: ours lead the list."""
    mine = {item["name"]: item for item in ours}
    others = [item for item in items or [] if item["name"] not in mine]
    return [*ours, *others] if first else [*others, *ours]


def _hardened() -> Json:
    return {
        "runAsNonRoot": True,
        "runAsUser": GROUP_ID,
        "runAsGroup": GROUP_ID,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container(sidecar: Sidecar, name: str, args: list[str], cpu: str, memory: str) -> Json:
    return {
        "name": name,
        "image": sidecar.image,
        "imagePullPolicy": sidecar.pull_policy,
        "args": args,
        "restartPolicy": "Always",
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}},
        "securityContext": _hardened(),
    }


def _engine(sidecar: Sidecar) -> Json:
    args = [
        "engine",
        f"--socket={SOCKET}",
        f"--control={CONTROL}",
        f"--state-dir={STATE_DIR}",
    ]
    return _container(sidecar, "quoting-engine", args, sidecar.engine_cpu, sidecar.engine_memory) | {
        "volumeMounts": [
            {"name": "quoting-socket", "mountPath": SOCKET_DIR},
            {"name": "quoting-control", "mountPath": CONTROL_DIR},
            {"name": "quoting-state", "mountPath": STATE_DIR},
            # Something has to be mounted here, or the API server mounts the pod's token.
            {"name": "quoting-no-token", "mountPath": _TOKEN_DIR, "readOnly": True},
        ],
    }


def _content(annotations: Mapping[str, str]) -> list[Json]:
    """Volumes for what revisions name by sha256. One that does not exist keeps no pod from starting."""
    config_maps = [
        {"configMap": {"name": name, "optional": True}}
        for name in _names(annotations, CONFIG_MAPS_ANNOTATION)
    ]
    secrets = [
        {"secret": {"secretName": name, "optional": True}} for name in _names(annotations, SECRETS_ANNOTATION)
    ]
    sources: list[Json] = [*config_maps, *secrets]
    return [{"name": f"quoting-content-{i}", **source} for i, source in enumerate(sources)]


def _names(annotations: Mapping[str, str], annotation: str) -> list[str]:
    return sorted({name.strip() for name in annotations.get(annotation, "").split(",")} - {""})


def _agent(sidecar: Sidecar, policy: str, content: list[Json]) -> Json:
    args = ["pod-agent", f"--control={CONTROL}", f"--policy={policy}", "--host=0.0.0.0"]
    args.append(f"--port={METRICS_PORT}")
    if content:
        args.append(f"--content={CONTENT_DIR}")
    probe = {"path": "/healthz", "port": METRICS_PORT}
    return _container(sidecar, "quoting-agent", args, sidecar.agent_cpu, sidecar.agent_memory) | {
        "ports": [{"name": "quoting-metrics", "containerPort": METRICS_PORT}],
        # The app starts once the agent answers; it is ready for traffic once the engine may quote.
        "startupProbe": {"httpGet": probe, "periodSeconds": 1, "failureThreshold": 60, "timeoutSeconds": 2},
        "livenessProbe": {"httpGet": probe, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 5},
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": METRICS_PORT},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
        },
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        ],
        "volumeMounts": [
            {"name": "quoting-control", "mountPath": CONTROL_DIR},
            {"name": "quoting-token", "mountPath": _TOKEN_DIR, "readOnly": True},
            *(
                {"name": volume["name"], "mountPath": f"{CONTENT_DIR}/{i}", "readOnly": True}
                for i, volume in enumerate(content)
            ),
        ],
    }


def _volumes() -> list[Json]:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}}
    authority = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    where = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    in_memory = {"medium": "Memory", "sizeLimit": "1Mi"}
    return [
        {"name": "quoting-socket", "emptyDir": in_memory},
        {"name": "quoting-control", "emptyDir": in_memory},
        {"name": "quoting-state", "emptyDir": {"sizeLimit": "1Mi"}},
        {"name": "quoting-no-token", "emptyDir": in_memory},
        {
            "name": "quoting-token",
            "projected": {"sources": [token, authority, {"downwardAPI": {"items": [where]}}]},
        },
    ]


def _announce_metrics(annotations: Json) -> None:
    """Tell Prometheus where to scrape, unless the app has told it something already."""
    if "prometheus.io/port" not in annotations:
        annotations["prometheus.io/scrape"] = "true"
        annotations["prometheus.io/port"] = str(METRICS_PORT)
        annotations["prometheus.io/path"] = "/metrics"


def _fingerprint(sidecar: Sidecar, policy: str, content: list[Json]) -> str:
    parts = [asdict(sidecar), _engine(sidecar), _agent(sidecar, policy, content), [*_volumes(), *content]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
