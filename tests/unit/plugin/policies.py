"""Policies in every state, as the API server would return them: evidence is made by the gates themselves."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from quoting_operator.api.policy import PolicySpec
from quoting_operator.api.status import PolicyStatus, RolloutStage
from quoting_operator.gates import Block, DifferenceBlock, RejectedBlock, Rejection, judge, start, update
from quoting_operator.injection.pod import SIDECAR_ANNOTATION, Sidecar, injected
from quoting_operator.rollout.evidence import gate_status
from quoting_operator.rollout.plan import GATE_STAGE, gates_of, levels, plan_of, rollout_of
from quoting_operator.rollout.revisions import StoredRevision, revision_name, wanted
from quoting_policy.domain import Limits, PortfolioLimits
from tests.resources import CANDIDATE, POLICY, Json, changed

NOW = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
GATES: list[Json] = [
    {"name": "profit", "metric": "pnl", "kind": "success"},
    {"name": "markout", "metric": "markout", "horizon": "1s", "kind": "guardrail", "margin": "0.2"},
    {"name": "excursion", "metric": "inventoryExcursion", "kind": "guardrail", "margin": "0.05",
     "dryRun": True},
    {"name": "present", "metric": "integrity", "kind": "integrity", "test": "proportion", "limit": 0.1},
]  # fmt: skip
WRITTEN: Json = {
    **changed(changed(POLICY, "spec.candidate", CANDIDATE), "spec.gates", GATES),
    "metadata": {
        "name": "btc",
        "namespace": "desk",
        "uid": "7f3c",
        "generation": 3,
        "resourceVersion": "812",
        "creationTimestamp": "2026-11-20T09:00:00Z",
    },
}
SPEC = PolicySpec.model_validate(WRITTEN["spec"])
REVISION = wanted(SPEC, SPEC.limits.to_domain(), {}, PortfolioLimits())
DIGEST = REVISION.digest()
BASELINE_ONLY = wanted(SPEC.model_copy(update={"candidate": None}), Limits(), {}, PortfolioLimits())
NAME = revision_name("btc", DIGEST)


def revision(number: int = 2) -> Json:
    """The ControllerRevision that quotes."""
    stored = StoredRevision(name=NAME, number=number, digest=DIGEST, content=REVISION)
    return {**stored.manifest(WRITTEN)}


def ago(**length: float) -> str:
    """A moment before now, as the API server writes it."""
    return (NOW - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def evidence(stage: RolloutStage, blocks: int, mean: float, *, missed: int = 0) -> list[Json]:
    """Status of the gates after so many blocks with this mean difference, sd 1; some more are missing."""
    plan = plan_of(SPEC, {})
    rollout = rollout_of(plan)
    gates = gates_of(plan, rollout, stage)
    found = []
    for gate, level in zip(gates, levels(plan, rollout, stage, gates, 1), strict=True):
        noise = random.Random(gate.name)
        state = start(gate, level, GATE_STAGE[stage])
        for i in range(blocks):
            scale = 0.05 if gate.name == "excursion" else 1.0
            block: Block = DifferenceBlock(i, scale * noise.gauss(mean, 1.0))
            state = update(state, block)
        for i in range(missed):
            state = update(state, RejectedBlock(blocks + i, Rejection.UNREACHABLE))
        found.append(gate_status(state, judge(state), stage).model_dump(mode="json", by_alias=True))
    return found


def conditions(**said: tuple[str, str, str]) -> list[Json]:
    """Conditions as (status, reason, message) by type."""
    return [
        {"type": kind, "status": status, "reason": reason, "message": message,
         "lastTransitionTime": ago(hours=1), "observedGeneration": 3}
        for kind, (status, reason, message) in said.items()
    ]  # fmt: skip


FINE = {
    "SpecValid": ("True", "Accepted", ""),
    "Reconciled": ("True", "Done", ""),
    "Diverged": ("False", "AsWished", ""),
    "Killed": ("False", "NotEngaged", ""),
    "SidecarsInjected": ("True", "Injected", ""),
}


def policy(phase: str, message: str, **status: Any) -> Json:
    """A policy with this status, checked against the model; values of status override the usual ones."""
    usual = {
        "observedGeneration": 3,
        "phase": phase,
        "message": message,
        "conditions": conditions(**FINE),
        "candidate": {"digest": DIGEST},
        "effective": {"arm": "Baseline", "revision": NAME, "digest": DIGEST, "exposurePercent": 0},
        "pods": {"total": 4, "withSidecar": 3},
        "attempt": 1,
        "fencing": 4,
        "plan": plan_of(SPEC, {}).model_dump(mode="json", by_alias=True),
        "history": [
            {"at": ago(days=2), "phase": "Baseline", "message": "no candidate; the baseline quotes"},
            {"at": ago(hours=3), "phase": phase, "digest": DIGEST, "message": message},
        ],
    }  # fmt: skip
    whole = {key: value for key, value in {**usual, **status}.items() if value is not None}
    PolicyStatus.model_validate(whole)
    return {**WRITTEN, "status": whole}


def staged(stage: str, **more: Any) -> Json:
    """Fields of a status in a stage."""
    return {"stageStartedAt": ago(hours=3), **more, "stage": stage}


def _effective(arm: str, share: int) -> Json:
    return {"arm": arm, "revision": NAME, "digest": DIGEST, "exposurePercent": share}


_BAD = "spec.candidate.params.halfSpread: -4 must be a finite number > 0"
_BREACH = "maxPosition crossed in pod trader-1"
_CANARY = staged("Canary", step=1, stepStartedAt=ago(hours=2, minutes=10))
_COMMAND = {"verb": "promote", "id": "1", "by": "ann", "reason": "looks right", "at": ago(minutes=8)}

POLICIES: dict[str, Json] = {
    "new": {key: value for key, value in WRITTEN.items() if key != "status"},
    "baseline": policy("Baseline", "no candidate; the baseline quotes", candidate=None, plan=None,
                       conditions=conditions(**FINE, BaselineUnproven=(
                           "True", "TakenAsGiven", "no rollout has proven the baseline"))),
    "paper": policy("Paper", "the baseline quotes; waiting for: evidence", **staged("Paper"),
                    gates=evidence(RolloutStage.PAPER, 12, 0.4),
                    paper={"job": "btc-paper", "sessions": 20, "finished": 7, "failed": 1}),
    "shadow": policy("Shadow", "the baseline quotes; waiting for: rollback-rehearsed is Unknown: not begun",
                     **staged("Shadow"), gates=evidence(RolloutStage.SHADOW, 60, 0.6),
                     paper={"job": "btc-paper", "sessions": 20, "finished": 20, "report": "btc-paper-report"},
                     conformance={"job": "btc-clamps", "state": "Passed", "message": "no limit was crossed"},
                     attested=[{"criterion": "reviewed", "digest": DIGEST, "by": "ann", "at": ago(hours=2)}],
                     rehearsal={"id": "r1", "state": "Running", "requestedAt": ago(minutes=1)}),
    "canary": policy("Canary", "step 2 of 3, the candidate quotes 20 % of the time; waiting for: evidence",
                     **_CANARY, effective=_effective("Candidate", 20),
                     gates=evidence(RolloutStage.CANARY, 13, 0.35)),
    "waiting for consent": policy(
        "Canary", "step 2 of 3, the candidate quotes 20 % of the time; waiting for: consent", **_CANARY,
        stepPassedAt=ago(minutes=5), effective=_effective("Candidate", 20),
        gates=evidence(RolloutStage.CANARY, 90, 0.8)),
    "consent given": policy(
        "Canary", "step 2 of 3, the candidate quotes 20 % of the time; waiting for: evidence", **_CANARY,
        effective=_effective("Candidate", 20), gates=evidence(RolloutStage.CANARY, 40, -0.05),
        approvals=[{"digest": DIGEST, "step": 1, "by": "ann", "reason": "looks right", "at": ago(minutes=8)}],
        commands=[{**_COMMAND, "done": True, "message": "step 2 may be left once its gates pass"},
                  {"verb": "abort", "id": "2", "by": "bob", "at": ago(minutes=9), "done": False,
                   "message": "abort needs a reason"}]),
    "paused": policy("Paused", "Canary: step 2 of 3, the candidate quotes 20 % of the time",
                     **_CANARY, effective=_effective("Candidate", 20),
                     paused={"verb": "pause", "id": "3", "by": "bob", "reason": "CPI at 14:30",
                             "at": ago(minutes=20), "done": True}),
    "blind": policy("Canary", "step 2 of 3, the candidate quotes 20 % of the time; waiting for: evidence",
                    **_CANARY, effective=_effective("Candidate", 20),
                    gates=evidence(RolloutStage.CANARY, 30, 0.3, missed=1),
                    blocks={"next": 2, "since": ago(hours=2), "lastAcceptedAt": ago(minutes=35)},
                    conditions=conditions(**FINE, GatesHealthy=(
                        "False", "Unreachable", "Prometheus cannot be reached: connection refused"))),
    "live": policy("Live", "the candidate quotes 95 % of the time, guarded by 4 gate(s)", **staged("Live"),
                   effective=_effective("Candidate", 95), gates=evidence(RolloutStage.LIVE, 300, 0.5)),
    "rolled back": policy(
        "RolledBack", f"Breach: {_BREACH}; the baseline quotes", **_CANARY,
        rollback={"digest": DIGEST, "reason": "Breach", "message": _BREACH, "clamps": ["maxPosition"],
                  "pod": "trader-1", "stage": "Canary", "at": ago(minutes=12)},
        quarantined=[{"digest": DIGEST, "reason": f"Breach: {_BREACH}", "at": ago(minutes=12)}],
        conditions=conditions(**{**FINE, "Diverged": ("True", "WishNotFollowed", f"Breach: {_BREACH}")})),
    "gate failed": policy(
        "RolledBack", "GateFailed: profit: ln E- reached 9.11 >= 6.17; the baseline quotes", **_CANARY,
        gates=evidence(RolloutStage.CANARY, 40, -1.2),
        rollback={"digest": DIGEST, "reason": "GateFailed", "message": "profit: ln E- reached 9.11 >= 6.17",
                  "stage": "Canary", "at": ago(minutes=12)},
        quarantined=[{"digest": "b" * 64, "reason": "aborted by bob: wrong file", "at": ago(days=3)},
                     {"digest": DIGEST, "reason": "GateFailed", "at": ago(minutes=12)}]),
    "expired": policy("Expired", "Shadow: deadline of 24h without enough evidence; the baseline quotes",
                      **staged("Shadow"), expired="Shadow: deadline of 24h without enough evidence",
                      gates=evidence(RolloutStage.SHADOW, 25, -0.02)),
    "killed": policy("Killed", "KillSwitch all: venue rejects orders (by risk); nothing quotes",
                     **_CANARY, effective=_effective("None", 0),
                     conditions=conditions(**{**FINE, "Killed": (
                         "True", "Engaged", "KillSwitch all: venue rejects orders (by risk)")})),
    "invalid": policy("Invalid", f"{_BAD}; the baseline quotes", candidate=None, plan=None,
                      conditions=conditions(**{**FINE, "SpecValid": ("False", "Refused", _BAD)})),
    "not yet judged": {**policy("Live", "the candidate quotes 95 % of the time", **staged("Live"),
                                effective=_effective("Candidate", 95), observedGeneration=2)},
}  # fmt: skip
"""By name of the state."""


def pod(name: str, *, engine: str = "", agent: str = "", bare: bool = False, restarts: int = 0) -> Json:
    """A pod of the policy. engine, agent: what they wait for, empty where they are ready."""
    made: Json = {
        "metadata": {"name": name, "namespace": "desk", "labels": {"quoting.dev/policy": "btc"}},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Running"},
    }
    if bare:
        return made
    made = injected(made, Sidecar(image="sidecar:1"))
    made["metadata"]["annotations"][SIDECAR_ANNOTATION] = "850f3801b7d6" + "0" * 52
    made["status"]["initContainerStatuses"] = [
        {
            "name": part,
            "ready": not trouble,
            "restartCount": restarts,
            "state": {"waiting": {"reason": trouble}} if trouble else {"running": {}},
        }
        for part, trouble in (("quoting-engine", engine), ("quoting-agent", agent))
    ]
    return made


PODS = [
    pod("trader-0"),
    pod("trader-1", engine="CrashLoopBackOff", restarts=7),
    pod("trader-2", agent="ContainerCreating"),
    pod("trader-3", bare=True),
]
