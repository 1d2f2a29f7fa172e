"""What is kept of each object: what a pass may read, in the shape that the API server gives it."""

from __future__ import annotations

from typing import Any

from quoting_operator.adapters.kube import Json

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
)
_EVENT = ("involvedObject", "reason", "message", "type", "firstTimestamp", "lastTimestamp", "eventTime")
_JOB = ("completions", "parallelism", "activeDeadlineSeconds", "suspend")


def trimmed(item: Json) -> Json:
    """Everything but who wrote what and when."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    if _APPLIED in (metadata.get("annotations") or {}):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != _APPLIED}
    return {**item, "metadata": metadata}


def named(item: Json) -> Json:
    """That it is there."""
    return {"metadata": _metadata(item)}


def event(item: Json) -> Json:
    """An Event: what it is about, and what it says."""
    return {"metadata": _metadata(item), **_only(item, _EVENT)}


def job(item: Json) -> Json:
    """A Job without the template of its pods."""
    return {
        "metadata": _metadata(item),
        "spec": _only(item.get("spec") or {}, _JOB),
        "status": item.get("status") or {},
    }


def pod(item: Json) -> Json:
    """A pod: its containers by name, how it is, and with which words its containers ended."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    kept_spec: Json = {
        group: [_only(container, ("name", "image", "restartPolicy")) for container in spec[group]]
        for group in ("initContainers", "containers")
        if spec.get(group)
    }
    kept_status: Json = _only(status, ("phase", "reason", "message"))
    kept_status["conditions"] = [
        _only(condition, ("type", "status", "reason"))
        for condition in status.get("conditions") or []
        if condition["type"] in ("Ready", "DisruptionTarget")
    ]
    for group in ("initContainerStatuses", "containerStatuses"):
        if status.get(group):
            kept_status[group] = [_container(one) for one in status[group]]
    return {"metadata": _metadata(item), "spec": kept_spec, "status": kept_status}


def _container(status: Json) -> Json:
    state = {how: said for how, said in (status.get("state") or {}).items() if how == "terminated"}
    return {**_only(status, ("name", "ready", "restartCount")), "state": state}


def _metadata(item: Json) -> Json:
    metadata: Json = item["metadata"]
    kept = _only(metadata, _METADATA)
    if annotations := metadata.get("annotations"):
        kept["annotations"] = {key: value for key, value in annotations.items() if key != _APPLIED}
    if owners := metadata.get("ownerReferences"):
        kept["ownerReferences"] = [_only(owner, ("kind", "name", "uid")) for owner in owners]
    return kept


def _only(item: Json, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: item[key] for key in keys if key in item}
