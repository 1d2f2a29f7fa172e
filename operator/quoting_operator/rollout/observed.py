"""What a reconcile pass sees: objects as the API server returned them, read into types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import ValidationError

from quoting_operator.api.breach_event import (
    BREACH_AT,
    BREACH_CLAMPS,
    BREACH_DRILL,
    BREACH_POD,
    BREACH_REASON,
    BREACH_REHEARSAL,
)
from quoting_operator.api.lease import DIGEST
from quoting_operator.api.limits import RiskPolicyRef
from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.policy import PolicySpec
from quoting_operator.api.status import PolicyStatus
from quoting_operator.gates.block_reading import Answer
from quoting_operator.rollout.revisions import StoredRevision

Json = Mapping[str, Any]

ENGINE_CONTAINER = "quoting-engine"
"""Name of the sidecar's engine container: a pod that has it was injected."""

ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be used; takes its place."""

    message: str


@dataclass(frozen=True, slots=True)
class PodFact:
    """A pod that carries the policy's label and has not ended. ready: so that it can be asked to rehearse."""

    name: str
    injected: bool
    ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachFact:
    """A breach that an agent has told of by an Event. rehearsal: id of the rehearsal that asked for it."""

    digest: str
    clamps: tuple[str, ...]
    pod: str
    at: datetime
    rehearsal: str = ""

    @classmethod
    def read(cls, event: Json) -> Self | None:
        """From an Event; None for one that tells of no breach."""
        metadata = event["metadata"]
        written = metadata.get("annotations") or {}
        if event.get("reason") != BREACH_REASON or DIGEST not in written:
            return None
        stamp = written.get(BREACH_AT) or event.get("firstTimestamp") or metadata.get("creationTimestamp")
        drill = written.get(BREACH_DRILL, "false") == "true"
        return cls(
            digest=written[DIGEST],
            clamps=tuple(name for name in written.get(BREACH_CLAMPS, "").split(",") if name),
            pod=written.get(BREACH_POD, ""),
            at=datetime.fromisoformat(stamp),
            rehearsal=written.get(BREACH_REHEARSAL) or ("unnamed" if drill else ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that a decision about one policy is made from.

    policy: the object itself. switches: every KillSwitch of the cluster. risk: the ConfigMap that
    `spec.riskPolicyRef` names, None where there is none. revisions: by number. lease: the authority that
    sidecars see, None where there is none. breaches: that agents have told of. implementation: the
    ImplementationSpec that `spec.implementationRef` names. gate_sets: of the namespace. jobs, job_pods,
    config_maps (names): of the paper stage. reading: blocks that were asked for. paper_image: image of the
    paper stage's Jobs, empty where the operator was given none.
    """

    policy: Json
    meta: ObjectMeta
    spec: PolicySpec | Problem
    status: PolicyStatus
    switches: tuple[Json, ...] = ()
    risk: Json | None = None
    revisions: tuple[StoredRevision, ...] = ()
    lease: Json | None = None
    pods: tuple[PodFact, ...] = ()
    breaches: tuple[BreachFact, ...] = ()
    implementation: Json | None = None
    gate_sets: tuple[Json, ...] = ()
    jobs: tuple[Json, ...] = ()
    job_pods: tuple[Json, ...] = ()
    config_maps: frozenset[str] = frozenset()
    reading: Answer | None = None
    paper_image: str = ""

    @property
    def pinned(self) -> StoredRevision | None:
        """The revision that sidecars were told to run."""
        effective = self.status.effective
        if effective is None:
            return None
        return next((stored for stored in self.revisions if stored.name == effective.revision), None)


def observed(
    policy: Json,
    *,
    switches: Iterable[Json] = (),
    risk: Json | None = None,
    revisions: Iterable[Json] = (),
    lease: Json | None = None,
    pods: Iterable[Json] = (),
    events: Iterable[Json] = (),
    implementation: Json | None = None,
    gate_sets: Iterable[Json] = (),
    jobs: Iterable[Json] = (),
    job_pods: Iterable[Json] = (),
    config_maps: Iterable[str] = (),
    reading: Answer | None = None,
    paper_image: str = "",
) -> Observed:
    """Read what the API server returned. A status that cannot be read counts as none."""
    found = (StoredRevision.read(revision) for revision in revisions)
    return Observed(
        policy=policy,
        meta=ObjectMeta.model_validate(policy["metadata"]),
        spec=_spec(policy),
        status=_status(policy),
        switches=tuple(switches),
        risk=risk,
        revisions=tuple(sorted((r for r in found if r is not None), key=lambda stored: stored.number)),
        lease=lease,
        pods=tuple(sorted((_pod(p) for p in pods if not _ended(p)), key=lambda pod: pod.name)),
        breaches=tuple(sorted((b for b in map(BreachFact.read, events) if b), key=lambda breach: breach.at)),
        implementation=implementation,
        gate_sets=tuple(gate_sets),
        jobs=tuple(jobs),
        job_pods=tuple(job_pods),
        config_maps=frozenset(config_maps),
        reading=reading,
        paper_image=paper_image,
    )


def risk_policy_ref(policy: Json) -> RiskPolicyRef | None:
    """The reference to the risk limits, also where the rest of the spec is not usable."""
    written = (policy.get("spec") or {}).get("riskPolicyRef")
    try:
        return None if written is None else RiskPolicyRef.model_validate(written)
    except ValidationError:
        return RiskPolicyRef(name="unreadable")


def first_error(error: ValidationError, path: str) -> str:
    """The first complaint of pydantic, with the field's full path."""
    first = error.errors()[0]
    where = ".".join([path, *(str(part) for part in first["loc"])])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _spec(policy: Json) -> PolicySpec | Problem:
    try:
        return PolicySpec.model_validate(policy.get("spec"))
    except ValidationError as error:
        return Problem(first_error(error, "spec"))


def _status(policy: Json) -> PolicyStatus:
    try:
        return PolicyStatus.model_validate(policy.get("status") or {})
    except ValidationError:
        return PolicyStatus()


def _ended(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in ENDED


def _pod(pod: Json) -> PodFact:
    containers = pod["spec"].get("initContainers") or []
    conditions = (pod.get("status") or {}).get("conditions") or []
    return PodFact(
        name=pod["metadata"]["name"],
        injected=any(container["name"] == ENGINE_CONTAINER for container in containers),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
    )
