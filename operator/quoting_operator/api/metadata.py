"""Object metadata and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from quoting_operator.api.schema import API_VERSION, StatusModel, Text


class ObjectMeta(StatusModel):
    """What we use of an object's metadata."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


def owner_of(policy: Mapping[str, Any]) -> dict[str, str]:
    """The reference by which an object is deleted with its QuotingPolicy."""
    metadata = policy["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": "QuotingPolicy",
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


class Truth(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(StatusModel):
    """One observation of an object's state, as all of Kubernetes writes them."""

    type: str = Field(max_length=63)
    """What is observed."""
    status: Truth
    """Whether it holds."""
    reason: str = Field(max_length=63)
    """One word, for programs."""
    message: Text = ""
    """A sentence, for people."""
    last_transition_time: datetime
    """When `status` changed."""
    observed_generation: int = 0
    """Generation of the object that was looked at."""


def transitioned(before: Iterable[Condition], now: Iterable[Condition]) -> tuple[Condition, ...]:
    """Conditions as they are now, sorted; one whose status stayed keeps the time of its last transition."""
    old = {condition.type: condition for condition in before}
    kept = []
    for condition in now:
        previous = old.get(condition.type)
        since = condition.last_transition_time
        if previous is not None and previous.status is condition.status:
            since = previous.last_transition_time
        kept.append(condition.model_copy(update={"last_transition_time": since}))
    return tuple(sorted(kept, key=lambda condition: condition.type))
