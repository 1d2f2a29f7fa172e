"""Weights and secret parameters in the pods of a Job: mounted by the kubelet, so nobody needs a right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from quoting_operator.rollout.jobs import Mounted
from quoting_operator.rollout.observed import Json
from quoting_operator.rollout.revisions import StoredRevision

CONTENT_DIR = "/content"


def content_of(policy: Json, stored: StoredRevision) -> list[Mounted]:
    """The keys that a revision needs, each mounted by itself; their places are what the spec names.

    A pod waits for one that does not exist yet. Whether it is of the right sha256 is seen by the command.
    """
    wanted = stored.content.content()
    if not wanted:
        return []
    sources = {sha256: source for sha256, source in _sources(policy["spec"]) if sha256 in wanted}
    return [_mounted(i, sources[sha256]) for i, sha256 in enumerate(sorted(sources))]


def content_args(content: Sequence[Mounted]) -> list[str]:
    """Arguments that tell a command where the content is."""
    return [f"--content={CONTENT_DIR}"] if content else []


def _sources(spec: Json) -> Iterator[tuple[str, dict[str, Any]]]:
    """By sha256, the source of a volume with that one key."""
    for arm in (spec["baseline"], spec.get("candidate") or {}):
        if weights := arm.get("weightsFrom"):
            ref = weights["configMapKeyRef"]
            yield weights["sha256"], {"configMap": {"name": ref["name"], "items": _items(ref)}}
        if params := arm.get("paramsFrom"):
            ref = params["secretKeyRef"]
            yield params["sha256"], {"secret": {"secretName": ref["name"], "items": _items(ref)}}


def _items(ref: Json) -> list[dict[str, str]]:
    return [{"key": ref["key"], "path": "content"}]


def _mounted(number: int, source: dict[str, Any]) -> Mounted:
    mount = {"mountPath": f"{CONTENT_DIR}/{number}", "readOnly": True}
    return {"name": f"content-{number}", **source}, {"name": f"content-{number}", **mount}
