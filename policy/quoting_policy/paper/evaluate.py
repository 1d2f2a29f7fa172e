"""One session, every arm: the pairs' evidence, and the full part for the report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quoting_policy.domain.revision import ENGINE_VERSION, canonical_json
from quoting_policy.domain.session import BOTH_MISSING, CANDIDATE_MISSING, SessionEvidence, packed
from quoting_policy.errors import InputError
from quoting_policy.models.arms import build_arm
from quoting_policy.models.content import NOTHING, Contents
from quoting_policy.paper.arm import ArmRecord, ArmRun
from quoting_policy.paper.desk import SECOND, Budget, Desk, PolicyFile
from quoting_policy.paper.differences import METRICS, block_status, differences, rejections
from quoting_policy.paper.exp3 import BidAskExp3
from quoting_policy.paper.exploration import Float, utilities
from quoting_policy.paper.market import Market, open_market
from quoting_policy.paper.sessions import Session

VERSION = 1
"""Counts changes that make parts of an earlier version useless."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is compared: one baseline, one candidate or more, under one desk.

    contents: weights and secret parameters that they name by sha256.
    """

    baseline: PolicyFile
    candidates: tuple[PolicyFile, ...]
    desk: Desk
    contents: Contents = NOTHING

    def check(self) -> None:
        """Refuse arms that could not run, before anything is replayed."""
        _check_arm(self.baseline, "baseline", self.contents)
        labels = [policy.label for policy in self.candidates]
        for i, policy in enumerate(self.candidates):
            field = f"candidate[{i}]" if len(labels) > 1 else "candidate"
            _check_arm(policy, field, self.contents)
            if labels.count(policy.label) > 1:
                raise InputError(
                    f"{field}.name", policy.label, "unique", "give each candidate a name of its own"
                )
        if self.baseline.exploration_budget is not None:
            raise InputError("baseline.explorationBudget", "given", "left out", "only a candidate explores")

    def digest(self, session: Session, candidate: PolicyFile) -> str:
        """sha256 of everything that can change a pair's evidence in a session."""
        return _sha({"baseline": self.baseline, "candidate": candidate, **self._shared(session)})

    def key(self, session: Session) -> str:
        """sha256 of everything that can change a session's part."""
        return _sha({"baseline": self.baseline, "candidates": list(self.candidates), **self._shared(session)})

    def _shared(self, session: Session) -> dict[str, object]:
        window = [session.start_ns, session.evidence_ns, session.end_ns, session.index, session.name]
        return {
            "desk": self.desk, "tape": session.recording.sha256, "window": window,
            "engine": ENGINE_VERSION, "version": VERSION,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A finished session: records by arm, baseline first, and the evidence of each candidate."""

    key: str
    arms: Mapping[str, ArmRecord]
    evidence: tuple[SessionEvidence, ...]


def evaluate(session: Session, pairing: Pairing) -> Part:
    """Replay a session under every arm. What goes wrong with an arm is in the part, never an exception."""
    desk = pairing.desk
    market = open_market(session, desk)
    contents = pairing.contents
    baseline = ArmRun(market, desk, pairing.baseline.spec(), None, contents=contents).run()
    records = {BASELINE: baseline}
    evidence = []
    for policy in pairing.candidates:
        explorer = _explorer(policy, baseline, market, session, contents)
        records[policy.label] = ArmRun(
            market, desk, pairing.baseline.spec(), policy.spec(), explorer, contents
        ).run()
        evidence.append(_evidence(session, pairing, policy, market, records))
    return Part(pairing.key(session), records, tuple(evidence))


BASELINE = "baseline"


def _evidence(
    session: Session, pairing: Pairing, policy: PolicyFile, market: Market, records: Mapping[str, ArmRecord]
) -> SessionEvidence:
    baseline, candidate = records[BASELINE], records[policy.label]
    block_s = pairing.desk.block_s
    decisions = block_s / pairing.desk.decision_s
    status = block_status(baseline, candidate, decisions)
    reasons = rejections("baseline", baseline, decisions) + rejections("candidate", candidate, decisions)
    if candidate.exploration:
        status = CANDIDATE_MISSING * len(status)
    if not market.two_sided:
        status = BOTH_MISSING * len(status)
        reasons = ["the session is empty: the market never had two sides", *reasons]
    return SessionEvidence(
        digest=pairing.digest(session, policy), candidate=policy.label, index=session.index,
        name=session.name, block_s=block_s, metrics=tuple(METRICS), status=status,
        values=packed(differences(baseline, candidate, block_s)), rejections=tuple(reasons),
    )  # fmt: skip


def _explorer(
    policy: PolicyFile, baseline: ArmRecord, market: Market, session: Session, contents: Contents
) -> tuple[Budget, Float] | None:
    if policy.exploration_budget is None:
        return None
    model = build_arm(policy.spec(), contents, "candidate")
    assert isinstance(model, BidAskExp3)  # noqa: S101  _check_arm has seen to it
    round_ns = round(model.params.round_s * SECOND)
    rounds = int((session.end_ns - session.evidence_ns) // round_ns)
    lot = float(market.tape.facts.qty_unit)
    rows: Sequence[Sequence[float]] = [(f[0], f[1], f[2], f[3] * lot, f[6]) for f in baseline.fills.tolist()]
    earned = utilities(rows, (market.mid_times, market.mids), session.evidence_ns, round_ns, rounds)
    return policy.exploration_budget, earned


def _check_arm(policy: PolicyFile, field: str, contents: Contents) -> None:
    model = build_arm(policy.spec(), contents, field)
    explores = getattr(model, "explores", False)
    if explores and policy.exploration_budget is None:
        raise InputError(f"{field}.explorationBudget", None, "given", f"{policy.model} explores")
    if not explores and policy.exploration_budget is not None:
        raise InputError(
            f"{field}.explorationBudget", "given", "left out", f"{policy.model} does not explore"
        )


def _sha(content: dict[str, object]) -> str:
    plain = {k: _plain(v) for k, v in content.items()}
    return hashlib.sha256(canonical_json(plain)).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.model_dump(mode="json") if isinstance(value, Desk | PolicyFile) else value
