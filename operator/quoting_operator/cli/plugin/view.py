"""What a policy's view is made from: the object, its pods and the revision that quotes, read into types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.rollout import Rollout
from quoting_operator.api.status import GateStatus, PolicyStatus
from quoting_operator.gates import EvidenceMismatchError, GateSpec, GateState, from_status
from quoting_operator.injection.pod import SIDECAR_ANNOTATION
from quoting_operator.rollout.observed import ENDED, ENGINE_CONTAINER
from quoting_operator.rollout.plan import gates_of, rollout_of
from quoting_operator.rollout.revisions import StoredRevision
from quoting_policy.errors import InputError

Json = Mapping[str, Any]

AGENT_CONTAINER = "quoting-agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """A pod of the policy. engine, agent: empty where ready, else what is wrong. sidecar: its fingerprint."""

    name: str
    injected: bool
    engine: str = ""
    agent: str = ""
    restarts: int = 0
    sidecar: str = ""

    @property
    def ready(self) -> bool:
        """Whether both parts of the sidecar are ready."""
        return self.injected and not (self.engine or self.agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """Everything that is shown of a policy. revision, pods: None where they may not be read."""

    meta: ObjectMeta
    status: PolicyStatus
    created: datetime | None = None
    revision: StoredRevision | None = None
    pods: tuple[PodView, ...] | None = None

    @property
    def rollout(self) -> Rollout | None:
        """The course of the attempt, as it was frozen."""
        if self.status.plan is None:
            return None
        try:
            return rollout_of(self.status.plan)
        except ValidationError:
            return None

    def gate_state(self, shown: GateStatus) -> GateState | None:
        """A gate with the evidence that the status keeps; None where it cannot be read."""
        spec = self.gate_spec(shown.name)
        if spec is None:
            return None
        try:
            return from_status(spec, shown.evidence)
        except EvidenceMismatchError:
            return None

    def gate_spec(self, name: str) -> GateSpec | None:
        """A gate of the plan, as it holds in the stage at hand."""
        plan, rollout, stage = self.status.plan, self.rollout, self.status.stage
        if plan is None or rollout is None or stage is None:
            return None
        try:
            gates = gates_of(plan, rollout, stage)
        except InputError:
            return None
        return next((gate for gate in gates if gate.name == name), None)


def policy_view(
    policy: Json, *, revision: Json | None = None, pods: Iterable[Json] | None = None
) -> PolicyView:
    """Read what the API server returned. Raises InputError where the status is not one that we know."""
    try:
        status = PolicyStatus.model_validate(policy.get("status") or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(("status", *map(str, first["loc"])))
        raise InputError(
            where, first["input"], "as this version knows it", "use the operator's version"
        ) from None
    return PolicyView(
        meta=ObjectMeta.model_validate(policy["metadata"]),
        status=status,
        created=_moment(policy["metadata"].get("creationTimestamp")),
        revision=None if revision is None else StoredRevision.read(revision),
        pods=None if pods is None else tuple(sorted(map(pod_view, _alive(pods)), key=lambda pod: pod.name)),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def pod_view(pod: Json) -> PodView:
    """A pod as the API server tells of it."""
    status = pod.get("status") or {}
    states = {s["name"]: s for s in status.get("initContainerStatuses") or ()}
    containers = [c["name"] for c in pod["spec"].get("initContainers") or ()]
    ours = [states[name] for name in (ENGINE_CONTAINER, AGENT_CONTAINER) if name in states]
    return PodView(
        name=pod["metadata"]["name"],
        injected=ENGINE_CONTAINER in containers,
        engine=_trouble(states.get(ENGINE_CONTAINER), status),
        agent=_trouble(states.get(AGENT_CONTAINER), status),
        restarts=sum(state.get("restartCount", 0) for state in ours),
        sidecar=(pod["metadata"].get("annotations") or {}).get(SIDECAR_ANNOTATION, ""),
    )


def _alive(pods: Iterable[Json]) -> list[Json]:
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ENDED]


def _trouble(state: Json | None, pod_status: Json) -> str:
    """Why a container is not ready, in a word or two; empty where it is."""
    if state is None:
        return str(pod_status.get("reason") or pod_status.get("phase") or "not started")
    if state.get("ready"):
        return ""
    now = state.get("state") or {}
    for kind in ("waiting", "terminated"):
        if kind in now:
            return str(now[kind].get("reason") or kind)
    return "not ready"
