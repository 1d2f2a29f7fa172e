"""The Job that proves the clamps for one digest, and what its pod says in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from quoting_operator.api.lease import DIGEST
from quoting_operator.api.status import ProofState
from quoting_operator.rollout.job_content import content_args, content_of
from quoting_operator.rollout.jobs import (
    INPUTS_DIR,
    Workplace,
    endings,
    failure_policy,
    finished,
    job_name,
    metadata,
    pod_template,
)
from quoting_operator.rollout.observed import Json
from quoting_operator.rollout.revisions import StoredRevision
from quoting_policy.domain import Frozen, canonical_json
from quoting_policy.domain.conformance import ClampReport, decode
from quoting_policy.errors import InputError

REVISION_KEY = "revision.json"
DEADLINE_S = 1_800
RETRIES = 2


@dataclass(frozen=True, slots=True)
class ConformanceProgress:
    """state: what is shown about the digest. message: in a sentence. report: what the pod said, if it did."""

    state: ProofState = ProofState.RUNNING
    message: str = ""
    report: ClampReport | None = None


def conformance_name(policy: Json, digest: str, attempt: int) -> str:
    """Name of the Job and of its inputs."""
    return job_name(policy["metadata"]["name"], "clamps", digest, attempt)


def conformance_inputs(policy: Json, stored: StoredRevision, attempt: int) -> dict[str, Any]:
    """The immutable ConfigMap with the revision."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(policy, conformance_name(policy, stored.digest, attempt), stored),
        "immutable": True,
        "data": {REVISION_KEY: canonical_json(Frozen.of(stored.content)).decode()},
    }


def conformance_job(policy: Json, stored: StoredRevision, attempt: int, place: Workplace) -> dict[str, Any]:
    """The Job. Its command refuses a revision of another digest than the one in its arguments."""
    name = conformance_name(policy, stored.digest, attempt)
    content = content_of(policy, stored)
    args = ["conformance", f"--revision={INPUTS_DIR}/{REVISION_KEY}", f"--digest={stored.digest}"]
    args += content_args(content)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(policy, name, stored),
        "spec": {
            "activeDeadlineSeconds": DEADLINE_S,
            "backoffLimit": RETRIES,
            "podFailurePolicy": failure_policy(),
            "template": pod_template(policy, stored, place, args, inputs=name, volumes=content),
        },
    }


def conformance_progress(job: Json | None, pods: Iterable[Json]) -> ConformanceProgress:
    """Read the Job and its pods; only a whole message for this digest that says so counts as passed."""
    if job is None:
        return ConformanceProgress(message="not begun")
    digest = (job["metadata"].get("annotations") or {}).get(DIGEST, "")
    ended = [ending for ending in endings(job, pods) if ending.exit_code == 0]
    problem = ""
    for ending in reversed(ended):
        try:
            report = decode(ending.message.encode())
            if not digest or report.digest != digest:
                raise InputError("conformance.digest", report.digest, f"{digest}, the revision at hand")
        except InputError as error:
            problem = f"pod {ending.pod}: {error}"
            continue
        state = ProofState.PASSED if report.passed else ProofState.FAILED
        return ConformanceProgress(state, report.summary[:1024], report)
    done, why = finished(job)
    if not done:
        return ConformanceProgress(message=problem[:1024])
    said = next((e.message.strip().splitlines()[-1:] for e in reversed(list(endings(job, pods)))), [])
    words = "; ".join(filter(None, [why, problem, *said])) or "no pod of it has left its findings"
    return ConformanceProgress(ProofState.FAILED, words[:1024])
