"""The hand-over contract: which artifacts and exit criteria of an ImplementationSpec are met for a digest."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from quoting_operator.api.implementation import (
    Artifact,
    CriterionState,
    CriterionStatus,
    ImplementationSpecSpec,
    ImplementationStatus,
)
from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.status import PolicyStatus, ProofState, RolloutStage
from quoting_operator.rollout.decision import Draft, WriteImplementation
from quoting_operator.rollout.observed import Observed, Problem, first_error

PAPER_STABILITY, CLAMPS_PROVEN = "paper-stability", "clamps-proven"
ROLLBACK_REHEARSED = "rollback-rehearsed"
TO_LEAVE_SHADOW = (CLAMPS_PROVEN, ROLLBACK_REHEARSED)
"""Proofs that every candidate needs before it may touch the market, with an ImplementationSpec or without."""

PAPER_REPORT = "report:paper"
"""Reference of an artifact that the operator itself makes: the paper canary report."""

_BEYOND_PAPER = frozenset({RolloutStage.SHADOW, RolloutStage.CANARY, RolloutStage.LIVE})


def criteria(seen: Observed, draft: Draft) -> Draft:
    """Hold the rollout for what is not met for the digest at hand, and write the state of the contract."""
    status, pinned = draft.status, seen.pinned
    if pinned is None or status.stage is None:
        return draft
    proofs = _proofs(status, pinned.digest)
    if status.stage is RolloutStage.SHADOW:
        draft = draft.holding(*(_unmet(proofs[name]) for name in TO_LEAVE_SHADOW))
    if isinstance(seen.spec, Problem) or seen.spec.implementation_ref is None:
        return draft
    name = seen.spec.implementation_ref.name
    contract = _read(seen, name)
    if isinstance(contract, Problem):
        return draft.holding(contract.message).finding(
            "ImplementationMet", False, "Unusable", contract.message
        )
    found = state_of(contract, status, pinned.digest)
    draft = draft.holding(*_held(found, status.stage))
    missing = [item.name for item in (*found.artifacts, *found.exit_criteria) if _unmet(item)]
    draft = draft.finding(
        "ImplementationMet", not missing, "Met" if not missing else "Missing", ", ".join(missing)
    )
    return _written(seen, draft, name, found)


def state_of(contract: ImplementationSpecSpec, status: PolicyStatus, digest: str) -> ImplementationStatus:
    """State of every artifact and criterion for a digest."""
    proofs = _proofs(status, digest)
    return ImplementationStatus(
        artifacts=tuple(_artifact(artifact, status, digest) for artifact in contract.artifacts),
        exit_criteria=tuple(
            proofs.get(criterion.name) or _attested(criterion.name, status, digest)
            for criterion in contract.exit_criteria
        ),
    )


def _read(seen: Observed, name: str) -> ImplementationSpecSpec | Problem:
    if seen.implementation is None:
        return Problem(f"spec.implementationRef.name: ImplementationSpec {name} does not exist; create it")
    try:
        contract = ImplementationSpecSpec.model_validate(seen.implementation.get("spec"))
    except ValidationError as error:
        return Problem(f"ImplementationSpec {name}: {first_error(error, 'spec')}")
    absent = [key for key in contract.required_keys if not contract.inputs.get(key)]
    if absent:
        return Problem(f"ImplementationSpec {name}: spec.inputs.{absent[0]} is required and missing")
    if contract.namespace != seen.meta.namespace:
        return Problem(
            f"ImplementationSpec {name}: spec.namespace: {contract.namespace!r} must be"
            f" {seen.meta.namespace}, where its policy is"
        )
    return contract


def _held(found: ImplementationStatus, stage: RolloutStage) -> list[str]:
    """What of the contract keeps this stage from being left."""
    if stage is RolloutStage.PAPER:
        asked = [*found.artifacts, *(c for c in found.exit_criteria if c.name == PAPER_STABILITY)]
    elif stage is RolloutStage.SHADOW:
        asked = [*found.artifacts, *found.exit_criteria]
    else:
        return []
    return [_unmet(item) for item in asked]


def _unmet(item: CriterionStatus) -> str:
    return "" if item.state is CriterionState.MET else f"{item.name} is {item.state}: {item.evidence}"


def _proofs(status: PolicyStatus, digest: str) -> dict[str, CriterionStatus]:
    """The criteria that the operator itself can show."""
    table: dict[str, Callable[[PolicyStatus], tuple[CriterionState, str]]] = {
        PAPER_STABILITY: _paper,
        CLAMPS_PROVEN: _clamps,
        ROLLBACK_REHEARSED: _rehearsal,
    }
    return {
        name: CriterionStatus(name=name, state=state, evidence=words, digest=digest)
        for name, (state, words) in ((name, look(status)) for name, look in table.items())
    }


def _paper(status: PolicyStatus) -> tuple[CriterionState, str]:
    if status.stage in _BEYOND_PAPER:
        return CriterionState.MET, f"the gates of paper passed in attempt {status.attempt}"
    paper = status.paper
    if paper is None or paper.finished + paper.failed < paper.sessions:
        return CriterionState.UNKNOWN, "paper has not ended"
    if status.gates and all(
        gate.verdict == "Pass" or gate.dry_run or gate.message.startswith("Watching") for gate in status.gates
    ):
        return CriterionState.MET, f"the gates of paper pass over {paper.finished} sessions"
    return CriterionState.NOT_MET, "the gates of paper do not pass"


_PROOF = {
    ProofState.RUNNING: CriterionState.UNKNOWN,
    ProofState.PASSED: CriterionState.MET,
    ProofState.FAILED: CriterionState.NOT_MET,
}


def _clamps(status: PolicyStatus) -> tuple[CriterionState, str]:
    proof = status.conformance
    return (
        (CriterionState.UNKNOWN, "not begun")
        if proof is None
        else (_PROOF[proof.state], proof.message or "runs")
    )


def _rehearsal(status: PolicyStatus) -> tuple[CriterionState, str]:
    proof = status.rehearsal
    return (
        (CriterionState.UNKNOWN, "not begun")
        if proof is None
        else (_PROOF[proof.state], proof.message or "runs")
    )


def _attested(name: str, status: PolicyStatus, digest: str) -> CriterionStatus:
    stated = next((a for a in status.attested if a.criterion == name and a.digest == digest), None)
    if stated is None:
        words = "nothing here can check it; `kubectl quoting attest` states it"
        return CriterionStatus(name=name, state=CriterionState.UNKNOWN, evidence=words, digest=digest)
    words = f"stated by {stated.by}: {stated.reason}"
    return CriterionStatus(name=name, state=CriterionState.MET, evidence=words[:1024], digest=digest)


def _artifact(artifact: Artifact, status: PolicyStatus, digest: str) -> CriterionStatus:
    """An artifact is present when its content is fixed by a digest, or when the operator made it itself."""
    if artifact.reference == PAPER_REPORT:
        made = status.paper is not None and bool(status.paper.report)
        state = CriterionState.MET if made else CriterionState.UNKNOWN
        words = f"ConfigMap {status.paper.report}" if made and status.paper else "not written yet"
    elif artifact.sha256 is not None:
        state, words = CriterionState.MET, f"{artifact.reference}, sha256 {artifact.sha256[:12]}, as declared"
    else:
        state = CriterionState.NOT_MET
        words = f"{artifact.reference} has no sha256: a reference alone can change under our hands"
    return CriterionStatus(name=artifact.name, state=state, evidence=words[:1024], digest=digest)


def _written(seen: Observed, draft: Draft, name: str, found: ImplementationStatus) -> Draft:
    assert seen.implementation is not None  # noqa: S101  it was read
    generation = ObjectMeta.model_validate(seen.implementation["metadata"]).generation
    found = found.model_copy(update={"observed_generation": generation})
    try:
        before = ImplementationStatus.model_validate(seen.implementation.get("status") or {})
    except ValidationError:
        before = None
    return draft if found == before else draft.doing(WriteImplementation(name, found))
