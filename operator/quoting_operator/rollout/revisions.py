"""Revisions: the frozen content that sidecars run, and how it is kept in a ControllerRevision."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from quoting_operator.api.metadata import owner_of
from quoting_operator.api.policy import POLICY_LABEL, Arm, PolicySpec
from quoting_policy.domain import ArmSpec, Frozen, Limits, PortfolioLimits, Revision, canonical_json
from quoting_policy.errors import InputError
from quoting_policy.models.arms import check_arm

DIGEST_ANNOTATION = "quoting.dev/digest"
MOST_REVISIONS = 10
"""Revisions kept for `undo`, the pinned one not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """A revision with the name and the number under which it is kept."""

    name: str
    number: int
    digest: str
    content: Revision

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self | None:
        """From a ControllerRevision; None if its content is not what its digest says, so nobody runs it."""
        try:
            frozen = msgspec.convert(stored["data"], Frozen)
        except (msgspec.ValidationError, InputError, KeyError):
            return None
        name = stored["metadata"]["name"]
        return cls(name=name, number=stored["revision"], digest=frozen.digest, content=frozen.revision)

    def manifest(self, policy: Mapping[str, Any]) -> dict[str, Any]:
        """The ControllerRevision that holds it, owned by the policy."""
        metadata = policy["metadata"]
        return {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": self.name,
                "namespace": metadata["namespace"],
                "labels": {POLICY_LABEL: metadata["name"]},
                "annotations": {DIGEST_ANNOTATION: self.digest},
                "ownerReferences": [owner_of(policy)],
            },
            "revision": self.number,
            "data": msgspec.json.decode(canonical_json(Frozen.of(self.content))),
        }


def revision_name(policy: str, digest: str) -> str:
    """Name of the ControllerRevision of this digest."""
    return f"{policy}-{digest[:12]}"


def wanted(
    spec: PolicySpec, limits: Limits, by_instrument: Mapping[str, Limits], portfolio: PortfolioLimits
) -> Revision:
    """The revision that a spec asks for under these effective limits.

    by_instrument: by symbol, for instruments that have more. Raises InputError naming the field of the spec;
    secret parameters are checked where they arrive, in the engine.
    """
    check_arm(arm_of(spec.baseline), "spec.baseline")
    if spec.candidate is not None:
        check_arm(arm_of(spec.candidate), "spec.candidate")
    return Revision(
        baseline=arm_of(spec.baseline),
        candidate=None if spec.candidate is None else arm_of(spec.candidate),
        instruments=tuple(instrument.to_domain() for instrument in spec.instruments),
        limits=limits,
        instrument_limits={symbol: own for symbol, own in by_instrument.items() if own != Limits()},
        portfolio=portfolio,
        breach=spec.breach.to_domain(),
        refresh=spec.refresh.to_domain(),
    )


def arm_of(arm: Arm) -> ArmSpec:
    """An arm of a spec as a revision holds it."""
    return ArmSpec(
        model=arm.model,
        params=dict(arm.params),
        weights_sha256=None if arm.weights_from is None else arm.weights_from.sha256,
        params_sha256=msgspec.UNSET if arm.params_from is None else arm.params_from.sha256,
    )


def arm_digest(arm: ArmSpec) -> str:
    """sha256 of an arm's content: model, parameters, sha256 of weights and of secret parameters."""
    return hashlib.sha256(canonical_json(arm)).hexdigest()


def only_tightens(old: Revision, new: Revision) -> bool:
    """Whether the new revision is the old one with limits for every instrument that are nowhere looser."""
    same = msgspec.structs.replace(new, limits=old.limits) == old
    return same and old.limits.tightened_by(new.limits) == new.limits
