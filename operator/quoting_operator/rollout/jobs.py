"""Jobs that prove something about one revision: how they are named, hardened, and read when they end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quoting_operator.api.lease import DIGEST
from quoting_operator.api.metadata import owner_of
from quoting_operator.rollout.observed import Json
from quoting_operator.rollout.revisions import StoredRevision

PAPER_LABEL = "quoting.dev/paper"
"""Label of the Jobs, pods and ConfigMaps of the paper stage that names their policy."""

BAD_INPUT = 2
"""Exit status of a command that was given something it can never use: trying again would not help."""

INPUTS_DIR, INPUTS_KEY, MARKET_DIR = "/inputs", "paper.json", "/market"

Mounted = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A volume, and how a container mounts it."""

_LONGEST = 56
"""A pod's host name is the Job's name, a dash and its index, up to 9999, and has at most 63 characters."""

_USER = 65532
_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the pods of a Job are made from: image, its pull policy, Kubernetes quantities."""

    image: str
    pull_policy: str = "IfNotPresent"
    cpu: str = "500m"
    memory: str = "1Gi"
    scratch: str = "512Mi"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pod's container ended. index: of an Indexed Job, -1 elsewhere. at: RFC 3339, so it sorts."""

    pod: str
    index: int
    exit_code: int
    message: str
    at: str


def job_name(policy: str, kind: str, digest: str, attempt: int) -> str:
    """Name of a Job; a policy's name that is long, or has dots, is cut and told by its hash."""
    tail = f"{kind}-{digest[:12]}-{attempt}"
    room = _LONGEST - len(tail) - 1
    if len(policy) > room or "." in policy:
        told = hashlib.sha256(policy.encode()).hexdigest()[:8]
        policy = f"{policy.replace('.', '-')[: room - 9].rstrip('-')}-{told}"
    return f"{policy}-{tail}"


def metadata(policy: Json, name: str, stored: StoredRevision) -> dict[str, Any]:
    """Metadata of what belongs to a policy's proofs: found by label, bound to the digest, deleted with it."""
    meta = policy["metadata"]
    return {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {PAPER_LABEL: meta["name"]},
        "annotations": {DIGEST: stored.digest},
        "ownerReferences": [owner_of(policy)],
    }


def pod_template(
    policy: Json,
    stored: StoredRevision,
    place: Workplace,
    args: Sequence[str],
    *,
    inputs: str,
    volumes: Iterable[Mounted] = (),
    service_account: str | None = None,
) -> dict[str, Any]:
    """Template of a pod that reads its inputs and writes to /tmp and its termination message only.

    inputs: ConfigMap mounted at /inputs. volumes: more of them, each with its mount. service_account: whose
    token it has; left out, it has none.
    """
    mounted: list[Mounted] = [
        ({"name": "inputs", "configMap": {"name": inputs}}, {"mountPath": INPUTS_DIR, "readOnly": True}),
        ({"name": "tmp", "emptyDir": {"sizeLimit": place.scratch}}, {"mountPath": "/tmp"}),  # noqa: S108  a volume of the pod's own
        *volumes,
    ]
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": service_account is not None,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(place, args, mounted)],
        "volumes": [dict(volume) for volume, _ in mounted],
    }  # fmt: skip
    if service_account is not None:
        spec["serviceAccountName"] = service_account
    labels = {PAPER_LABEL: policy["metadata"]["name"]}
    return {"metadata": {"labels": labels, "annotations": {DIGEST: stored.digest}}, "spec": spec}


def _container(place: Workplace, args: Sequence[str], mounted: Iterable[Mounted]) -> dict[str, Any]:
    return {
        "name": "quoting",
        "image": place.image,
        "imagePullPolicy": place.pull_policy,
        "args": list(args),
        # Compiled code and fonts are cached where something may be written.
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108  as above
            {"name": "NUMBA_CACHE_DIR", "value": "/tmp/numba"},  # noqa: S108  as above
            {"name": "MPLCONFIGDIR", "value": "/tmp/matplotlib"},  # noqa: S108  as above
        ],
        "resources": {
            "requests": {"cpu": place.cpu, "memory": place.memory},
            "limits": {"memory": place.memory},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": volume["name"], **mount} for volume, mount in mounted],
    }


def failure_policy() -> dict[str, Any]:
    """A drained node is nobody's failure; input that can never be used fails the Job at once."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": "quoting", "operator": "In", "values": [BAD_INPUT]},
            },
        ]
    }


def endings(job: Json, pods: Iterable[Json]) -> Iterator[Ended]:
    """How the pods of this very Job ended, in order of time. Pods of a namesake before it do not count."""
    found = (_ended(pod) for pod in pods if _belongs(pod, job))
    yield from sorted((ended for ended in found if ended), key=lambda ended: (ended.at, ended.pod))


def finished(job: Json) -> tuple[bool, str]:
    """Whether a Job has ended for good, and why, if it failed."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("status") != "True" or condition.get("type") not in ("Complete", "Failed"):
            continue
        failed = condition["type"] == "Failed"
        return True, f"{condition.get('reason', '')}: {condition.get('message', '')}" if failed else ""
    return False, ""


def _belongs(pod: Json, job: Json) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == job["metadata"]["uid"] for owner in owners)


def _ended(pod: Json) -> Ended | None:
    meta = pod["metadata"]
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        ended = (status.get("state") or {}).get("terminated")
        if status.get("name") != "quoting" or ended is None:
            continue
        marks = {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}
        index = str(marks.get(_INDEX, ""))
        return Ended(
            pod=meta["name"],
            index=int(index) if index.isdecimal() else -1,
            exit_code=ended.get("exitCode", -1),
            message=ended.get("message") or "",
            at=ended.get("finishedAt") or "",
        )
    return None
