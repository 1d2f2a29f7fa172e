"""A world in which decisions are carried out: what the API server, sidecars and Prometheus would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from quoting_operator.api.breach_event import breach_event
from quoting_operator.api.command import Command, Verb
from quoting_operator.gates import DifferenceBlock, RejectedBlock
from quoting_operator.gates.block_reading import Answer, BlockReading, BlockRequest
from quoting_operator.rollout.decide import decide
from quoting_operator.rollout.decision import (
    CreateOnce,
    Decision,
    ForgetRevision,
    GrantAuthority,
    PostEvent,
    RevokeAuthority,
    StoreRevision,
    WriteImplementation,
)
from quoting_operator.rollout.observed import Observed, observed
from quoting_policy.domain import conformance
from quoting_policy.domain.conformance import ClampCount, ClampReport
from quoting_policy.domain.measures import IN_PAPER
from quoting_policy.domain.session import SessionEvidence, encode, packed
from quoting_policy.protocol.control import BreachLatched
from tests.resources import CANDIDATE, POLICY, Json, changed

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
META = {"name": "btc", "namespace": "desk", "uid": "u1", "generation": 3}
BASE = changed(POLICY, "metadata", META)
WITH_CANDIDATE = changed(BASE, "spec.candidate", CANDIDATE)
PODS = [
    {
        "metadata": {"name": name},
        "spec": {"initContainers": [{"name": "quoting-engine"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    for name in ("trader-0", "trader-1")
]

Measure = Callable[[str, int], float | None]
"""Gate and block -> its difference; None: the candidate is missing."""


def steadily(value: float, wobble: float = 0.1) -> Measure:
    """Differences around a value, of every gate."""
    return lambda _gate, block: value + wobble * (-1) ** block


def session(digest: str, index: int, value: float) -> bytes:
    """What a pod says that has replayed a session: differences around a value, of every metric."""
    rows = {name: [value + 0.1 * (-1) ** block for block in range(10)] for name in IN_PAPER}
    found = SessionEvidence(
        digest="e" * 64, candidate="candidate", index=index, name=f"session-{index}", block_s=60.0,
        metrics=tuple(rows), status="." * 10, values=packed(rows), revision=digest,
    )  # fmt: skip
    return encode(found)


def clamp_report(digest: str, *, holds: bool) -> bytes:
    """What a pod says that has tried the clamps."""
    count = ClampCount(exercised=9, bound=3, violated=0 if holds else 1)
    return conformance.encode(ClampReport(digest=digest, decisions=9, clamps={"max_position": count}))


class World:
    """A policy and everything around it; every decision is carried out, and time goes on."""

    def __init__(self, policy: Json = BASE, **seen: Any) -> None:
        self.policy, self.seen = policy, seen
        self.revisions: dict[str, Json] = {}
        self.created: dict[tuple[str, str], Json] = {}
        self.events: list[Json] = []
        self.told: list[PostEvent] = []
        self.lease: Json | None = seen.pop("lease", None)
        self.answer: Answer | None = None
        self.measure: Measure | None = None
        self.now = NOW
        self.writes = 0
        self.deaf: set[str] = set()
        self.last = self.now
        self.longest = timedelta(minutes=10)

    def observed(self) -> Observed:
        return observed(
            self.policy,
            revisions=self.revisions.values(),
            lease=self.lease,
            events=self.events,
            reading=self.answer,
            **self.seen,
        )

    def step(self, seconds: float = 1.0) -> Decision:
        if self.lease is not None and "spec" in self.lease and self.now - self.last <= self.longest:
            # Passes in between, which would only have renewed, are left out.
            self.lease["spec"]["renewTime"] = max(self.lease["spec"]["renewTime"], self._just_now())
        self.last = self.now
        decision = decide(self.observed(), self.now)
        for action in decision.actions:
            self._carry_out(action)
        status = decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.writes += status != self.policy.get("status")
        self.policy = changed(self.policy, "status", status)
        self._measured(decision.request)
        self.now += timedelta(seconds=seconds)
        return decision

    def replayed(self, value: float = 1.0, *, clamps_hold: bool = True, failed: tuple[int, ...] = ()) -> None:
        """The Jobs of the attempt end: sessions with differences around a value, but for those that fail."""
        jobs = [job for (kind, _), job in self.created.items() if kind == "Job"]
        self.seen["jobs"] = [self._over(job, failed) for job in jobs]
        self.seen["job_pods"] = [
            pod for job in jobs for pod in self._pods_of(job, value, clamps_hold=clamps_hold, failed=failed)
        ]

    def _over(self, job: Json, failed: tuple[int, ...]) -> Json:
        replays = "completionMode" in job["spec"]
        end = "Failed" if failed and replays else "Complete"
        condition = {"type": end, "status": "True", "reason": "FailedIndexes" if end == "Failed" else ""}
        over = changed(job, "status", {"conditions": [condition]})
        return changed(over, "metadata.uid", f"uid-{job['metadata']['name']}")

    def _pods_of(
        self, job: Json, value: float, *, clamps_hold: bool, failed: tuple[int, ...]
    ) -> Iterator[Json]:
        name, digest = job["metadata"]["name"], job["metadata"]["annotations"]["quoting.dev/digest"]
        for index in range(job["spec"].get("completions", 1)):
            lost = "completionMode" in job["spec"] and index in failed
            if "completionMode" in job["spec"]:
                message = session(digest, index, value)
            else:
                message = clamp_report(digest, holds=clamps_hold)
            ended = {
                "exitCode": 1 if lost else 0,
                "message": "Killed" if lost else message.decode(),
                "finishedAt": f"2026-11-21T09:00:{index:02d}Z",
            }
            yield {
                "metadata": {
                    "name": f"{name}-{index}",
                    "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
                    "ownerReferences": [{"uid": f"uid-{name}"}],
                },
                "status": {"containerStatuses": [{"name": "quoting", "state": {"terminated": ended}}]},
            }

    def edit(self, path: str, value: Any) -> Decision:
        self.policy = changed(self.policy, path, value)
        return self.step()

    def command(self, verb: str, **fields: str) -> Decision:
        told = Command(verb=Verb(verb), id=f"{verb}-{self.now.timestamp():.0f}", by="ann", **fields)
        annotations = {**self.policy["metadata"].get("annotations", {}), **told.annotations()}
        self.policy = changed(self.policy, "metadata.annotations", annotations)
        return self.step()

    def until(self, reached: Callable[[Decision], bool], what: str, seconds: float = 30.0) -> Decision:
        for _ in range(1000):
            decision = self.step(seconds)
            assert not decision.errors, decision.errors
            if reached(decision):
                return decision
        raise AssertionError(f"never {what}: {decision.status.phase}: {decision.status.message}")

    def breach(self, *, rehearsal: str = "", pod: str = "trader-0", digest: str = "") -> None:
        """An agent tells of a breach."""
        latched = BreachLatched(
            digest=digest or self.digest,
            breaches=("drill",) if rehearsal else ("max_loss",),
            instrument="BTC-USDT",
            wall_ns=int(self.now.timestamp() * 1e9),
            drill=bool(rehearsal),
        )
        event = breach_event(
            latched, namespace="desk", policy="btc", policy_uid="u1", pod=pod, pod_uid=f"uid-{pod}",
            rehearsal=rehearsal,
        )  # fmt: skip
        self.events.append(event)

    def _just_now(self) -> str:
        moment = self.now - timedelta(seconds=4)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    @property
    def digest(self) -> str:
        return str(self.policy["status"]["effective"]["digest"])

    def _carry_out(self, action: object) -> None:
        match action:
            case StoreRevision(revision):
                assert revision.name not in self.revisions
                self.revisions[revision.name] = revision.manifest(self.policy)
            case ForgetRevision(name):
                del self.revisions[name]
            case GrantAuthority(lease):
                version = int(lease["metadata"].get("resourceVersion", 0))
                assert version == (0 if self.lease is None else self.lease["metadata"]["resourceVersion"])
                self.lease = changed(dict(lease), "metadata.resourceVersion", version + 1)
                self._rehearse(self.lease)
            case RevokeAuthority():
                self.lease = None
            case CreateOnce(kind, manifest):
                self.created.setdefault((kind, manifest["metadata"]["name"]), dict(manifest))
            case WriteImplementation(_, status):
                written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
                self.seen["implementation"] = changed(self.seen["implementation"], "status", written)
            case PostEvent():
                self.told.append(action)

    def _rehearse(self, lease: Json) -> None:
        rehearsal = lease["metadata"]["annotations"].get("quoting.dev/drill", "")
        for pod in self.seen.get("pods", ()) if rehearsal else ():
            if pod["metadata"]["name"] not in self.deaf:
                self.breach(rehearsal=rehearsal, pod=pod["metadata"]["name"])

    def _measured(self, request: BlockRequest | None) -> None:
        """What Prometheus would say by now of the blocks that are wanted."""
        if request is None or self.measure is None:
            return
        last = int(self.now.timestamp() // request.block_length_s) - 1
        blocks = {
            gate.name: tuple(self._block(gate.name, index) for index in range(request.first, last + 1))
            for gate in request.gates
        }
        self.answer = Answer(request, BlockReading(blocks=blocks, last=max(last, request.first - 1)))

    def _block(self, gate: str, index: int) -> DifferenceBlock | RejectedBlock:
        from quoting_operator.gates import Rejection

        assert self.measure is not None
        value = self.measure(gate, index)
        if value is None:
            return RejectedBlock(index, Rejection.CANDIDATE_MISSING)
        return DifferenceBlock(index, value)
