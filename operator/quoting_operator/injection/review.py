"""AdmissionReview in, AdmissionReview out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from quoting_operator.injection.pod import Json, Sidecar, injected

_PARTS = (
    ("metadata", "annotations"),
    ("spec", "initContainers"),
    ("spec", "containers"),
    ("spec", "volumes"),
    ("spec", "securityContext"),
)


def reviewed(review: Mapping[str, Any], sidecar: Sidecar) -> Json:
    """The answer to a review of a pod: allowed, with the patch that injects the sidecar where one is due.

    Raises KeyError or TypeError where the review is none of a pod.
    """
    request = review["request"]
    pod = request["object"]
    response: Json = {"uid": request["uid"], "allowed": True}
    if operations := patch(pod, injected(pod, sidecar)):
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}


def patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Json]:
    """JSON patch between two versions of a pod, one operation for each part that differs."""
    return [
        {"op": "add", "path": f"/{parent}/{part}", "value": after[parent][part]}
        for parent, part in _PARTS
        if before[parent].get(part) != after[parent].get(part)
    ]
