"""What paper asks of the cluster: inputs frozen in a ConfigMap, an Indexed Job, and the report's Job."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from quoting_operator.api.rollout import PaperData, PaperStage
from quoting_operator.api.status import Plan
from quoting_operator.rollout.job_content import content_args, content_of
from quoting_operator.rollout.jobs import (
    INPUTS_DIR,
    INPUTS_KEY,
    MARKET_DIR,
    Mounted,
    Workplace,
    failure_policy,
    job_name,
    metadata,
    pod_template,
)
from quoting_operator.rollout.observed import Json
from quoting_operator.rollout.plan import rollout_of
from quoting_operator.rollout.revisions import StoredRevision
from quoting_policy.domain import Frozen, canonical_json
from quoting_policy.errors import InputError

RETRIES = 2
"""Times that a session is tried again."""

MOST_FAILED = 0
"""Sessions that may fail for good: without one of them nothing is promoted, so the others can be spared."""

_REPORT_DEADLINE_S = 7_200


def paper_name(policy: Json, digest: str, attempt: int) -> str:
    """Name of the Job and of its inputs."""
    return job_name(policy["metadata"]["name"], "paper", digest, attempt)


def report_name(policy: Json, digest: str) -> str:
    """Name of the ConfigMap that holds the report, ``report.html.gz`` under binaryData."""
    return f"{policy['metadata']['name']}-paper-{digest[:12]}-report"


def paper_inputs(policy: Json, stored: StoredRevision, plan: Plan, attempt: int) -> dict[str, Any]:
    """The immutable ConfigMap with everything that the pods of an attempt need."""
    name = paper_name(policy, stored.digest, attempt)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(policy, name, stored),
        "immutable": True,
        "data": {INPUTS_KEY: _text(policy, stored, plan, attempt)},
    }


def paper_job(
    policy: Json, stored: StoredRevision, plan: Plan, attempt: int, place: Workplace
) -> dict[str, Any]:
    """The Indexed Job that replays a session an index. Its command refuses inputs of another sha256."""
    stage = _stage(plan)
    name = paper_name(policy, stored.digest, attempt)
    content = content_of(policy, stored)
    args = ["paper-session", *_inputs_args(policy, stored, plan, attempt), *content_args(content)]
    volumes = [*_market(stage.data), *content]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(policy, name, stored),
        "spec": {
            "completionMode": "Indexed",
            "completions": stage.sessions,
            "parallelism": min(stage.parallelism, stage.sessions),
            "activeDeadlineSeconds": int(stage.deadline.total_seconds()),
            "backoffLimitPerIndex": RETRIES,
            "maxFailedIndexes": MOST_FAILED,
            "podFailurePolicy": failure_policy(),
            "template": pod_template(policy, stored, place, args, inputs=name, volumes=volumes),
        },
    }


def report_job(
    policy: Json, stored: StoredRevision, plan: Plan, attempt: int, place: Workplace
) -> dict[str, Any] | None:
    """The Job that replays the sessions once more for the report and stores it; None where none is wanted.

    It has a deadline of its own and decides nothing: evidence is what the sessions' own pods said.
    """
    stage = _stage(plan)
    if stage.report_service_account is None:
        return None
    name = job_name(policy["metadata"]["name"], "report", stored.digest, attempt)
    content = content_of(policy, stored)
    args = ["paper-report", *_inputs_args(policy, stored, plan, attempt), *content_args(content)]
    template = pod_template(
        policy, stored, place, args,
        inputs=paper_name(policy, stored.digest, attempt), volumes=[*_market(stage.data), *content],
        service_account=stage.report_service_account,
    )  # fmt: skip
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(policy, name, stored),
        "spec": {
            "activeDeadlineSeconds": _REPORT_DEADLINE_S,
            "backoffLimit": RETRIES,
            "podFailurePolicy": failure_policy(),
            "template": template,
        },
    }


def _stage(plan: Plan) -> PaperStage:
    stage = rollout_of(plan).paper
    if stage is None:
        raise InputError("status.plan.rollout.paper", None, "given", "the attempt is in paper")
    return stage


def _inputs_args(policy: Json, stored: StoredRevision, plan: Plan, attempt: int) -> list[str]:
    sha256 = hashlib.sha256(_text(policy, stored, plan, attempt).encode()).hexdigest()
    return [f"--inputs={INPUTS_DIR}/{INPUTS_KEY}", f"--sha256={sha256}"]


def _market(data: PaperData) -> list[Mounted]:
    if data.volume is None:
        return []
    claim = {"claimName": data.volume.claim_name, "readOnly": True}
    return [({"name": "market", "persistentVolumeClaim": claim}, {"mountPath": MARKET_DIR, "readOnly": True})]


def _text(policy: Json, stored: StoredRevision, plan: Plan, attempt: int) -> str:
    """What quoting_policy.paper.inputs reads. The same plan and revision give the same bytes."""
    stage = _stage(plan)
    budget = stage.exploration_budget
    report = metadata(policy, report_name(policy, stored.digest), stored)
    content = {
        "frozen": msgspec.json.decode(canonical_json(Frozen.of(stored.content))),
        "attempt": attempt,
        "gates": list(plan.gates),
        "sessions": stage.sessions,
        "blockS": stage.block_length.total_seconds(),
        "warmupS": stage.warmup.total_seconds(),
        "decisionS": stage.decision_ms / 1000,
        "orderLatencyMs": stage.order_latency_ms,
        "horizonS": None if stage.horizon is None else stage.horizon.total_seconds(),
        "exploration": None
        if budget is None
        else {"maxLoss": float(budget.max_loss), "quotesPercent": budget.quotes_percent},
        **_source(stage.data),
        "report": report,
    }
    return canonical_json(content).decode()


def _source(data: PaperData) -> dict[str, Any]:
    if data.volume is not None:
        return {"recorded": {"folder": f"{MARKET_DIR}/{data.volume.path.strip('/')}".rstrip("/")}}
    assert data.simulated is not None  # noqa: S101  the API server has seen to it
    simulated = data.simulated
    return {
        "simulated": {
            "seed": simulated.seed,
            "scenario": simulated.scenario.value,
            "sessionS": simulated.session_length.total_seconds(),
            "startPrice": None if simulated.start_price is None else str(simulated.start_price),
        }
    }
